//! Servers for tests: everything below the surfaces over a real store in a folder of its own, without
//! sockets and without other servers. What fails here panics, since nothing else could be tested.

mod slow;

use std::{path::Path, sync::Arc, time::Duration};

use gantry_accounts::{Accounts, AccountsConfig};
use gantry_delivery::{Backoff, Outbox, OutboxConfig};
use gantry_federation::{Federation, FederationConfig, FederationParts};
use gantry_homeserver::{
    AccountPolicy, Homeserver, HomeserverConfig, HomeserverParts, Mailer, Rates,
    RegistrationConfig, WellKnown, Workspace, workspace::WorkspaceConfig,
};
use gantry_model::{
    Clock, MockClock, Rng, RoomVersion, SeededRng, SystemClock, id::OwnedServerName,
};
use gantry_outbound::{Discovery, Outbound, OutboundConfig, StaticResolver};
use gantry_rooms::{Identity, Rooms, RoomsConfig};
use gantry_search::{Search, SearchConfig};
use gantry_store::{RedbEngine, Store};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::slow::Slow;

/// The seed of what a server draws by chance.
const SEED: u64 = 7;

/// What a test decides otherwise.
#[derive(Default)]
pub struct Options {
    /// The rules for accounts.
    pub accounts: AccountPolicy,
    /// The limits; none without it.
    pub rates: Rates,
    /// Who sends mails; nobody without it.
    pub mailer: Option<Mailer>,
    /// The time; that of the machine without it.
    pub clock: Option<Arc<MockClock>>,
    /// Whether nobody may register.
    pub is_closed: bool,
    /// How long each call to the store takes, beside what it takes anyway.
    pub round_trip: Duration,
}

/// A server named `server`.
pub struct TestServer {
    /// Its use-cases.
    pub homeserver: Homeserver,
    /// Its side towards other servers, which calls nobody.
    pub federation: Federation,
    /// Its rooms.
    pub rooms: Rooms,
    /// Its full-text index.
    pub search: Search,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    _folder: tempfile::TempDir,
}

impl TestServer {
    /// Starts one on an empty store.
    ///
    /// # Panics
    ///
    /// If it cannot start.
    pub async fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock: Arc<dyn Clock> = match options.clock {
            Some(clock) => clock,
            None => Arc::new(SystemClock),
        };
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(SEED));
        let store = far_open(&folder.path().join("test.redb"), options.round_trip).await;
        let rooms = rooms_on(&store, "server", &clock, &rng).await;
        let accounts = Accounts::new(AccountsConfig {
            server_name: name("server"),
            store: store.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
            cheap_passwords: true,
        });
        let federation = no_federation(&store, &rooms, &accounts, &clock, &rng);
        let workspace = Workspace::new(WorkspaceConfig {
            store,
            rooms: rooms.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
            site_url: "http://localhost".to_owned(),
            site_name: "server".to_owned(),
        });
        let search = Search::new(SearchConfig {
            folder: folder.path().join("search"),
            rooms: rooms.clone(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        search.start();
        let config = HomeserverConfig {
            server_name: name("server"),
            registration: RegistrationConfig {
                open: !options.is_closed,
                guests: true,
                shared_secret: None,
            },
            default_room_version: RoomVersion::V12,
            presence: true,
            well_known: WellKnown::default(),
            accounts: options.accounts,
            rates: options.rates,
            site_url: "http://localhost".to_owned(),
        };
        let homeserver = Homeserver::new(HomeserverParts {
            config,
            rooms: rooms.clone(),
            accounts,
            federation: federation.calls(),
            workspace,
            search: Some(search.clone()),
            mailer: options.mailer,
            clock: clock.clone(),
            rng,
            tracker: TaskTracker::new(),
        });
        Self {
            homeserver,
            federation,
            rooms,
            search,
            clock,
            _folder: folder,
        }
    }
}

/// The rooms of another server, and nothing else of it.
///
/// # Panics
///
/// If its store cannot be opened.
pub async fn rooms_of(file: &Path, server: &str) -> Rooms {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(SEED + 4));
    rooms_on(&open(file).await, server, &clock, &rng).await
}

async fn far_open(file: &Path, round_trip: Duration) -> Store {
    let inner = Arc::new(RedbEngine::open(file).await.expect("an engine"));
    let engine = Arc::new(Slow { inner, round_trip });
    Store::open(engine, "node").await.expect("a store")
}

async fn open(file: &Path) -> Store {
    Store::open_redb(file).await.expect("a store")
}

fn name(server: &str) -> OwnedServerName {
    OwnedServerName::try_from(server).expect("a server name")
}

async fn rooms_on(
    store: &Store,
    server: &str,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> Rooms {
    let identity = Identity::load(store, name(server), &**rng, &**clock).await;
    Rooms::new(RoomsConfig {
        identity: identity.expect("keys"),
        store: store.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        tracker: TaskTracker::new(),
        stop: CancellationToken::new(),
    })
}

/// What serves other servers and reaches none.
fn no_federation(
    store: &Store,
    rooms: &Rooms,
    accounts: &Accounts,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> Federation {
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let outbox = Outbox::new(OutboxConfig {
        store: store.clone(),
        rooms: rooms.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        tracker: tracker.clone(),
        stop: stop.clone(),
        backoff: Backoff {
            min_ms: 1,
            max_ms: 1,
        },
        flush: Duration::from_secs(1),
        concurrency: 1,
    });
    let resolver = Arc::new(StaticResolver::default());
    let outbound = Outbound::new(OutboundConfig::default(), resolver).expect("a client");
    Federation::new(FederationParts {
        config: FederationConfig {
            enabled: false,
            ..FederationConfig::default()
        },
        rooms: rooms.clone(),
        accounts: accounts.clone(),
        outbox,
        discovery: Discovery::new(outbound.clone(), clock.clone()),
        outbound,
        clock: clock.clone(),
        rng: rng.clone(),
        tracker,
        stop,
    })
}
