//! What a user has not read, by the default push rules.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#push-rules>.

use std::collections::BTreeMap;

use gantry_model::{
    Object, Value,
    id::{EventId, OwnedEventId, RoomId, UserId},
};
use gantry_rooms::{Direction, RoomEvent, RoomView};

use crate::{
    ReceiptKind, Result,
    content::{relation, str_of},
    core::Core,
    receipts::thread_of,
};

/// How many events are looked at; what is older counts as read.
const MAX_LOOKED_AT: usize = 200;
/// They are read in pages of these sizes.
const PAGES: [usize; 3] = [20, 60, 120];

/// What a user has not read in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// Unread messages in no thread.
    pub notifications: u64,
    /// Those of them that address the user.
    pub highlights: u64,
    /// The same for threads that have any.
    pub threads: BTreeMap<OwnedEventId, ThreadUnread>,
}

/// What a user has not read in a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadUnread {
    /// Unread messages.
    pub notifications: u64,
    /// Those of them that address the user.
    pub highlights: u64,
}

impl Unread {
    /// The sums over the room and all its threads.
    pub fn total(&self) -> ThreadUnread {
        let main = ThreadUnread {
            notifications: self.notifications,
            highlights: self.highlights,
        };
        self.threads
            .values()
            .fold(main, |sum, thread| ThreadUnread {
                notifications: sum.notifications + thread.notifications,
                highlights: sum.highlights + thread.highlights,
            })
    }

    fn add(&mut self, thread: Option<&str>, highlight: bool) {
        let root = thread.and_then(|root| EventId::parse(root).ok());
        match root {
            None => {
                self.notifications += 1;
                self.highlights += u64::from(highlight);
            }
            Some(root) => {
                let unread = self.threads.entry(root).or_default();
                unread.notifications += 1;
                unread.highlights += u64::from(highlight);
            }
        }
    }
}

/// Up to where a user has read a room and its threads, as keys of the timeline.
#[derive(Debug, Default)]
struct ReadUpTo {
    room: Vec<u8>,
    main: Vec<u8>,
    threads: BTreeMap<String, Vec<u8>>,
}

impl ReadUpTo {
    fn includes(&self, thread: Option<&str>, key: &[u8]) -> bool {
        let place = match thread {
            None => Some(&self.main),
            Some(root) => self.threads.get(root),
        };
        self.room.as_slice() >= key || place.is_some_and(|place| place.as_slice() >= key)
    }
}

/// What makes a message address a user.
struct Reader<'a> {
    user: &'a UserId,
    display_name: Option<String>,
}

impl Core {
    /// What the user has not read in a room.
    pub(crate) async fn unread(
        &self,
        user: &UserId,
        room: &RoomId,
        view: &RoomView,
    ) -> Result<Unread> {
        let own = view.state("m.room.member", user.as_str());
        let display_name = own.and_then(|own| own.content_str("displayname").map(str::to_owned));
        let reader = Reader { user, display_name };
        let mut read = ReadUpTo {
            room: self.read_up_to(user, room, None).await?,
            main: self.read_up_to(user, room, Some("main")).await?,
            threads: BTreeMap::new(),
        };
        let mut unread = Unread::default();
        for event in self.unread_events(user, room, &read.room).await? {
            let Some(key) = event.key else { continue };
            let thread = thread_of(event.relation.as_ref());
            if let Some(root) = thread
                && !read.threads.contains_key(root)
            {
                let place = self.read_up_to(user, room, Some(root)).await?;
                read.threads.insert(root.to_owned(), place);
            }
            if !read.includes(thread, key.as_bytes()) {
                unread.add(thread, reader.is_addressed(&event, view));
            }
        }
        Ok(unread)
    }

    /// The farthest of the user's public and private receipts, empty if there is none.
    async fn read_up_to(
        &self,
        user: &UserId,
        room: &RoomId,
        thread: Option<&str>,
    ) -> Result<Vec<u8>> {
        let mut farthest = Vec::new();
        for kind in [ReceiptKind::Read, ReceiptKind::ReadPrivate] {
            let stored = self
                .accounts
                .receipt(room, user, kind.as_str(), thread)
                .await?;
            farthest = farthest.max(stored.map(|one| one.receipt.key).unwrap_or_default());
        }
        Ok(farthest)
    }

    /// The events that notify the user, from the newest back to what the receipt for the whole room
    /// covers, or to where the user came. Most have read nearly everything, so pages start small.
    async fn unread_events(
        &self,
        user: &UserId,
        room: &RoomId,
        read: &[u8],
    ) -> Result<Vec<RoomEvent>> {
        let (mut found, mut from, mut looked_at) = (Vec::new(), None, 0);
        for limit in PAGES {
            let rooms = &self.rooms;
            let page = rooms
                .timeline(room, from, None, Direction::Backward, limit)
                .await?;
            looked_at += page.events.len();
            for event in page.events {
                let is_read = event
                    .key
                    .is_none_or(|key| read >= key.as_bytes().as_slice());
                if is_read || is_join_of(&event, user) {
                    return Ok(found);
                }
                if notifies(&event, user) {
                    found.push(event);
                }
            }
            from = page.next;
            if from.is_none() || looked_at >= MAX_LOOKED_AT {
                break;
            }
        }
        Ok(found)
    }
}

impl Reader<'_> {
    /// Whether a message highlights: by its mentions, or, without any, by words in its text.
    fn is_addressed(&self, event: &RoomEvent, view: &RoomView) -> bool {
        let content = event.pdu.content();
        let sender = event.pdu.sender();
        let may_call_all = || {
            view.power_levels()
                .is_some_and(|levels| levels.for_user(sender) >= levels.notifications_room())
        };
        match content.get("m.mentions").and_then(Value::as_object) {
            Some(mentions) => {
                mentions_user(mentions, self.user)
                    || (mentions.get("room").and_then(Value::as_bool) == Some(true)
                        && may_call_all())
            }
            None => {
                let body = str_of(content, "body").unwrap_or_default();
                let name = self.display_name.as_deref().unwrap_or_default();
                contains_word(body, self.user.localpart())
                    || contains_word(body, name)
                    || (contains_word(body, "@room") && may_call_all())
            }
        }
    }
}

fn mentions_user(mentions: &Object, user: &UserId) -> bool {
    let users = mentions
        .get("user_ids")
        .and_then(Value::as_array)
        .unwrap_or_default();
    users.iter().any(|one| one.as_str() == Some(user.as_str()))
}

/// Whether the default rules notify of the event: messages of others, but no edits and notices.
fn notifies(event: &RoomEvent, user: &UserId) -> bool {
    let pdu = &event.pdu;
    let is_edit = relation(pdu.content()).is_some_and(|(kind, _)| kind == "m.replace");
    matches!(pdu.kind(), "m.room.message" | "m.room.encrypted")
        && pdu.state_key().is_none()
        && pdu.sender() != user
        && event.redacted_because.is_none()
        && !event.flags.quiet
        && !is_edit
        && pdu.content_str("msgtype") != Some("m.notice")
}

/// Whether the user came into the room by this event.
fn is_join_of(event: &RoomEvent, user: &UserId) -> bool {
    let was_joined = event
        .replaces
        .as_ref()
        .is_some_and(|before| before.content_str("membership") == Some("join"));
    event.pdu.is_state("m.room.member", user.as_str())
        && event.pdu.content_str("membership") == Some("join")
        && !was_joined
}

/// Whether the text holds the word, whatever its case, with no letter or digit beside it.
fn contains_word(text: &str, word: &str) -> bool {
    if word.is_empty() {
        return false;
    }
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    text.match_indices(&word).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_alone() {
        assert!(contains_word("Hello Alice!", "alice"));
        assert!(contains_word("@room: hi", "@room"));
        assert!(!contains_word("malice", "alice"));
        assert!(!contains_word("anything", ""));
        assert!(contains_word("alices alice", "alice"));
    }

    #[test]
    fn a_thread_is_read_by_its_own_receipt_or_the_rooms() {
        let read = ReadUpTo {
            room: vec![1],
            main: vec![5],
            threads: [("$root".to_owned(), vec![3])].into(),
        };

        assert!(read.includes(None, &[5]));
        assert!(!read.includes(None, &[6]));
        assert!(read.includes(Some("$root"), &[3]));
        assert!(!read.includes(Some("$root"), &[4]));
        assert!(read.includes(Some("$other"), &[1]));
        assert!(!read.includes(Some("$other"), &[2]));
    }

    #[test]
    fn threads_are_counted_by_themselves_and_in_the_total() {
        let mut unread = Unread::default();

        unread.add(None, false);
        unread.add(Some("$root"), true);
        unread.add(Some("$root"), false);

        assert_eq!((unread.notifications, unread.highlights), (1, 0));
        assert_eq!(
            unread.total(),
            ThreadUnread {
                notifications: 3,
                highlights: 1
            }
        );
    }
}
