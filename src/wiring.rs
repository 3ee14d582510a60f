//! The composition root: builds everything from the bottom up.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use gantry_accounts::{Accounts, AccountsConfig};
use gantry_client_api::{ClientApiConfig, ClientApiState};
use gantry_delivery::{Backoff, Outbox, OutboxConfig};
use gantry_federation::{Federation, FederationConfig, FederationParts};
use gantry_homeserver::{
    AccountPolicy, Homeserver, HomeserverConfig, HomeserverParts, MailError, Mailer,
    RegistrationConfig, WellKnown,
};
use gantry_model::{Rng as _, RoomVersion, SystemRng, room_version::UnknownRoomVersion};
use gantry_outbound::{HickoryResolver, Outbound, Resolver, discovery::Discovery};
use gantry_rocketchat::{RocketchatConfig, RocketchatState};
use gantry_rooms::{Identity, Rooms, RoomsConfig};
use gantry_search::{Search, SearchConfig};
use gantry_store::Store;
use gantry_web::{EdgeConfig, edge};
use gantry_workspace::{Workspace, WorkspaceConfig};

use crate::{
    appservices::{self, AppserviceError},
    config::{Config, StorageEngine},
    housekeeping,
    running::Deps,
    workers::Workers,
};

/// Transactions to other servers that may be under way at once.
const OUTBOUND_CONCURRENCY: usize = 256;
/// How often it is stored who has got what; of much that was delivered it is stored at once.
const OUTBOUND_FLUSH: Duration = Duration::from_secs(1);

/// Why the server cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The data folder cannot be made.
    #[error("the data folder cannot be made")]
    DataFolder(#[source] std::io::Error),
    /// The store cannot be opened.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] gantry_store::Error),
    /// MongoDB was chosen without a connection string.
    #[error("storage.uri is missing")]
    NoUri,
    /// The signing key, or what a crash left half-written, cannot be read.
    #[error("the rooms cannot be opened: {0}")]
    Rooms(#[from] gantry_rooms::Error),
    /// The client for other servers cannot be built.
    #[error("the outbound client cannot be built: {0}")]
    Outbound(#[from] gantry_outbound::Error),
    /// The machine's DNS settings cannot be used.
    #[error("the DNS settings cannot be used: {0}")]
    Resolver(#[from] gantry_outbound::ResolveError),
    /// A configured room version does not exist.
    #[error("unknown room version in the configuration")]
    RoomVersion(#[from] UnknownRoomVersion),
    /// An act of administration was refused.
    #[error("{0}")]
    User(#[from] gantry_homeserver::Error),
    /// An application service's registration cannot be used.
    #[error(transparent)]
    Appservice(#[from] AppserviceError),
    /// The mail server's settings cannot be used.
    #[error("the section mail cannot be used: {0}")]
    Mail(#[from] MailError),
    /// A text of the terms cannot be read.
    #[error("registration.terms: {0:?} is not five parts")]
    Terms(String),
}

/// A server without its sockets.
pub struct Wired {
    /// Every surface.
    pub router: Router,
    /// What must be closed when nobody asks any more.
    pub engine: Engine,
    /// The rooms, for administrators.
    pub rooms: Rooms,
}

/// The layers below the surfaces: they end after the last request was answered.
#[derive(Clone)]
pub struct Engine {
    store: Store,
    workers: Workers,
}

impl Engine {
    /// The store.
    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    /// Ends the rooms and closes the store.
    pub async fn close(self) {
        self.workers.stop().await;
        self.store.shutdown().await;
    }
}

/// Everything below the surfaces.
struct Core {
    engine: Engine,
    rooms: Rooms,
    accounts: Accounts,
    homeserver: Homeserver,
    federation: Federation,
    search: Option<Search>,
}

/// Builds a server. Its background work is started among the workers.
pub async fn build(config: &Config, deps: &Deps, workers: &Workers) -> Result<Wired, WiringError> {
    let core = core(config, deps, workers).await?;
    core.federation.start();
    if let Some(search) = &core.search {
        search.start();
    }
    let delayed = core.homeserver.delayed.clone();
    workers.tasks.spawn(delayed.run(workers.shutdown.clone()));
    let heeding = core.accounts.heed_nodes(workers.shutdown.clone());
    workers.tasks.spawn(heeding);
    housekeeping::start(
        &core.rooms,
        &deps.clock,
        &config.limits,
        &config.retention,
        workers,
    );
    let client_config = ClientApiConfig {
        clock: Arc::clone(&deps.clock),
    };
    let mut router = Router::new()
        .route("/health", get(health))
        .merge(gantry_client_api::router(ClientApiState::new(
            client_config,
            core.homeserver.clone(),
        )))
        .merge(gantry_federation::router(core.federation));
    if config.rocketchat.enabled {
        let rocketchat = RocketchatConfig {
            clock: Arc::clone(&deps.clock),
            version: config.rocketchat.version.clone(),
            site_url: site_url(config),
            default_room_version: config.rocketchat.default_room_version.clone(),
        };
        router = router.merge(gantry_rocketchat::router(RocketchatState::new(
            rocketchat,
            core.homeserver,
            workers.tasks.clone(),
            workers.shutdown.clone(),
        )));
    }
    let edge_config = EdgeConfig {
        trusted_proxies: config.listeners.trusted_proxies.clone(),
        max_body_bytes: config.limits.max_body_bytes,
    };
    Ok(Wired {
        router: edge(router, edge_config, &*deps.rng),
        engine: core.engine,
        rooms: core.rooms,
    })
}

async fn core(config: &Config, deps: &Deps, workers: &Workers) -> Result<Core, WiringError> {
    let server_name = config.server.server_name();
    let (clock, rng) = (&deps.clock, &deps.rng);
    let store = open_store(config).await?;
    let engine = Engine {
        store: store.clone(),
        workers: Workers::new(),
    };

    let rooms = rooms(config, deps, &store, &engine.workers).await?;
    rooms.replay().await?;
    let accounts = Accounts::new(AccountsConfig {
        server_name: server_name.clone(),
        store: store.clone(),
        clock: Arc::clone(clock),
        rng: Arc::clone(rng),
        cheap_passwords: config.accounts.cheap_passwords,
    });
    let workspace = Workspace::new(WorkspaceConfig {
        store: store.clone(),
        rooms: rooms.clone(),
        clock: Arc::clone(clock),
        rng: Arc::clone(rng),
        site_url: site_url(config),
        site_name: server_name.to_string(),
    });
    let search = search(config, &rooms, workers);
    let federation = federation(config, deps, workers, store, &rooms, &accounts)?;
    let homeserver = Homeserver::new(HomeserverParts {
        config: use_cases(config)?,
        rooms: rooms.clone(),
        accounts: accounts.clone(),
        federation: federation.calls(),
        workspace,
        search: search.clone(),
        mailer: config
            .mail
            .to_mailer_config()
            .map(Mailer::new)
            .transpose()?,
        clock: Arc::clone(clock),
        rng: Arc::clone(rng),
        tracker: workers.tasks.clone(),
    });
    Ok(Core {
        engine,
        rooms,
        accounts,
        homeserver,
        federation,
        search,
    })
}

/// Where the search index stands, on this node alone.
pub(crate) fn search_folder(config: &Config) -> PathBuf {
    config.server.data_dir.join("search")
}

/// The search index, unless there is to be none.
fn search(config: &Config, rooms: &Rooms, workers: &Workers) -> Option<Search> {
    let search = SearchConfig {
        folder: search_folder(config),
        rooms: rooms.clone(),
        tracker: workers.tasks.clone(),
        stop: workers.shutdown.clone(),
    };
    config.search.enabled.then(|| Search::new(search))
}

async fn rooms(
    config: &Config,
    deps: &Deps,
    store: &Store,
    workers: &Workers,
) -> Result<Rooms, WiringError> {
    let name = config.server.server_name();
    let identity = Identity::load(store, name, &*deps.rng, &*deps.clock).await?;
    Ok(Rooms::new(RoomsConfig {
        identity,
        store: store.clone(),
        clock: Arc::clone(&deps.clock),
        rng: Arc::clone(&deps.rng),
        tracker: workers.tasks.clone(),
        stop: workers.shutdown.clone(),
    }))
}

/// The store and the rooms without anything above them, for an administrator's command.
pub(crate) async fn open_rooms(
    config: &Config,
    deps: &Deps,
    workers: &Workers,
) -> Result<(Store, Rooms), WiringError> {
    let store = open_store(config).await?;
    let rooms = rooms(config, deps, &store, workers).await?;
    Ok((store, rooms))
}

fn federation(
    config: &Config,
    deps: &Deps,
    workers: &Workers,
    store: Store,
    rooms: &Rooms,
    accounts: &Accounts,
) -> Result<Federation, WiringError> {
    let resolver: Arc<dyn Resolver> = match &deps.resolver {
        Some(resolver) => Arc::clone(resolver),
        None => Arc::new(HickoryResolver::from_system()?),
    };
    let outbound = Outbound::new(config.outbound.to_client_config(), resolver)?;
    let discovery = Discovery::new(outbound.clone(), Arc::clone(&deps.clock));
    let outbox = Outbox::new(OutboxConfig {
        store,
        rooms: rooms.clone(),
        clock: Arc::clone(&deps.clock),
        rng: Arc::clone(&deps.rng),
        tracker: workers.tasks.clone(),
        stop: workers.shutdown.clone(),
        backoff: Backoff {
            min_ms: config.federation.retry_min_ms as i64,
            max_ms: config.federation.retry_max_ms as i64,
        },
        flush: OUTBOUND_FLUSH,
        concurrency: OUTBOUND_CONCURRENCY,
    });
    Ok(Federation::new(FederationParts {
        config: FederationConfig {
            enabled: config.federation.enabled,
            notaries: config.federation.notaries.clone(),
            allow: config.federation.allow.clone(),
            deny: config.federation.deny.clone(),
            identity_servers: config.federation.identity_servers.clone(),
            ..FederationConfig::default()
        },
        rooms: rooms.clone(),
        accounts: accounts.clone(),
        outbox,
        outbound,
        discovery,
        clock: Arc::clone(&deps.clock),
        rng: Arc::clone(&deps.rng),
        tracker: workers.tasks.clone(),
        stop: workers.shutdown.clone(),
    }))
}

fn use_cases(config: &Config) -> Result<HomeserverConfig, WiringError> {
    let secret = config.registration.shared_secret.as_ref();
    Ok(HomeserverConfig {
        server_name: config.server.server_name(),
        registration: RegistrationConfig {
            open: config.registration.is_open(),
            guests: config.registration.guests,
            shared_secret: secret.map(|secret| secret.reveal().to_owned()),
        },
        default_room_version: config.server.default_room_version.parse::<RoomVersion>()?,
        presence: config.presence.enabled,
        well_known: WellKnown {
            client_base_url: config.server.well_known_client.clone(),
            server: config.server.well_known_server.clone(),
        },
        accounts: AccountPolicy {
            token_required: config.registration.token_required,
            email_required: config.registration.email_required,
            terms: config
                .registration
                .parsed_terms()
                .map_err(WiringError::Terms)?,
            access_token_lifetime_ms: config.accounts.access_token_lifetime_ms as i64,
            directory_shows_all: config.accounts.directory_shows_all,
            support: config.support.to_support(),
            appservices: appservices::load(
                &config.appservices.files,
                &config.server.server_name(),
            )?,
        },
        rates: config.limits.to_rates(),
        site_url: site_url(config),
    })
}

/// Opens the store that the configuration names.
pub(crate) async fn open_store(config: &Config) -> Result<Store, WiringError> {
    match config.storage.engine {
        StorageEngine::Redb => {
            let folder = &config.server.data_dir;
            std::fs::create_dir_all(folder).map_err(WiringError::DataFolder)?;
            let cache_bytes = config.storage.cache_mib << 20;
            Ok(Store::open_redb_with_cache(folder.join("gantry.redb"), cache_bytes).await?)
        }
        StorageEngine::Mongodb => {
            let uri = config.storage.uri.as_ref().ok_or(WiringError::NoUri)?;
            let node = node_name(config).map_err(WiringError::DataFolder)?;
            Ok(Store::open_mongodb(uri.reveal(), &config.storage.database, &node).await?)
        }
    }
}

/// What this node is called: as configured, or as it was called the first time.
fn node_name(config: &Config) -> std::io::Result<String> {
    if let Some(name) = &config.storage.node {
        return Ok(name.clone());
    }
    let file = config.server.data_dir.join("node");
    match std::fs::read_to_string(&file) {
        Ok(name) => Ok(name.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(&config.server.data_dir)?;
            let name = SystemRng.alphanumeric(16);
            std::fs::write(&file, &name)?;
            Ok(name)
        }
        Err(error) => Err(error),
    }
}

/// Opens the store that the configuration names, only to look at it.
pub(crate) async fn read_store(config: &Config) -> Result<Store, WiringError> {
    match config.storage.engine {
        StorageEngine::Redb => {
            let file = config.server.data_dir.join("gantry.redb");
            Ok(Store::read_redb(file).await?)
        }
        StorageEngine::Mongodb => {
            let uri = config.storage.uri.as_ref().ok_or(WiringError::NoUri)?;
            Ok(Store::read_mongodb(uri.reveal(), &config.storage.database).await?)
        }
    }
}

/// Where clients reach us: the configured address, or the first listener.
fn site_url(config: &Config) -> String {
    if let Some(url) = &config.server.well_known_client {
        return url.trim_end_matches('/').to_owned();
    }
    match config.listeners.plain.first() {
        Some(address) => format!("http://{address}"),
        None => format!("https://{}", config.server.server_name()),
    }
}

async fn health() -> &'static str {
    "OK\n"
}

/// The use-cases without any surface, for an act of administration.
pub(crate) struct Offline {
    /// The use-cases.
    pub(crate) homeserver: Homeserver,
    workers: Workers,
    engine: Engine,
}

impl Offline {
    /// Opens the store.
    pub(crate) async fn open(config: &Config, deps: &Deps) -> Result<Self, WiringError> {
        let workers = Workers::new();
        let core = core(config, deps, &workers).await?;
        Ok(Self {
            homeserver: core.homeserver,
            workers,
            engine: core.engine,
        })
    }

    /// Closes the store.
    pub(crate) async fn close(self) {
        self.workers.stop().await;
        self.engine.close().await;
    }
}

/// Retires the signing key and makes a new one. Returns its id.
pub async fn rotate_key(config: &Config, deps: &Deps) -> Result<String, WiringError> {
    let store = open_store(config).await?;
    let rotated = rotate_key_in(&store, config, deps).await;
    store.shutdown().await;
    Ok(rotated?)
}

async fn rotate_key_in(
    store: &Store,
    config: &Config,
    deps: &Deps,
) -> Result<String, gantry_rooms::Error> {
    Identity::rotate(store, &*deps.rng, &*deps.clock).await?;
    let name = config.server.server_name();
    let identity = Identity::load(store, name, &*deps.rng, &*deps.clock).await?;
    Ok(identity.key().id().to_owned())
}
