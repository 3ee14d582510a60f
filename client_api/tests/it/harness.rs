//! The whole surface over a real store, without sockets and without other servers.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use gantry_accounts::{Accounts, AccountsConfig};
use gantry_client_api::{ClientApiConfig, ClientApiState, router};
use gantry_delivery::{Backoff, Outbox, OutboxConfig};
use gantry_federation::{Federation, FederationConfig, FederationParts};
use gantry_homeserver::{
    AccountPolicy, Homeserver, HomeserverConfig, HomeserverParts, Mailer, NewUser, Rates,
    RegistrationConfig, WellKnown, Workspace, workspace::WorkspaceConfig,
};
use gantry_model::{Clock, MockClock, Rng, RoomVersion, SeededRng, id::OwnedServerName};
use gantry_outbound::{Discovery, Outbound, OutboundConfig, StaticResolver};
use gantry_rooms::{Identity, Rooms, RoomsConfig};
use gantry_search::{Search, SearchConfig};
use gantry_store::Store;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// What tests decide otherwise.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) accounts: AccountPolicy,
    pub(crate) rates: Rates,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) is_closed: bool,
}

/// A server named `server`.
pub(crate) struct Server {
    pub(crate) hs: Homeserver,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) rooms: Rooms,
    search: Search,
    router: Router,
    _dir: tempfile::TempDir,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of a success.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// Status and error code.
    pub(crate) fn error(&self) -> (u16, &str) {
        let code = self.body["errcode"].as_str().unwrap_or("");
        (self.status.as_u16(), code)
    }

    /// A text of the body.
    pub(crate) fn text(&self, key: &str) -> String {
        self.body[key].as_str().unwrap_or_default().to_owned()
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open_redb(dir.path().join("test.redb"))
            .await
            .expect("a store");
        let mock = Arc::new(MockClock::new(1_700_000_000_000));
        let clock: Arc<dyn Clock> = mock.clone();
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
        let search = Search::new(SearchConfig {
            folder: dir.path().join("search"),
            rooms: rooms.clone(),
            delay: Duration::from_millis(1),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        search.start();
        let config = HomeserverConfig {
            server_name,
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
        let hs = Homeserver::new(HomeserverParts {
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
        let router = router(ClientApiState::new(ClientApiConfig { clock }, hs.clone()))
            .merge(gantry_federation::router(federation));
        Self {
            hs,
            clock: mock,
            rooms,
            search,
            router,
            _dir: dir,
        }
    }

    /// Asks; `path` stands behind `/_matrix/client/` unless it begins with a slash.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Value,
    ) -> Answer {
        let uri = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/_matrix/client/{path}")
        };
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        let request = request.body(body).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("answers");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body");
        let body = serde_json::from_slice(&bytes.to_bytes()).unwrap_or(Value::Null);
        Answer { status, body }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(Method::GET, path, Some(token), Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(token), body).await
    }

    pub(crate) async fn put(&self, path: &str, token: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(token), body).await
    }

    /// Without a token.
    pub(crate) async fn anonymous(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, None, body).await
    }

    /// A user with the password `secret`: his access token.
    pub(crate) async fn user(&self, name: &str, admin: bool) -> String {
        let options = NewUser {
            admin,
            display_name: None,
        };
        let sessions = &self.hs.sessions;
        sessions
            .register_directly(name, "secret", options)
            .await
            .expect("a user");
        self.login(name).await
    }

    /// Another session of a user.
    pub(crate) async fn login(&self, name: &str) -> String {
        let login = json!({
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name},
            "password": "secret",
        });
        let answer = self.anonymous("v3/login", login).await;
        answer.text("access_token")
    }

    /// Waits until everything that was said can be found.
    pub(crate) async fn indexed(&self) {
        self.search.caught_up(&self.rooms.store_cut()).await;
    }

    /// A new room: its id.
    pub(crate) async fn room(&self, token: &str, wish: Value) -> String {
        // Two rooms that are made alike at the same moment would be the same room.
        self.clock.advance(1);
        let answer = self.post("v3/createRoom", token, wish).await;
        answer.ok()["room_id"].as_str().expect("a room").to_owned()
    }
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
