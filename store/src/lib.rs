//! Durable state: typed tables over an embedded engine or MongoDB.
//!
//! Three types to begin with: [`Store`] (what every other crate holds), [`Batch`] (the one way to
//! write several documents) and [`schema`] (every table there is). This crate must not know what a room, an event or a user is.

mod about;
mod barrier;
mod blob;
mod check;
mod committer;
mod cut;
mod dump;
mod engine;
mod error;
mod follower;
mod freshness;
mod key;
mod look;
mod mongo_engine;
mod op;
mod parts;
mod position;
mod project;
mod redb_engine;
mod ring;
mod scan;
pub mod schema;
mod signal;
mod slot;
mod store;
mod stream;
mod table;
#[cfg(feature = "testing")]
pub mod testing;

pub use blob::Blob;
pub use cut::Cut;
pub use dump::Moved;
pub use engine::{Engine, Feed, Settled, Snapshot, Told, Verdict};
pub use error::{Error, Result};
pub use key::{Key, concat, hash16, room_key};
pub use mongo_engine::MongoEngine;
pub use op::{Batch, BatchOp, Op, Outcome, Stamp};
pub use parts::{Nodes, PARTS, Part, part_of};
pub use position::Position;
pub use redb_engine::RedbEngine;
pub use ring::Change;
pub use scan::{Projection, Scan, ScanBy, Stored};
pub use signal::{Heard, Signal};
pub use slot::CutOff;
pub use store::{Store, from_raw, to_document};
pub use table::{Index, Table};

/// The encoding of documents, so that other crates name one version of it.
pub use bson;
