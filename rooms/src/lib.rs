//! The room engine: create, submit, ingest, commit, state, view and feed. It never touches the
//! network: what is missing is answered as [`Ingested::Missing`], and whoever called fetches it.
//!
//! Three types to begin with: [`Rooms`] (the handle), [`NewEvent`] (what a local user wants to
//! happen) and [`RoomView`] (a room at one moment). How an event becomes truth: `commit.rs`, the
//! only writer of rooms.

mod actor;
mod alias;
mod auth_chain;
mod block;
mod codec;
mod commit;
mod create;
mod directory;
mod draft;
mod dummy;
mod edits;
mod erased;
mod error;
mod event;
mod feed;
mod gone;
mod handle;
mod identity;
mod idle;
mod import;
mod indexing;
mod ingest;
mod listing;
mod load;
mod members;
mod memory;
mod out_of_band;
mod pages;
mod partial;
mod pending_join;
mod purge;
mod redaction;
mod related;
mod relations;
mod removal;
mod replay;
mod retention;
mod server_keys;
mod staging;
mod state;
mod timeline;
mod upkeep;
mod view;
mod visibility;

pub use alias::Alias;
pub use block::Block;
pub use codec::Counts;
pub use draft::{NewEvent, Template};
pub use edits::newest_edit;
pub use error::{Error, Result};
pub use event::{EventFlags, InvalidTimelineKey, RoomEvent, Submitted, TimelineKey, Txn};
pub use feed::{RoomChanges, StreamChange, StreamKind};
pub use gantry_state_res::{PowerLevels, Rejection};
pub use gantry_store::{Cut, Position};
pub use gone::Gone;
pub use handle::{Rooms, RoomsConfig};
pub use identity::Identity;
pub use import::JoinImport;
pub use indexing::{IndexChanges, Placed};
pub use ingest::{Arrival, GivenState, Ingested};
pub use listing::ListedRoom;
pub use members::{Membership, MembershipRow, UnknownMembership};
pub use out_of_band::{OUT_OF_BAND, OutOfBand, OutOfBandKind};
pub use pending_join::PendingJoin;
pub use purge::Purged;
pub use related::Related;
pub use relations::Relation;
pub use removal::Removed;
pub use retention::RetentionPolicy;
pub use server_keys::ServerKey;
pub use staging::{Staged, StagedPlace};
pub use timeline::{Direction, Page};
pub use upkeep::{Checked, Export, Finding, Rebuilt, Upkeep};
pub use view::{RoomView, StateEvent};
