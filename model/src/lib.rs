//! The vocabulary of Gantry: ids, canonical JSON, PDUs, hashes, signatures, redaction, the room
//! version table, time, randomness and the closed set of error kinds.
//!
//! Nothing here is async and nothing here does I/O.

pub mod canonical_json;
pub mod clock;
pub mod error_kind;
pub mod glob;
pub mod hash;
pub mod id;
pub mod pdu;
pub mod redact;
pub mod rng;
pub mod room_version;
pub mod sign;

pub use canonical_json::{JsonError, Object, Value};
pub use clock::{Clock, MockClock, SystemClock};
pub use error_kind::ErrorKind;
pub use glob::Glob;
pub use pdu::{Pdu, PduDraft, PduError};
pub use rng::{Rng, SeededRng, SystemRng};
pub use room_version::{RoomVersion, RoomVersionRules};
pub use sign::{ServerSigningKey, SignError, VerifyKey};
