//! The keys of this crate's documents.

use gantry_model::id::{DeviceId, EventId, RoomId, UserId};
use gantry_store::{Key, concat, hash16};

/// What a document of the data table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// Account data; its owner is [`user_owner`].
    AccountData,
    /// A receipt; its owner is [`room_owner`].
    Receipt,
    /// Whether a user follows a thread; its owner is [`user_owner`].
    ThreadSubscription,
}

impl DataKind {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::AccountData => b'a',
            Self::Receipt => b'r',
            Self::ThreadSubscription => b't',
        }
    }
}

/// The owner part of keys of a user's documents.
pub fn user_owner(user: &UserId) -> [u8; 16] {
    hash16(&[user.as_bytes()])
}

/// The owner part of keys of a room's documents.
pub fn room_owner(room: &RoomId) -> [u8; 16] {
    hash16(&[room.as_bytes()])
}

/// The owner of a document of the data table, from its key.
pub fn data_owner(key: &[u8]) -> Option<[u8; 16]> {
    key.get(..16)?.try_into().ok()
}

/// The kind of a document of the data table, from its key.
pub fn data_kind(key: &[u8]) -> Option<DataKind> {
    match key.get(16)? {
        b'a' => Some(DataKind::AccountData),
        b'r' => Some(DataKind::Receipt),
        b't' => Some(DataKind::ThreadSubscription),
        _ => None,
    }
}

pub(crate) fn account(user: &UserId) -> Key {
    user_owner(user).to_vec()
}

pub(crate) fn device(user: &UserId, device: &DeviceId) -> Key {
    concat(&[&user_owner(user), &hash16(&[device.as_bytes()])])
}

pub(crate) fn filter(user: &UserId, n: u64) -> Key {
    concat(&[&user_owner(user), &n.to_be_bytes()])
}

pub(crate) fn data_prefix(owner: &[u8; 16], kind: DataKind) -> Key {
    concat(&[owner, &[kind.byte()]])
}

pub(crate) fn account_datum(user: &UserId, room: Option<&RoomId>, kind: &str) -> Key {
    let room = room.map_or("", RoomId::as_str);
    let sub = hash16(&[room.as_bytes(), kind.as_bytes()]);
    concat(&[&data_prefix(&user_owner(user), DataKind::AccountData), &sub])
}

pub(crate) fn thread_subscriptions(user: &UserId) -> Key {
    data_prefix(&user_owner(user), DataKind::ThreadSubscription)
}

pub(crate) fn thread_subscription(user: &UserId, room: &RoomId, root: &EventId) -> Key {
    let sub = hash16(&[room.as_bytes(), root.as_bytes()]);
    concat(&[&thread_subscriptions(user), &sub])
}

pub(crate) fn receipt(room: &RoomId, user: &UserId, kind: &str, thread: Option<&str>) -> Key {
    let thread = thread.unwrap_or("");
    let sub = hash16(&[user.as_bytes(), kind.as_bytes(), thread.as_bytes()]);
    concat(&[&data_prefix(&room_owner(room), DataKind::Receipt), &sub])
}
