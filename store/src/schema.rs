//! Every table there is: key, fields, and who writes it.
//!
//! Keys are concatenations of fixed-length parts; a name in a key is a number or 16 bytes of its
//! hash ([`crate::hash16`]), never the text.

use crate::{Index, Table};

/// The version of this layout. A store with another one is refused: 1 and 2 were never released, and
/// from the first release on older ones are brought up to date.
pub const SCHEMA: i64 = 3;

/// The kind of a filler in [`ROOM`], at rid 0: a number that became no entry.
pub const FILLER: u8 = b'F';

const fn unique(name: &'static str, fields: &'static [&'static str]) -> Index {
    Index {
        name,
        fields,
        unique: true,
    }
}

const fn plain(name: &'static str, fields: &'static [&'static str]) -> Index {
    Index {
        name,
        fields,
        unique: false,
    }
}

/// Everything of rooms: `rid(8) ‖ kind(1) ‖ n(8)`, kinds `S K O G L F`; the log entry `L` is the
/// commit point. Written by `rooms`; fillers by this crate. A stream table.
pub const ROOM: &Table = &Table {
    name: "room_log",
    key_len: 17,
    indexes: &[
        unique("le", &["rid", "le"]),
        unique("tk", &["rid", "tk"]),
        unique("ws", &["w", "s"]),
        unique("txh", &["rid", "tx.h"]),
        unique("rc", &["rc"]),
        unique("kh", &["rid", "kh"]),
        unique("be", &["rid", "be"]),
        plain("rel", &["rid", "rel.hash"]),
        plain("ts", &["rid", "ts"]),
        plain("le_any", &["le"]),
        plain("be_any", &["be"]),
        plain("out", &["w", "s", "out"]),
        plain("gap", &["rid", "gap"]),
    ],
    heavy: &["body", "cd", "ng", "ov"],
};

/// Room id to number: `hash16(room id)` → `rid`, the text, the version. Never deleted. Written by
/// `rooms`.
pub const ROOM_NAME: &Table = &Table {
    name: "room",
    key_len: 16,
    indexes: &[unique("rid", &["rid"])],
    heavy: &[],
};

/// Memberships, a projection: `hash16(user id)(16) ‖ rid(8)` → `rid`, `membership`, the position
/// it was made from. Written by `rooms`.
pub const MEMBERSHIP: &Table = &Table {
    name: "membership",
    key_len: 24,
    indexes: &[plain("rid", &["rid", "membership"])],
    heavy: &[],
};

/// What clients see beside rooms and what is overwritten: `owner(16) ‖ kind(1) ‖ sub(16)`, for
/// receipts, account data and their like; always by `put_if` on `v`. Written by `accounts`. The
/// second stream table.
pub const DATA: &Table = &Table {
    name: "data",
    key_len: 33,
    indexes: &[unique("ws", &["w", "s"])],
    heavy: &[],
};

/// Accounts: `hash16(user id)`. Written by `accounts`.
pub const ACCOUNT: &Table = &Table {
    name: "account",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Access and refresh tokens: SHA-256 of the token. Written by `accounts`.
pub const TOKEN: &Table = &Table {
    name: "token",
    key_len: 32,
    indexes: &[],
    heavy: &[],
};

/// Devices: `hash16(user id)(16) ‖ hash16(device id)(16)`. Written by `accounts`.
pub const DEVICE: &Table = &Table {
    name: "device",
    key_len: 32,
    indexes: &[],
    heavy: &[],
};

/// Sync filters: `hash16(user id)(16) ‖ n(8)`. Written by `accounts`.
pub const FILTER: &Table = &Table {
    name: "filter",
    key_len: 24,
    indexes: &[],
    heavy: &[],
};

/// Room aliases: `hash16(alias)` → `rid`, the text, its creator. Written by `rooms`.
pub const ALIAS: &Table = &Table {
    name: "alias",
    key_len: 16,
    indexes: &[plain("rid", &["rid"])],
    heavy: &[],
};

/// Rooms of the public directory: `rid(8)`. Written by `rooms`.
pub const DIRECTORY: &Table = &Table {
    name: "directory",
    key_len: 8,
    indexes: &[],
    heavy: &[],
};

/// Memberships in rooms that we are not in: `hash16(user id)(16) ‖ hash16(room id)(16)`. Written
/// by `rooms`.
pub const OOB: &Table = &Table {
    name: "oob",
    key_len: 32,
    indexes: &[],
    heavy: &[],
};

/// Rooms that nobody of this server may enter: `hash16(room id)`. Written by `rooms`.
pub const BLOCKED: &Table = &Table {
    name: "blocked",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Acknowledged events that are not appended yet: `hash16(room id)(16) ‖ hash16(event id)(16)`.
/// Written by `rooms`, deleted after the commit.
pub const STAGING: &Table = &Table {
    name: "staging",
    key_len: 32,
    indexes: &[],
    heavy: &[],
};

/// Parts of what has to be done for all: `hash16(kind, part)` → `owner` (slot and epoch of the node
/// that has it), `v`, `body`. Written by this crate; `body` is `delivery`'s: cursors and backoff of the
/// federation destinations in the part.
pub const PART: &Table = &Table {
    name: "part",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Keys of other servers: `hash16(server name)(16) ‖ hash16(key id)(16)`. Written by `federation`.
pub const SERVER_KEY: &Table = &Table {
    name: "server_key",
    key_len: 32,
    indexes: &[],
    heavy: &[],
};

/// Our own signing keys, also expired ones: `hash16(key id)`. Written by `federation`.
pub const SIGNING_KEY: &Table = &Table {
    name: "signing_key",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Reservations of what must be unique: `hash16(kind, normalised value)` → owner, and whether it
/// is live or pending. Written by `accounts` and `workspace`.
pub const UNIQ: &Table = &Table {
    name: "uniq",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Rocket.Chat rooms: `hash16(Rocket.Chat rid)` → `rid`, room type. Written by `workspace`.
pub const RC_ROOM: &Table = &Table {
    name: "rc_room",
    key_len: 16,
    indexes: &[unique("rid", &["rid"])],
    heavy: &[],
};

/// Rocket.Chat users: `hash16(Rocket.Chat user id)` → `user`, the full user id. Written by
/// `workspace`.
pub const RC_USER: &Table = &Table {
    name: "rc_user",
    key_len: 16,
    indexes: &[plain("user", &["user"])],
    heavy: &[],
};

/// Workspace settings: `hash16(name)`. Written by `workspace`.
pub const SETTING: &Table = &Table {
    name: "setting",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Facts about the store itself: `hash16(name)`; `store` holds `schema` and `generation`. Written
/// by this crate.
pub const META: &Table = &Table {
    name: "meta",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Writer slots: `slot(8)` → `slot`, `node`, `epoch`, `block_end`, `closing`, `closed`, `cut`, `v`.
/// Written by this crate.
pub const WRITERS: &Table = &Table {
    name: "writers",
    key_len: 8,
    indexes: &[],
    heavy: &[],
};

/// What nodes tell each other and nobody keeps: `hash16(node, place)`. Written by this crate, and by
/// nobody where there is one node.
pub const SIGNAL: &Table = &Table {
    name: "signal",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Transactions already handled, ours and other servers':
/// `hash16(who)(16) ‖ hash16(endpoint, transaction id)(16)`. Written by `accounts`, `federation`.
pub const TXN: &Table = &Table {
    name: "txn",
    key_len: 32,
    indexes: &[],
    heavy: &[],
};

/// EDUs that must reach a server: `hash16(server name)(16) ‖ n(8)`. Written by `delivery`.
pub const OUTBOUND_EDU: &Table = &Table {
    name: "outbound_edu",
    key_len: 24,
    indexes: &[],
    heavy: &[],
};

/// What somebody holds the secret of, for a short time: sessions of authentication, login tokens,
/// OpenID tokens, proofs of an e-mail address: `kind(1) ‖ hash16(secret)(16)` → `exp`, when it
/// ends. Written by `accounts`.
pub const TICKET: &Table = &Table {
    name: "ticket",
    key_len: 17,
    indexes: &[plain("exp", &["exp"])],
    heavy: &[],
};

/// Registration tokens: `hash16(token)`. Written by `accounts`.
pub const REGISTRATION_TOKEN: &Table = &Table {
    name: "registration_token",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Third-party identifiers of users: `hash16(medium, address)` → `user`. Written by `accounts`.
pub const THREEPID: &Table = &Table {
    name: "threepid",
    key_len: 16,
    indexes: &[plain("user", &["user"])],
    heavy: &[],
};

/// Reports of events, rooms and users: `time(8) ‖ random(8)`. Written by `accounts`.
pub const REPORT: &Table = &Table {
    name: "report",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Events that wait to be sent: `hash16(user id)(16) ‖ random(16)`, which is their secret. Written by
/// `accounts`.
pub const DELAYED: &Table = &Table {
    name: "delayed_event",
    key_len: 32,
    indexes: &[],
    heavy: &[],
};

/// Users whose events are not given to those who come later: `hash16(user id)` → `user`. Written by
/// `rooms`.
pub const ERASED_USER: &Table = &Table {
    name: "erased_user",
    key_len: 16,
    indexes: &[],
    heavy: &[],
};

/// Joins through other servers that have not ended: `hash16(user id)(16) ‖ hash16(room id)(16)`.
/// Written by `rooms`.
pub const PENDING_JOIN: &Table = &Table {
    name: "pending_join",
    key_len: 32,
    indexes: &[],
    heavy: &[],
};

/// All tables.
pub const TABLES: &[&Table] = &[
    ROOM,
    ROOM_NAME,
    MEMBERSHIP,
    DATA,
    ACCOUNT,
    TOKEN,
    DEVICE,
    FILTER,
    ALIAS,
    DIRECTORY,
    OOB,
    BLOCKED,
    STAGING,
    PART,
    SERVER_KEY,
    SIGNING_KEY,
    UNIQ,
    RC_ROOM,
    RC_USER,
    SETTING,
    META,
    WRITERS,
    SIGNAL,
    TXN,
    OUTBOUND_EDU,
    TICKET,
    REGISTRATION_TOKEN,
    THREEPID,
    REPORT,
    DELAYED,
    ERASED_USER,
    PENDING_JOIN,
];

/// The table called `name`.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().copied().find(|table| table.name == name)
}

/// The keys and documents that bear a number which became nothing else; the last one counts.
pub(crate) fn filler_key(position: crate::Position) -> crate::Key {
    crate::room_key(0, FILLER, position.packed())
}

/// The key of a filler that keeps a late write out of [`DATA`], laid after a crash.
pub(crate) fn data_filler_key(position: crate::Position) -> crate::Key {
    crate::concat(&[
        &[0; 16],
        &[FILLER],
        &[0; 8],
        &position.packed().to_be_bytes(),
    ])
}

/// Whether a key is that of a filler. Rid 0 is no room, and no owner hashes to 16 zeros.
pub(crate) fn is_filler(table: &Table, key: &[u8]) -> bool {
    let owner = match table.key_len {
        17 => 8,
        _ => 16,
    };
    key[..owner].iter().all(|byte| *byte == 0) && key[owner] == FILLER
}
