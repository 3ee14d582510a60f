//! What a reader needs that keeps an index of what was said: which entries a stretch of the stream
//! has brought, which events they change, and what was taken away without an event.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gantry_model::id::{OwnedRoomId, OwnedUserId, RoomId};
use gantry_store::{Cut, schema::DATA, schema::ROOM};

use crate::{
    Result, RoomEvent, RoomView, Rooms,
    codec::{EntryDoc, Hash, entry_key, hash_of, log_place},
    gone::{Gone, is_gone},
    load::find_entry,
    relations::REDACTION,
};

/// What of a stretch of the stream matters to an index.
#[derive(Debug, Clone, Default)]
pub struct IndexChanges {
    /// Positions of new entries in the logs of rooms.
    pub entries: BTreeMap<OwnedRoomId, BTreeSet<u64>>,
    /// What was taken away.
    pub gone: Vec<Gone>,
}

/// An event at a position of its room's log; `None`: its body was taken away.
pub type Placed = (u64, Option<RoomEvent>);

impl Rooms {
    /// What changed between two cuts.
    pub async fn index_changes(&self, since: &Cut, upto: &Cut) -> Result<IndexChanges> {
        let mut changes = IndexChanges::default();
        let mut gone = Vec::new();
        for change in self.store().changes(since, upto).await? {
            if change.table == ROOM
                && let Some((rid, pos)) = log_place(&change.key)
            {
                if let Some(room) = self.name(rid).await? {
                    changes.entries.entry(room).or_default().insert(pos);
                }
            } else if change.table == DATA && is_gone(&change.key) {
                gone.push(change.key);
            }
        }
        changes.gone = self.gone(&gone).await?;
        Ok(changes)
    }

    /// The events that entries of a room's log change: those at the positions, what they edit or
    /// redact, and of a redacted edit what it had edited.
    pub async fn affected(
        &self,
        room: &RoomId,
        positions: impl IntoIterator<Item = u64> + Send,
    ) -> Result<Vec<Placed>> {
        let view = self.get(room).await?;
        let mut wanted: BTreeSet<u64> = positions.into_iter().collect();
        let keys: Vec<_> = wanted
            .iter()
            .map(|pos| entry_key(view.rid(), *pos))
            .collect();
        let entries = self
            .store()
            .multi_get_light::<EntryDoc>(ROOM, &keys)
            .await?;
        for entry in entries.into_iter().flatten() {
            self.add_targets(&view, &entry, &mut wanted).await?;
        }
        self.placed(&view, &wanted).await
    }

    /// Adds the positions of the events whose content an entry decides.
    async fn add_targets(
        &self,
        view: &RoomView,
        entry: &EntryDoc,
        wanted: &mut BTreeSet<u64>,
    ) -> Result<()> {
        let Some((kind, target)) = target_of(entry)? else {
            return Ok(());
        };
        let Some((pos, target)) = find_entry(self.store(), view.rid(), &target).await? else {
            return Ok(());
        };
        wanted.insert(pos);
        if kind == REDACTION
            && let Some((EDIT, original)) = target_of(&target)?
            && let Some((pos, _)) = find_entry(self.store(), view.rid(), &original).await?
        {
            wanted.insert(pos);
        }
        Ok(())
    }

    /// The events at positions of a room's log, in their order; positions without an entry are left
    /// out.
    pub async fn events_at(
        &self,
        room: &RoomId,
        positions: &BTreeSet<u64>,
    ) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        let placed = self.placed(&view, positions).await?;
        Ok(placed.into_iter().filter_map(|(_, event)| event).collect())
    }

    async fn placed(&self, view: &RoomView, positions: &BTreeSet<u64>) -> Result<Vec<Placed>> {
        let keys: Vec<_> = positions
            .iter()
            .map(|pos| entry_key(view.rid(), *pos))
            .collect();
        let entries = self.store().multi_get::<EntryDoc>(ROOM, &keys).await?;
        let rows = keys.into_iter().zip(entries);
        let rows = rows.filter_map(|(key, entry)| Some((key, entry?)));
        let events = self.events_of(view, rows.collect()).await?;
        let mut events: HashMap<u64, RoomEvent> =
            events.into_iter().map(|event| (event.pos, event)).collect();
        let place = |pos: &u64| (*pos, events.remove(pos));
        Ok(positions.iter().map(place).collect())
    }

    /// Whether a user wished that what he said is forgotten.
    pub async fn is_erased(&self, user: &OwnedUserId) -> Result<bool> {
        Ok(self.erased().await?.contains(user))
    }
}

/// The relation that makes an event the new content of another.
const EDIT: &str = "m.replace";

/// What an entry edits or redacts.
fn target_of(entry: &EntryDoc) -> Result<Option<(&'static str, Hash)>> {
    let Some(relation) = &entry.rel else {
        return Ok(None);
    };
    let kind = match relation.kind.as_str() {
        EDIT => EDIT,
        REDACTION => REDACTION,
        _ => return Ok(None),
    };
    Ok(Some((kind, hash_of(&relation.hash)?)))
}
