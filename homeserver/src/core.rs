//! The bundle of use-cases, and what they share.

use std::{fmt, sync::Arc};

use gantry_accounts::{Accounts, Session};
use gantry_federation::FederationCalls;
use gantry_model::{
    Clock, ErrorKind, Rng,
    id::{ServerName, UserId},
};
use gantry_rooms::Rooms;
use gantry_workspace::Workspace;
use tokio_util::task::TaskTracker;

use crate::{
    Act, Administration, Creation, DelayedEvents, Directory, Error, Feed, HomeserverConfig, Limits,
    MembershipActs, Messaging, Presences, Profiles, Reading, Result, RoomLists, Searching,
    Sessions, Threepids, UserData, UserDirectory, admin_tasks::AdminTasks, shared_secret::Nonces,
    unread_window::Windows,
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
    /// Sends mail, if a mail server is configured.
    pub mailer: Option<gantry_delivery::Mailer>,
    /// The search index, if there is one.
    pub search: Option<gantry_search::Search>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Runs what goes on after an answer, so that a shutdown can wait for it.
    pub tracker: TaskTracker,
}

/// All use-cases. Cheap to clone.
#[derive(Clone)]
pub struct Homeserver {
    /// Registration, login, devices.
    pub sessions: Sessions,
    /// E-mail addresses of accounts.
    pub threepids: Threepids,
    /// Finding users.
    pub user_directory: UserDirectory,
    /// What administrators may do.
    pub administration: Administration,
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
    /// Finding what was said.
    pub searching: Searching,
    /// Account data, receipts, typing, filters.
    pub user_data: UserData,
    /// Who is there.
    pub presences: Presences,
    /// Events that are sent later.
    pub delayed: DelayedEvents,
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
    pub(crate) search: Option<gantry_search::Search>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) mailer: Option<gantry_delivery::Mailer>,
    pub(crate) limits: Limits,
    pub(crate) nonces: Nonces,
    pub(crate) windows: Windows,
    pub(crate) admin_tasks: AdminTasks,
    pub(crate) tracker: TaskTracker,
}

impl Homeserver {
    /// Builds the use-cases from what they use.
    pub fn new(parts: HomeserverParts) -> Self {
        let limits = Limits::new(&parts.config.rates, parts.clock.clone());
        let core = Arc::new(Core {
            limits,
            mailer: parts.mailer,
            config: parts.config,
            rooms: parts.rooms,
            accounts: parts.accounts,
            federation: parts.federation,
            search: parts.search,
            clock: parts.clock,
            rng: parts.rng,
            nonces: Nonces::default(),
            windows: Windows::default(),
            admin_tasks: AdminTasks::default(),
            tracker: parts.tracker,
        });
        Self {
            sessions: Sessions::new(core.clone()),
            threepids: Threepids::new(core.clone()),
            user_directory: UserDirectory::new(core.clone()),
            administration: Administration::new(core.clone()),
            creation: Creation::new(core.clone()),
            messaging: Messaging::new(core.clone()),
            membership: MembershipActs::new(core.clone()),
            room_lists: RoomLists::new(core.clone()),
            directory: Directory::new(core.clone()),
            profiles: Profiles::new(core.clone()),
            reading: Reading::new(core.clone()),
            searching: Searching::new(core.clone()),
            user_data: UserData::new(core.clone()),
            presences: Presences::new(core.clone()),
            delayed: DelayedEvents::new(core.clone()),
            feed: Feed::new(core.clone()),
            workspace: parts.workspace,
            core,
        }
    }

    /// How often somebody may do something.
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    /// Whether mail can be sent.
    pub fn has_mail(&self) -> bool {
        self.core.mailer.is_some()
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
    /// Fails if the user is suspended, or does this too often.
    pub(crate) fn may(&self, session: &Session, act: Act) -> Result<()> {
        if session.suspended {
            let reason = "This account is suspended";
            return Err(Error::refused(ErrorKind::UserSuspended, reason));
        }
        self.limits.check_user(act, session)
    }

    pub(crate) fn server_name(&self) -> &ServerName {
        &self.config.server_name
    }

    pub(crate) fn is_local(&self, user: &UserId) -> bool {
        user.server_name() == self.server_name()
    }
}
