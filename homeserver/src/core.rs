//! The bundle of use-cases, and what they share.

use std::{fmt, sync::Arc};

use gantry_accounts::Accounts;
use gantry_federation::FederationCalls;
use gantry_model::{
    Clock, Rng,
    id::{ServerName, UserId},
};
use gantry_rooms::Rooms;
use gantry_workspace::Workspace;

use crate::{
    Creation, Directory, Feed, HomeserverConfig, MembershipActs, Messaging, Profiles, Reading,
    RoomLists, Sessions, UserData, shared_secret::Nonces, uia::UiaSessions, unread_window::Windows,
};

/// What the use-cases are made of.
pub struct HomeserverParts {
    /// The operator's decisions.
    pub config: HomeserverConfig,
    /// The room engine.
    pub rooms: Rooms,
    /// Local users.
    pub accounts: Accounts,
    /// Calls to other servers.
    pub federation: FederationCalls,
    /// Settings and Rocket.Chat's ids.
    pub workspace: Workspace,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

/// All use-cases. Cheap to clone.
#[derive(Clone)]
pub struct Homeserver {
    /// Registration, login, devices.
    pub sessions: Sessions,
    /// New rooms.
    pub creation: Creation,
    /// Events that users send.
    pub messaging: Messaging,
    /// Joining, leaving, inviting, banning.
    pub membership: MembershipActs,
    /// Rooms of a user as a list.
    pub room_lists: RoomLists,
    /// Aliases and public rooms.
    pub directory: Directory,
    /// Names and pictures of users.
    pub profiles: Profiles,
    /// Events and state.
    pub reading: Reading,
    /// Account data, receipts, typing, filters.
    pub user_data: UserData,
    /// What changed for a user.
    pub feed: Feed,
    /// Settings and Rocket.Chat's ids.
    pub workspace: Workspace,
    core: Arc<Core>,
}

/// What all use-cases share.
pub(crate) struct Core {
    pub(crate) config: HomeserverConfig,
    pub(crate) rooms: Rooms,
    pub(crate) accounts: Accounts,
    pub(crate) federation: FederationCalls,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) uia: UiaSessions,
    pub(crate) nonces: Nonces,
    pub(crate) windows: Windows,
}

impl Homeserver {
    /// Builds the use-cases from what they use.
    pub fn new(parts: HomeserverParts) -> Self {
        let core = Arc::new(Core {
            config: parts.config,
            rooms: parts.rooms,
            accounts: parts.accounts,
            federation: parts.federation,
            clock: parts.clock,
            rng: parts.rng,
            uia: UiaSessions::default(),
            nonces: Nonces::default(),
            windows: Windows::default(),
        });
        Self {
            sessions: Sessions::new(core.clone()),
            creation: Creation::new(core.clone()),
            messaging: Messaging::new(core.clone()),
            membership: MembershipActs::new(core.clone()),
            room_lists: RoomLists::new(core.clone()),
            directory: Directory::new(core.clone()),
            profiles: Profiles::new(core.clone()),
            reading: Reading::new(core.clone()),
            user_data: UserData::new(core.clone()),
            feed: Feed::new(core.clone()),
            workspace: parts.workspace,
            core,
        }
    }

    /// The operator's decisions.
    pub fn config(&self) -> &HomeserverConfig {
        &self.core.config
    }
}

impl fmt::Debug for Homeserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Homeserver")
            .field("config", &self.core.config)
            .finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn server_name(&self) -> &ServerName {
        &self.config.server_name
    }

    pub(crate) fn is_local(&self, user: &UserId) -> bool {
        user.server_name() == self.server_name()
    }
}
