//! Notices of what was taken away without an event: purged messages, removed rooms, users who are
//! to be forgotten. They stand in the stream, so that readers that keep copies drop them too.

use gantry_model::id::{OwnedRoomId, OwnedUserId, UserId};
use gantry_store::{Batch, Key, Op, Outcome, Stamp, concat, hash16, schema::DATA, to_document};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Rooms};

/// The kind of these documents in the table of data.
const GONE: u8 = b'g';
/// How often a notice that another one came before is written again.
const TRIES: usize = 10;

/// What was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// Messages of a room that were sent before a time: not its forward extremities, and perhaps not
    /// those of our users.
    Messages {
        /// The room.
        room: OwnedRoomId,
        /// Its number.
        number: u64,
        /// The time, in milliseconds.
        before_ms: i64,
    },
    /// A room, by its number.
    Room(u64),
    /// What a user said.
    User(OwnedUserId),
}

#[derive(Debug, Serialize, Deserialize)]
struct GoneDoc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rid: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<OwnedRoomId>,
    /// `None`, with a room: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<OwnedUserId>,
    v: i64,
}

impl Gone {
    fn key(&self) -> Key {
        let of = |parts: &[&[u8]]| concat(&[&owner(), &[GONE], &hash16(parts)]);
        match self {
            Self::Messages { number, .. } | Self::Room(number) => {
                of(&[b"room", &number.to_be_bytes()])
            }
            Self::User(user) => of(&[b"user", user.as_bytes()]),
        }
    }

    /// The document that replaces an older one: it says what either said.
    fn doc(&self, old: Option<&GoneDoc>) -> GoneDoc {
        let mut doc = GoneDoc {
            rid: None,
            room: None,
            before: None,
            user: None,
            v: old.map_or(0, |old| old.v) + 1,
        };
        match self {
            Self::Messages {
                room,
                number,
                before_ms,
            } => {
                doc.rid = Some(*number as i64);
                doc.room = Some(room.clone());
                doc.before = match old {
                    Some(old) => old.before.map(|old| old.max(*before_ms)),
                    None => Some(*before_ms),
                };
            }
            Self::Room(number) => doc.rid = Some(*number as i64),
            Self::User(user) => doc.user = Some(user.clone()),
        }
        doc
    }

    fn of(doc: GoneDoc) -> Option<Self> {
        let Some(rid) = doc.rid else {
            return doc.user.map(Self::User);
        };
        let number = rid as u64;
        match (doc.room, doc.before) {
            (Some(room), Some(before_ms)) => Some(Self::Messages {
                room,
                number,
                before_ms,
            }),
            _ => Some(Self::Room(number)),
        }
    }
}

impl Rooms {
    /// Tells readers that something was taken away; to be called when it is.
    pub(crate) async fn tell_gone(&self, gone: &Gone) -> Result<()> {
        let key = gone.key();
        for _ in 0..TRIES {
            let old: Option<GoneDoc> = self.store().get(DATA, &key).await?;
            let op = Op::PutIf {
                table: DATA,
                key: key.clone(),
                expected: old.as_ref().map(|old| old.v),
                doc: to_document(DATA, &gone.doc(old.as_ref()))?,
            };
            let mut batch = Batch::new();
            batch.push(op, Stamp::Position);
            let outcomes = self.store().commit(batch).await?;
            if outcomes.iter().all(Outcome::is_applied) {
                return Ok(());
            }
        }
        Err(Error::Contention)
    }

    /// The notices of these keys.
    pub(crate) async fn gone(&self, keys: &[Key]) -> Result<Vec<Gone>> {
        let docs = self.store().multi_get::<GoneDoc>(DATA, keys).await?;
        Ok(docs.into_iter().flatten().filter_map(Gone::of).collect())
    }

    /// Tells readers that a user is to be forgotten.
    pub(crate) async fn tell_erased(&self, user: &UserId) -> Result<()> {
        self.tell_gone(&Gone::User(user.to_owned())).await
    }
}

/// Whether a key of the table of data is that of a notice.
pub(crate) fn is_gone(key: &[u8]) -> bool {
    key.get(..16) == Some(&owner()[..]) && key.get(16) == Some(&GONE)
}

/// Notices belong to nobody: no user id is this text.
fn owner() -> [u8; 16] {
    hash16(&[b"gone"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_says_what_those_before_it_said() {
        let messages = |before_ms| Gone::Messages {
            room: OwnedRoomId::try_from("!a:b").unwrap(),
            number: 7,
            before_ms,
        };
        let late = messages(9).doc(None);

        let again = messages(5).doc(Some(&late));
        let whole = Gone::Room(7).doc(Some(&again));
        let after = messages(99).doc(Some(&whole));

        assert_eq!(messages(5).key(), Gone::Room(7).key());
        assert_eq!((again.before, again.v), (Some(9), 2));
        assert_eq!(Gone::of(again), Some(messages(9)));
        assert_eq!(Gone::of(after), Some(Gone::Room(7)));
    }
}
