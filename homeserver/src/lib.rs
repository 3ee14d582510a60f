//! Use-cases: one user-visible act per method, protocol-neutral. Whether an act is local or goes
//! through another server is decided here, and so are permissions; surfaces translate and decide
//! nothing.
//!
//! Three types to begin with: [`Homeserver`] (the bundle that surfaces hold), [`Session`] (who
//! asks) and [`Error`] (why not). This crate must not know a wire format of any client.

mod access;
mod account_data;
mod account_policy;
mod admin_replacement;
mod admin_rooms;
mod admin_tasks;
mod administration;
mod aggregations;
mod alias;
mod appservices;
mod carry_over;
mod config;
mod content;
mod core;
mod creation;
mod creation_events;
mod credentials;
mod delayed;
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
mod guests;
mod history;
mod ignored;
mod join;
mod jump;
mod lazy;
mod limits;
mod login;
mod membership;
mod messaging;
mod notifications;
mod notify;
mod presence;
mod profile_fields;
mod profiles;
mod public_rooms;
mod push_rule_acts;
mod reading;
mod receipts;
mod registration;
mod relations;
mod reports;
mod room_lists;
mod search_answer;
mod searching;
mod sessions;
mod shared_secret;
mod sieve;
mod stripped;
mod submit;
mod summary;
mod thread_subscriptions;
mod threads;
mod threepids;
mod token;
mod uia;
mod uia_stages;
mod unread;
mod unread_window;
mod upgrade;
mod upgrade_events;
mod user_data;
mod user_directory;
mod username;

pub use gantry_accounts::{
    Account, AccountDatum, Appservice, AppserviceFile, Appservices, DelayedEvent, Device,
    EmailPurpose, EmailRequest, InvalidAppservice, LastSeen, NewSession, OPENID_TOKEN_MS,
    PresenceState, Receipt, Refresh, RegistrationToken, Report, Session, StoredReport, Threepid,
    TypingChange, UserPresence,
};
pub use gantry_delivery::{MailConfig, MailError, MailSecurity, Mailer};
pub use gantry_federation::AddressAt;
pub use gantry_federation::FederationCalls;
pub use gantry_rooms::{
    Cut, Direction, EventFlags, Membership, MembershipRow, OutOfBand, OutOfBandKind, Position,
    Relation, RoomChanges, RoomEvent, RoomView, StateEvent, Submitted, TimelineKey,
};
pub use gantry_search::{Key as SearchKey, Order as SearchOrder};
pub use gantry_workspace as workspace;
pub use gantry_workspace::Workspace;

pub use self::account_policy::{AccountPolicy, Contact, Support, Term};
pub use self::admin_rooms::{AdminRoom, AdminRooms};
pub use self::admin_tasks::{
    DeleteWish, Deletion, Purge, PurgeWish, Replacement, Shutdown, Task, TaskStatus,
};
pub use self::administration::{Administration, UserChange, UserQuery};
pub use self::aggregations::{Aggregation, Aggregations, ThreadSummary};
pub use self::alias::ResolvedAlias;
pub use self::appservices::Masquerade;
pub use self::config::{HomeserverConfig, RegistrationConfig, WellKnown};
pub use self::core::{Homeserver, HomeserverParts};
pub use self::creation::{CreateRoom, Creation, InitialState, Preset, Visibility};
pub use self::credentials::{ChangePassword, Deactivate};
pub use self::delayed::{DelayedAction, DelayedEvents, NewDelayedEvent};
pub use self::direct::DirectRoom;
pub use self::directory::Directory;
pub use self::error::{Error, Result};
pub use self::feed::{
    Feed, FeedOptions, InvitedChange, JoinedChange, LeftChange, RoomTimeline, UserChanges,
};
pub use self::filter::EventFilter;
pub use self::history::{Context, Messages, MessagesQuery};
pub use self::lazy::lazy_members;
pub use self::limits::{Act, Limits, Rate, Rates};
pub use self::login::{Login, LoginName, LoginProof};
pub use self::membership::MembershipActs;
pub use self::messaging::{Messaging, NewMessage};
pub use self::notifications::{NotificationEntry, NotificationPage, NotificationsQuery};
pub use self::presence::Presences;
pub use self::profile_fields::Propagate;
pub use self::profiles::{Profile, Profiles};
pub use self::public_rooms::{PublicRoom, PublicRooms, PublicRoomsQuery};
pub use self::push_rule_acts::RulePlace;
pub use self::reading::{JoinedMember, MembersQuery, Reading};
pub use self::registration::{AccountKind, NewUser, RegisterRequest, Registered};
pub use self::relations::{Relations, RelationsQuery};
pub use self::room_lists::RoomLists;
pub use self::search_answer::{SearchAnswer, SearchContext, SearchGroup, SearchResult};
pub use self::searching::{GroupBy, SearchQuery, SearchToken, Searching, Surroundings};
pub use self::sessions::{LoggedIn, LoginRequest, LoginSecret, Sessions};
pub use self::shared_secret::SharedSecretRequest;
pub use self::summary::{MutualRooms, RoomSummary};
pub use self::threads::{Threads, ThreadsQuery};
pub use self::threepids::Threepids;
pub use self::token::{InvalidToken, PageToken, SyncToken};
pub use self::uia::{AuthData, ThreepidCreds, Uia, UiaChallenge, UiaRequest, UserIdentifier};
pub use self::unread::{ThreadUnread, Unread};
pub use self::upgrade::UpgradeRoom;
pub use self::user_data::{ReadMarkers, ReceiptKind, UserData};
pub use self::user_directory::{FoundUser, UserDirectory, UserSearch};
