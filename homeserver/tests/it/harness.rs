//! A server that talks to nobody, and what tests say to it.

use std::sync::Arc;

use gantry_accounts::{Accounts, AccountsConfig};
use gantry_delivery::{Backoff, Outbox, OutboxConfig};
use gantry_federation::{Federation, FederationConfig, FederationParts};
use gantry_homeserver::{
    AccountPolicy, CreateRoom, Homeserver, HomeserverConfig, HomeserverParts, LoginRequest,
    LoginSecret, Mailer, NewMessage, NewUser, Rates, RegistrationConfig, Session, Visibility,
    WellKnown, Workspace, workspace::WorkspaceConfig,
};
use gantry_model::{
    Clock, Object, Rng, RoomVersion, SeededRng, SystemClock,
    canonical_json::parse_object,
    id::{OwnedServerName, RoomId},
};
use gantry_outbound::{Discovery, Outbound, OutboundConfig, StaticResolver};
use gantry_rooms::{Identity, Rooms, RoomsConfig};
use gantry_store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What tests decide otherwise.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) accounts: AccountPolicy,
    pub(crate) rates: Rates,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

/// A server named `server`.
pub(crate) struct Server {
    pub(crate) hs: Homeserver,
    pub(crate) rooms: Rooms,
    _dir: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// The same with other decisions of its operator.
    pub(crate) async fn start_with(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open_redb(dir.path().join("test.redb"))
            .await
            .expect("a store");
        let clock: Arc<dyn Clock> = options.clock.clone().unwrap_or(Arc::new(SystemClock));
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(7));
        let server_name = OwnedServerName::try_from("server").expect("a server name");
        let identity = Identity::load(&store, server_name.clone(), &*rng, &*clock);
        let rooms = Rooms::new(RoomsConfig {
            identity: identity.await.expect("keys"),
            store: store.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        let accounts = Accounts::new(AccountsConfig {
            server_name: server_name.clone(),
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
        let config = HomeserverConfig {
            server_name,
            registration: RegistrationConfig {
                open: true,
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
        let federation = federation.calls();
        let hs = Homeserver::new(HomeserverParts {
            config,
            rooms: rooms.clone(),
            accounts,
            federation,
            workspace,
            search: None,
            mailer: options.mailer,
            clock,
            rng,
            tracker: TaskTracker::new(),
        });
        Self {
            hs,
            rooms,
            _dir: dir,
        }
    }

    /// A new user, logged in.
    pub(crate) async fn user(&self, name: &str) -> Session {
        let sessions = &self.hs.sessions;
        sessions
            .register_directly(name, "secret", NewUser::default())
            .await
            .expect("a user");
        self.again(name).await
    }

    /// Another login of a user.
    pub(crate) async fn again(&self, name: &str) -> Session {
        let sessions = &self.hs.sessions;
        let login = LoginRequest {
            user: name.to_owned(),
            secret: LoginSecret::Plain("secret".to_owned()),
            device_id: None,
            initial_device_display_name: None,
        };
        let token = sessions
            .login_password(login)
            .await
            .expect("a login")
            .access_token;
        sessions.authenticate(&token).await.expect("a session")
    }
}

/// The rooms of another server, and nothing else of it.
pub(crate) async fn house(file: &std::path::Path, name: &str) -> Rooms {
    let store = Store::open_redb(file).await.expect("a store");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(11));
    let name = OwnedServerName::try_from(name).expect("a server name");
    let identity = Identity::load(&store, name, &*rng, &*clock);
    Rooms::new(RoomsConfig {
        identity: identity.await.expect("keys"),
        store: store.clone(),
        clock,
        rng,
        tracker: TaskTracker::new(),
        stop: CancellationToken::new(),
    })
}

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

pub(crate) fn json(text: &str) -> Object {
    parse_object(text.as_bytes()).expect("an object")
}

pub(crate) fn message(room: &RoomId, body: &str) -> NewMessage {
    NewMessage {
        room: room.to_owned(),
        kind: "m.room.message".to_owned(),
        content: json(&format!(r#"{{"msgtype":"m.text","body":"{body}"}}"#)),
        txn: None,
        rc: None,
        ts: None,
    }
}

/// A public room with a name, a topic and this alias.
pub(crate) fn public(alias: &str) -> CreateRoom {
    CreateRoom {
        visibility: Visibility::Public,
        name: Some(format!("Room {alias}")),
        topic: Some("About things".to_owned()),
        alias_localpart: Some(alias.to_owned()),
        ..CreateRoom::default()
    }
}
