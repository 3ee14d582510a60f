//! Matrix identifiers. Those of ruma serve the whole workspace; this module is their one entrance,
//! with the few questions that Gantry asks of them more than once.

pub use ruma::{
    DeviceId, EventId, OwnedDeviceId, OwnedEventId, OwnedRoomAliasId, OwnedRoomId,
    OwnedRoomOrAliasId, OwnedServerName, OwnedTransactionId, OwnedUserId, RoomAliasId, RoomId,
    RoomOrAliasId, ServerName, TransactionId, UserId,
};

/// The longest identifier that the specification allows, in bytes.
pub const MAX_ID_BYTES: usize = 255;

/// Whether the user belongs to the server of that name.
pub fn is_local(user: &UserId, server: &ServerName) -> bool {
    user.server_name() == server
}

/// A user id from text, if the text is one and short enough.
pub fn parse_user(text: &str) -> Option<OwnedUserId> {
    (text.len() <= MAX_ID_BYTES)
        .then(|| UserId::parse(text).ok())
        .flatten()
}
