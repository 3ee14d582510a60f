//! Taking old messages away. See `event-log`, section 8.
//!
//! A purged entry keeps its place, its hash and the head that it left; its body becomes empty, and
//! what refers to it or to a request goes. State events and forward extremities stay.

use std::{collections::HashSet, ops::Bound};

use gantry_model::id::{RoomId, UserId};
use gantry_store::{Batch, Blob, Scan, bson::RawDocumentBuf, schema::ROOM, to_document};

use crate::{
    Error, Gone, Result, RoomView, Rooms,
    codec::{EntryDoc, ExtremityDoc, HeadDoc, KIND_LOG, number},
    pages::Pages,
};

/// Entries that are read and rewritten at once.
const AT_ONCE: usize = 200;

/// What a purge has taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Messages.
    pub events: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

impl EntryDoc {
    /// Whether the body was taken away.
    pub(crate) fn is_purged(&self) -> bool {
        self.rn.is_none() && self.body.as_ref().is_some_and(|body| body.is_empty())
    }

    /// Takes the body away; returns how long it was.
    fn purge(&mut self) -> u64 {
        let body = self.body.replace(Blob(Vec::new()));
        (self.rel, self.tx, self.rc) = (None, None, None);
        body.map_or(0, |body| body.len() as u64)
    }
}

impl Rooms {
    /// Takes away the messages of a room that were sent before a time (milliseconds since the
    /// epoch, as their servers say), whoever sent them. Other servers keep theirs.
    pub async fn purge_history(&self, room: &RoomId, before_ms: i64) -> Result<Purged> {
        self.purge(room, before_ms, false).await
    }

    /// The same for messages of other servers' users only: of those of ours nobody else may have a
    /// copy.
    pub async fn purge_remote_history(&self, room: &RoomId, before_ms: i64) -> Result<Purged> {
        self.purge(room, before_ms, true).await
    }

    async fn purge(&self, room: &RoomId, before_ms: i64, keep_local: bool) -> Result<Purged> {
        let view = self.get(room).await?;
        let kept = self.extremity_positions(&view).await?;
        let mut done = Purged::default();
        let mut log = Pages::<EntryDoc>::of_room(self.store(), view.rid(), KIND_LOG, AT_ONCE);
        while let Some(page) = log.next().await? {
            let mut batch = Batch::new();
            for (key, mut entry) in page {
                let pos = number(&key)?;
                // What came after the view was taken is left for the next time.
                if pos > view.pos() || kept.contains(&pos) || !is_old(&entry, before_ms) {
                    continue;
                }
                if keep_local && self.is_by_ours(&view, &entry) {
                    continue;
                }
                done.bytes += entry.purge();
                done.events += 1;
                // Entries never change but so, and twice is as good as once.
                batch.put(ROOM, key, to_document(ROOM, &entry)?);
            }
            if !batch.is_empty() {
                self.store().commit(batch).await?;
            }
        }
        self.tell_gone(&Gone::Messages {
            room: room.to_owned(),
            number: view.rid(),
            before_ms,
        })
        .await?;
        Ok(done)
    }

    /// Whether a user of ours sent an entry's event.
    fn is_by_ours(&self, view: &RoomView, entry: &EntryDoc) -> bool {
        let sender = view.dag().key(entry.by as u32);
        let sender = sender.and_then(|(_, user)| UserId::parse(user).ok());
        sender.is_some_and(|user| self.identity().is_local(&user))
    }

    async fn extremity_positions(&self, view: &RoomView) -> Result<HashSet<u64>> {
        #[derive(serde::Deserialize)]
        struct Row {
            h: HeadDoc,
        }
        let key = crate::codec::entry_key(view.rid(), view.pos());
        let last: Option<Row> = self.store().get_light(ROOM, &key).await?;
        let head = last.ok_or(Error::Broken("the log is not dense"))?.h;
        Ok(head
            .fx
            .iter()
            .map(|one: &ExtremityDoc| one.pos as u64)
            .collect())
    }
}

fn is_old(entry: &EntryDoc, before_ms: i64) -> bool {
    entry.rn.is_none() && entry.ts < before_ms && !entry.is_purged() && !entry.is_control()
}

impl Rooms {
    /// Whether a room has events of a stretch of time, its end excluded; reads one index.
    pub(crate) async fn has_events_between(&self, rid: u64, from: i64, to: i64) -> Result<bool> {
        let scan = Scan::index("ts", vec![(rid as i64).into()])
            .between(Bound::Included(from.into()), Bound::Excluded(to.into()))
            .light()
            .limit(1);
        let found = self.store().scan::<RawDocumentBuf>(ROOM, scan).await?;
        Ok(!found.is_empty())
    }
}
