//! A whole server without clients, and how it is made.

use std::{path::PathBuf, sync::Arc, time::Duration};

use gantry_accounts::{Accounts, AccountsConfig, NewAccount};
use gantry_delivery::{Backoff, Outbox, OutboxConfig};
use gantry_federation::{Federation, FederationCalls, FederationConfig, FederationParts, router};
use gantry_model::{
    Clock, Object, Rng, RoomVersion, ServerSigningKey, SystemClock, SystemRng, Value,
    canonical_json::parse_object,
    id::{
        EventId, OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, ServerName,
        UserId,
    },
};
use gantry_outbound::{Discovery, Outbound, OutboundConfig, StaticResolver};
use gantry_rooms::{Arrival, Identity, Ingested, Membership, NewEvent, Rooms, RoomsConfig};
use gantry_store::Store;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    authority::Authority,
    listener::{Switch, TlsListener},
};

/// Servers on one machine.
pub(crate) struct Street {
    folder: TempDir,
    authority: Authority,
    clock: Arc<dyn Clock>,
}

/// One server.
pub(crate) struct House {
    pub(crate) rooms: Rooms,
    pub(crate) accounts: Accounts,
    pub(crate) outbox: Outbox,
    pub(crate) calls: FederationCalls,
    pub(crate) name: OwnedServerName,
    pub(crate) switch: Switch,
    pub(crate) key: ServerSigningKey,
    pub(crate) clock: Arc<dyn Clock>,
    config: FederationConfig,
    store: Store,
    file: PathBuf,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Street {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new(folder.path());
        Self {
            folder,
            authority,
            clock: Arc::new(SystemClock),
        }
    }

    /// Servers that have the time from this clock.
    pub(crate) fn on(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ..Self::new()
        }
    }

    /// The file of the certificate authority.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.authority.file.clone()
    }

    /// A new server.
    pub(crate) async fn house(&self) -> House {
        self.house_with(FederationConfig::default()).await
    }

    /// A new server with these settings.
    pub(crate) async fn house_with(&self, config: FederationConfig) -> House {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = ServerName::parse(tcp.local_addr().unwrap().to_string()).unwrap();
        let file = self.folder.path().join(name.as_str());
        self.open(tcp, name, file, config).await
    }

    /// The same server after it was stopped.
    pub(crate) async fn reopen(&self, house: House) -> House {
        let (name, file) = (house.name.clone(), house.file.clone());
        let config = house.config.clone();
        house.close().await;
        let tcp = TcpListener::bind(name.as_str()).await.unwrap();
        self.open(tcp, name, file, config).await
    }

    async fn open(
        &self,
        tcp: TcpListener,
        name: OwnedServerName,
        file: PathBuf,
        config: FederationConfig,
    ) -> House {
        let store = Store::open_redb(&file).await.unwrap();
        let clock = Arc::clone(&self.clock);
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let mut seed = [7; 32];
        seed[..name.as_str().len()].copy_from_slice(name.as_bytes());
        let key = ServerSigningKey::from_seed("test", &seed);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let rooms = Rooms::new(RoomsConfig {
            identity: Identity::new(name.clone(), key.clone()),
            store: store.clone(),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            tracker: tracker.clone(),
            stop: stop.clone(),
        });
        let accounts = Accounts::new(AccountsConfig {
            server_name: name.clone(),
            store: store.clone(),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            cheap_passwords: true,
        });
        let outbox = Outbox::new(OutboxConfig {
            store: store.clone(),
            rooms: rooms.clone(),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            tracker: tracker.clone(),
            stop: stop.clone(),
            backoff: Backoff {
                min_ms: 50,
                max_ms: 200,
            },
            flush: Duration::from_secs(1),
            concurrency: 16,
        });
        let outbound = OutboundConfig {
            extra_ca: Some(self.authority.file.clone()),
            allowed_private_ranges: vec!["127.0.0.0/8".parse().unwrap()],
            ..OutboundConfig::default()
        };
        let outbound = Outbound::new(outbound, Arc::new(StaticResolver::new())).unwrap();
        let federation = Federation::new(FederationParts {
            config: FederationConfig {
                request_timeout_ms: 5_000,
                omit_members_from: 10,
                ..config.clone()
            },
            rooms: rooms.clone(),
            accounts: accounts.clone(),
            outbox: outbox.clone(),
            discovery: Discovery::new(outbound.clone(), Arc::clone(&clock)),
            outbound,
            clock: Arc::clone(&clock),
            rng,
            tracker: tracker.clone(),
            stop: stop.clone(),
        });
        federation.start();
        let switch = Switch::default();
        let policy = crate::policy::route(name.clone(), switch.clone());
        let identity = crate::third_party::identity_routes();
        let app = switch.wrap(router(federation.clone()).merge(policy).merge(identity));
        let acceptor = TlsAcceptor::from(self.authority.server_config());
        let listener = TlsListener { tcp, acceptor };
        let closing = stop.clone();
        tracker.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                served = axum::serve(listener, app) => served.unwrap(),
            }
        });
        let calls = federation.calls();
        House {
            rooms,
            accounts,
            outbox,
            calls,
            name,
            switch,
            key,
            clock,
            config,
            store,
            file,
            stop,
            tracker,
        }
    }
}

impl House {
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.store.shutdown().await;
    }

    /// A user with an account.
    pub(crate) async fn user(&self, localpart: &str) -> OwnedUserId {
        let user = UserId::parse(format!("@{localpart}:{}", self.name)).unwrap();
        let options = NewAccount {
            display_name: Some(localpart.to_owned()),
            ..NewAccount::default()
        };
        self.accounts.create(&user, None, options).await.unwrap();
        user
    }

    /// A room that anybody may join.
    pub(crate) async fn public_room(&self, version: RoomVersion, creator: &UserId) -> OwnedRoomId {
        self.room(version, creator, r#"{"join_rule":"public"}"#)
            .await
    }

    /// A room with these join rules.
    pub(crate) async fn room(
        &self,
        version: RoomVersion,
        creator: &UserId,
        join_rules: &str,
    ) -> OwnedRoomId {
        let mut create = Object::from([("room_version".to_owned(), version.as_str().into())]);
        if !version.rules().creator_is_sender {
            create.insert("creator", creator.as_str().into());
        }
        let mut levels = Object::new();
        if !version.rules().privileged_creators {
            let users = Object::from([(creator.to_string(), Value::Int(100))]);
            levels.insert("users", users.into());
        }
        let state =
            |kind: &str, content: Object| NewEvent::state(creator.to_owned(), kind, "", content);
        let events = vec![
            member(creator, creator, "join"),
            state("m.room.power_levels", levels),
            state("m.room.join_rules", object(join_rules)),
            state(
                "m.room.history_visibility",
                object(r#"{"history_visibility":"shared"}"#),
            ),
        ];
        self.rooms
            .create(version, creator, create, events)
            .await
            .unwrap()
    }

    pub(crate) async fn say(&self, room: &RoomId, user: &UserId, text: &str) -> OwnedEventId {
        self.rooms
            .submit(room, message(user, text))
            .await
            .unwrap()
            .event_id
    }

    pub(crate) async fn set_member(
        &self,
        room: &RoomId,
        by: &UserId,
        of: &UserId,
        membership: &str,
    ) {
        self.rooms
            .submit(room, member(by, of, membership))
            .await
            .unwrap();
    }

    /// Invites a user of another server, as the use-case does.
    pub(crate) async fn invite(&self, room: &RoomId, by: &UserId, of: &UserId) {
        let draft = self
            .rooms
            .draft(room, member(by, of, "invite"))
            .await
            .unwrap();
        let view = self.rooms.get(room).await.unwrap();
        let state = view
            .create()
            .into_iter()
            .map(|create| create.object().clone())
            .collect();
        let signed = self.calls.invite(&draft, state).await.unwrap();
        let ingested = self.rooms.ingest(signed, Arrival::Local).await.unwrap();
        assert!(matches!(ingested, Ingested::Accepted(_)), "{ingested:?}");
    }

    pub(crate) async fn join(&self, room: &RoomId, user: &UserId, via: &House) {
        self.calls
            .join(room, user, std::slice::from_ref(&via.name), Object::new())
            .await
            .unwrap();
    }

    /// Waits until an event is in the room's log.
    pub(crate) async fn receives(&self, room: &RoomId, event: &EventId) {
        self.until(|| async { self.rooms.event(room, event).await.unwrap().is_some() })
            .await;
    }

    pub(crate) async fn sees_membership(
        &self,
        room: &RoomId,
        user: &UserId,
        membership: Membership,
    ) {
        self.until(|| async {
            let view = self.rooms.get(room).await.unwrap();
            view.membership(user) == Some(membership)
        })
        .await;
    }

    /// Waits until something holds, looking again whenever the log grows.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, holds: impl Fn() -> F) {
        let mut cuts = self.rooms.subscribe();
        let wait = async {
            while !holds().await {
                // Not everything that is waited for stands in the log.
                drop(tokio::time::timeout(Duration::from_millis(50), cuts.changed()).await);
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .expect("it came about in time");
    }
}

pub(crate) fn object(text: &str) -> Object {
    parse_object(text.as_bytes()).unwrap()
}

pub(crate) fn member(sender: &UserId, target: &UserId, membership: &str) -> NewEvent {
    let content = Object::from([("membership".to_owned(), membership.into())]);
    NewEvent::state(sender.to_owned(), "m.room.member", target.as_str(), content)
}

pub(crate) fn message(sender: &UserId, text: &str) -> NewEvent {
    let content = Object::from([
        ("msgtype".to_owned(), "m.text".into()),
        ("body".to_owned(), text.into()),
    ]);
    NewEvent::message(sender.to_owned(), "m.room.message", content)
}
