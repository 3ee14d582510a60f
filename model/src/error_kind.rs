//! What can go wrong, as a user of any surface would name it.

/// The closed set of failures that surfaces translate into their own protocol.
///
/// Inner crates keep their own error enums; each gives one of these by `kind()`. There are exactly
/// three exhaustive translations: Matrix client, Matrix federation and Rocket.Chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The thing asked for does not exist, or the asker may not know that it does.
    NotFound,
    /// The asker is known and may not do this.
    Forbidden,
    /// No access token was given.
    MissingToken,
    /// The access token is not (or no longer) valid.
    UnknownToken {
        /// Whether the client should keep its data and log in again.
        soft_logout: bool,
    },
    /// User name and password do not fit together.
    WrongCredentials,
    /// The account was deactivated.
    UserDeactivated,
    /// The account is locked: nothing but logging out is possible.
    UserLocked,
    /// The account is suspended: this is one of the acts that are withheld from it.
    UserSuspended,
    /// A guest may not do this.
    GuestAccessForbidden,
    /// The third-party identifier belongs to an account already.
    ThreepidInUse,
    /// The third-party identifier belongs to no account.
    ThreepidNotFound,
    /// The third-party identifier was not proven.
    ThreepidAuthFailed,
    /// Third-party identifiers are not taken, or not this one.
    ThreepidDenied,
    /// Third-party identifiers of this medium are not supported.
    ThreepidMediumNotSupported,
    /// The identity server is not one that we talk to.
    ServerNotTrusted,
    /// The profile would be larger than is allowed.
    ProfileTooLarge,
    /// The name of a profile field is longer than is allowed.
    KeyTooLarge,
    /// The user has no such device.
    UnknownDevice,
    /// What is to be written belongs to the server.
    ServerControlled,
    /// The body is not JSON.
    NotJson,
    /// The body is JSON, but not of the right shape.
    BadJson,
    /// A parameter has an unusable value.
    InvalidParam,
    /// A required parameter is missing.
    MissingParam,
    /// The request or event is too large.
    TooLarge,
    /// Too many requests; try again after this many milliseconds.
    RateLimited {
        /// Milliseconds until another request may succeed.
        retry_after_ms: u64,
    },
    /// The user name is taken.
    UserInUse,
    /// The user name is not a valid one.
    InvalidUsername,
    /// The user name or alias belongs to somebody's exclusive namespace.
    Exclusive,
    /// The password is too weak.
    WeakPassword,
    /// The alias, or another unique name, is taken.
    RoomInUse,
    /// The initial state of a room is contradictory.
    InvalidRoomState,
    /// The room version is not supported.
    UnsupportedRoomVersion,
    /// The other server does not speak this room's version.
    IncompatibleRoomVersion {
        /// The room's version.
        version: String,
    },
    /// An alias in a canonical alias event does not lead to the room.
    BadAlias,
    /// A join through this server cannot be authorized by it; others may.
    UnableToAuthorizeJoin,
    /// This server is not in the room that it was asked about and cannot grant the join.
    UnableToGrantJoin,
    /// A relation of this kind by this user exists already.
    DuplicateAnnotation,
    /// The user takes no invites of this one.
    InviteBlocked,
    /// The event is not in the thread (MSC4306).
    NotInThread,
    /// The thread was unsubscribed from after the event (MSC4306).
    ConflictingUnsubscription,
    /// The request collides with another one.
    Conflict,
    /// The caller is not who it claims to be (federation).
    Unauthorized,
    /// A sync token or another handle is not valid here.
    UnknownPosition,
    /// This server does not do that.
    Unrecognized,
    /// What is asked makes no sense in this situation.
    WrongState,
    /// Another server failed us.
    RemoteFailed,
    /// We are starting, stopping or waiting for storage.
    Unavailable,
    /// A defect or a broken disk; details are in the log only.
    Internal,
}
