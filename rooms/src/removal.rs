//! Taking a whole room away.

use std::time::Duration;

use gantry_model::{
    Object,
    id::{OwnedUserId, RoomId},
};
use gantry_store::{
    Batch, Key, Scan, Table,
    bson::RawDocumentBuf,
    hash16,
    schema::{ALIAS, DIRECTORY, MEMBERSHIP, META, ROOM},
};

use crate::{Error, Gone, MembershipRow, NewEvent, Result, Rooms, pages::Pages};

/// Documents that are removed at once.
const AT_ONCE: usize = 500;

/// How often it is looked whether the room is out of use, and the pause between.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// What the removal of a room has freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Our members that had to leave.
    pub members: u64,
    /// Documents: events, states, names, rows, aliases.
    pub documents: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Rooms {
    /// Takes a room away with everything that happened in it and leads to it; what users keep of it
    /// for themselves (tags, receipts) is theirs. Our members leave, nobody can come
    /// back while it is being removed, and afterwards only its number is left, which no other room
    /// gets. Whether it stays blocked is the caller's choice. Other servers keep what they have.
    pub async fn delete(&self, room: &RoomId, stays_blocked: bool) -> Result<Removed> {
        let rid = self.number(room).await?.ok_or(Error::UnknownRoom)?;
        let was_blocked = self.block_of(room).await?.is_some();
        if !was_blocked {
            self.block(room, None).await?;
        }
        let mut done = Removed {
            members: self.everybody_leaves(room).await?,
            ..Removed::default()
        };
        self.put_out_of_use(room).await?;
        for (table, keys) in [
            (ALIAS, self.keys_by_rid(ALIAS, rid).await?),
            (DIRECTORY, vec![rid.to_be_bytes().to_vec()]),
            (
                META,
                vec![hash16(&[b"purged", &rid.to_be_bytes()]).to_vec()],
            ),
            (MEMBERSHIP, self.keys_by_rid(MEMBERSHIP, rid).await?),
        ] {
            self.remove(table, keys, &mut done).await?;
        }
        // From the first entry on: what is left by a crash has no beginning and is removed by the
        // next attempt.
        let mut documents = Pages::<RawDocumentBuf>::of_rid(self.store(), rid, AT_ONCE);
        while let Some(page) = documents.next().await? {
            let keys = page.into_iter().map(|(key, _)| key).collect();
            self.remove(ROOM, keys, &mut done).await?;
        }
        self.put_out_of_use(room).await?;
        self.tell_gone(&Gone::Room(rid)).await?;
        if !stays_blocked && !was_blocked {
            self.unblock(room).await?;
        }
        Ok(done)
    }

    /// Lets all our members leave a room; how many did.
    pub async fn everybody_leaves(&self, room: &RoomId) -> Result<u64> {
        let Some(view) = self.view(room).await? else {
            return Ok(0);
        };
        let ours = |user: &OwnedUserId| self.identity().is_local(user);
        let mut left = 0;
        for user in view.joined().into_iter().filter(ours) {
            let content = Object::from([("membership".to_owned(), "leave".into())]);
            let leave = NewEvent::state(user.clone(), "m.room.member", user.as_str(), content);
            match self.submit(room, leave).await {
                Ok(_) => left += 1,
                // A room whose log is damaged can be removed, too.
                Err(Error::Rejected(_) | Error::NotInRoom | Error::Broken(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(left)
    }

    /// Waits until the room's actor has nothing to do, and takes it out of memory.
    async fn put_out_of_use(&self, room: &RoomId) -> Result<()> {
        for _ in 0..LOOKS {
            if self.evict_room(room) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Error::Contention)
    }

    async fn keys_by_rid(&self, table: &'static Table, rid: u64) -> Result<Vec<Key>> {
        let scan = Scan::index("rid", vec![(rid as i64).into()]);
        let rows = self.store().scan::<RawDocumentBuf>(table, scan).await?;
        Ok(rows.into_iter().map(|(key, _)| key).collect())
    }

    async fn remove(
        &self,
        table: &'static Table,
        keys: Vec<Key>,
        done: &mut Removed,
    ) -> Result<()> {
        for some in keys.chunks(AT_ONCE) {
            let found = self
                .store()
                .multi_get::<RawDocumentBuf>(table, some)
                .await?;
            let mut batch = Batch::new();
            for (key, doc) in some.iter().zip(found) {
                let Some(doc) = doc else { continue };
                done.documents += 1;
                done.bytes += (key.len() + doc.as_bytes().len()) as u64;
                batch.delete(table, key.clone());
            }
            if !batch.is_empty() {
                self.store().commit(batch).await?;
            }
        }
        Ok(())
    }

    /// Those of our users who have anything to do with a room.
    pub async fn local_rows(&self, room: &RoomId) -> Result<Vec<MembershipRow>> {
        let Some(rid) = self.number(room).await? else {
            return Ok(Vec::new());
        };
        let scan = Scan::index("rid", vec![(rid as i64).into()]);
        let rows = self.store().scan::<MembershipRow>(MEMBERSHIP, scan).await?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }
}
