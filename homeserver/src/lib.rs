//! Use-cases: one user-visible act per method, protocol-neutral. Whether an act is local or goes
//! through another server is decided here, and so are permissions; surfaces translate and decide
//! nothing.
//!
//! Three types to begin with: [`Homeserver`] (the bundle that surfaces hold), [`Session`] (who
//! asks) and [`Error`] (why not). This crate must not know a wire format of any client.

mod access;
mod account_data;
mod aggregations;
mod alias;
mod config;
mod content;
mod core;
mod creation;
mod creation_events;
mod credentials;
mod devices;
mod direct;
mod directory;
mod error;
mod feed;
mod feed_changes;
mod feed_data;
mod feed_interest;
mod feed_reader;
mod feed_timeline;
mod filter;
mod history;
mod ignored;
mod join;
mod jump;
mod lazy;
mod membership;
mod messaging;
mod notifications;
mod notify;
mod profiles;
mod public_rooms;
mod push_rule_acts;
mod reading;
mod receipts;
mod registration;
mod relations;
mod room_lists;
mod sessions;
mod shared_secret;
mod sieve;
mod stripped;
mod threads;
mod token;
mod uia;
mod unread;
mod unread_window;
mod user_data;
mod username;

pub use gantry_accounts::{
    Account, AccountDatum, Device, NewSession, Receipt, Session, TypingChange,
};
pub use gantry_federation::FederationCalls;
pub use gantry_rooms::{
    Cut, Direction, EventFlags, Membership, MembershipRow, OutOfBand, OutOfBandKind, Position,
    Relation, RoomChanges, RoomEvent, RoomView, StateChange, Submitted, TimelineKey,
};
pub use gantry_workspace as workspace;
pub use gantry_workspace::Workspace;

pub use self::aggregations::{Aggregation, Aggregations, ThreadSummary};
pub use self::alias::ResolvedAlias;
pub use self::config::{HomeserverConfig, RegistrationConfig, WellKnown};
pub use self::core::{Homeserver, HomeserverParts};
pub use self::creation::{CreateRoom, Creation, InitialState, Preset, Visibility};
pub use self::credentials::ChangePassword;
pub use self::direct::DirectRoom;
pub use self::directory::Directory;
pub use self::error::{Error, Result};
pub use self::feed::{
    Feed, FeedOptions, InvitedChange, JoinedChange, LeftChange, RoomTimeline, UserChanges,
};
pub use self::filter::EventFilter;
pub use self::history::{Context, Messages, MessagesQuery};
pub use self::lazy::lazy_members;
pub use self::membership::MembershipActs;
pub use self::messaging::{Messaging, NewMessage};
pub use self::notifications::{NotificationEntry, NotificationPage, NotificationsQuery};
pub use self::profiles::{Profile, Profiles};
pub use self::public_rooms::{PublicRoom, PublicRooms, PublicRoomsQuery};
pub use self::push_rule_acts::RulePlace;
pub use self::reading::{JoinedMember, MembersQuery, Reading};
pub use self::registration::{AccountKind, NewUser, RegisterRequest, Registered};
pub use self::relations::{Relations, RelationsQuery};
pub use self::room_lists::RoomLists;
pub use self::sessions::{LoggedIn, LoginRequest, LoginSecret, Sessions};
pub use self::shared_secret::SharedSecretRequest;
pub use self::threads::{Threads, ThreadsQuery};
pub use self::token::{InvalidToken, PageToken, SyncToken};
pub use self::uia::{AuthData, Uia, UiaChallenge, UserIdentifier};
pub use self::unread::{ThreadUnread, Unread};
pub use self::user_data::{ReadMarkers, ReceiptKind, UserData};
