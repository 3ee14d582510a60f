//! What federation is made of, and its workers.

use std::{fmt, sync::Arc, time::Duration};

use gantry_accounts::Accounts;
use gantry_delivery::Outbox;
use gantry_model::{
    Clock, Rng,
    id::{OwnedServerName, ServerName},
};
use gantry_outbound::{Discovery, Outbound};
use gantry_rooms::Rooms;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    FederationCalls, acl::Acls, budget::Requests, check::Checker, client::Client, joining::Joining,
    key_ring::KeyRing, parser::Parser, peers::Peers, policy::Policy, receive::Receiver,
    sender::Sender,
};

/// How often it is looked what lost nodes have left.
const REPLAY_INTERVAL: Duration = Duration::from_secs(15);
/// What was received so long ago, in milliseconds, is not being worked on any more.
const LEFT_AFTER_MS: i64 = 60_000;

/// The settings of federation.
#[derive(Debug, Clone)]
pub struct FederationConfig {
    /// Whether this server talks to others at all.
    pub enabled: bool,
    /// The longest that an ordinary request to another server may take, in milliseconds.
    pub request_timeout_ms: u64,
    /// How long other servers may trust our keys without asking again, in milliseconds.
    pub key_validity_ms: i64,
    /// Servers that are believed about the keys of servers that do not give them themselves.
    pub notaries: Vec<OwnedServerName>,
    /// Patterns of the servers that we talk to; none: all.
    pub allow: Vec<String>,
    /// Patterns of servers that we do not talk to.
    pub deny: Vec<String>,
    /// Identity servers that are asked for users by their addresses.
    pub identity_servers: Vec<OwnedServerName>,
    /// From so many members on, they are left out of the answer to a join that asks for that. In
    /// smaller rooms asking for them again costs more than it spares.
    pub omit_members_from: usize,
}

impl Default for FederationConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            request_timeout_ms: 30_000,
            key_validity_ms: 24 * 60 * 60 * 1000,
            notaries: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            identity_servers: Vec::new(),
            omit_members_from: 200,
        }
    }
}

/// What federation is made of.
pub struct FederationParts {
    /// The settings.
    pub config: FederationConfig,
    /// The rooms.
    pub rooms: Rooms,
    /// The users of this server.
    pub accounts: Accounts,
    /// What leaves the server.
    pub outbox: Outbox,
    /// The HTTP client.
    pub outbound: Outbound,
    /// Where servers are.
    pub discovery: Discovery,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Where tasks are started.
    pub tracker: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

/// The server-server API. Cheap to clone.
#[derive(Clone)]
pub struct Federation(Arc<Inner>);

struct Inner {
    config: FederationConfig,
    rooms: Rooms,
    accounts: Accounts,
    outbox: Outbox,
    client: Client,
    keys: KeyRing,
    checker: Checker,
    policy: Policy,
    receiver: Receiver,
    acls: Acls,
    peers: Arc<Peers>,
    requests: Requests,
    parser: Parser,
    joining: Joining,
    /// Rooms whose missing members are being fetched.
    completing: Joining,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl fmt::Debug for FederationParts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FederationParts")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Federation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Federation")
            .field("config", self.config())
            .finish_non_exhaustive()
    }
}

impl Federation {
    /// Puts the parts together. Nothing runs before [`Federation::start`].
    pub fn new(parts: FederationParts) -> Self {
        let FederationParts {
            config,
            rooms,
            accounts,
            outbox,
            outbound,
            discovery,
            clock,
            rng,
            tracker,
            stop,
        } = parts;
        let timeout = Duration::from_millis(config.request_timeout_ms);
        let peers = Arc::new(Peers::new(&config.allow, &config.deny));
        let parser = Parser::default();
        let client = Client::new(
            rooms.identity().clone(),
            outbound,
            discovery,
            timeout,
            Arc::clone(&peers),
            parser.clone(),
        );
        let keys = KeyRing::new(
            rooms.clone(),
            client.clone(),
            Arc::clone(&clock),
            config.notaries.clone(),
        );
        let checker = Checker::new(keys.clone(), tracker.clone());
        let policy = Policy::new(client.clone(), Arc::clone(&clock));
        let receiver = Receiver::new(
            rooms.clone(),
            client.clone(),
            checker.clone(),
            policy.clone(),
            tracker.clone(),
            stop.clone(),
        );
        Self(Arc::new(Inner {
            config,
            rooms,
            accounts,
            outbox,
            client,
            keys,
            checker,
            policy,
            receiver,
            acls: Acls::default(),
            peers,
            requests: Requests::default(),
            parser,
            joining: Joining::default(),
            completing: Joining::default(),
            clock,
            rng,
            tracker,
            stop,
        }))
    }

    /// Starts the workers: the outbox, and what was received before the last stop.
    pub fn start(&self) {
        if !self.0.config.enabled {
            return;
        }
        self.0.outbox.start(Arc::new(Sender {
            client: self.0.client.clone(),
            clock: Arc::clone(&self.0.clock),
        }));
        let calls = self.calls();
        self.0
            .tracker
            .spawn(async move { calls.finish_joins().await });
        let federation = self.clone();
        let stop = self.0.stop.clone();
        self.0.tracker.spawn(async move {
            stop.run_until_cancelled(federation.keep_replaying()).await;
        });
    }

    /// Works off what was left when this node stopped, and, as the node that does it for all, what
    /// lost nodes leave.
    async fn keep_replaying(&self) {
        let mut before = i64::MAX;
        loop {
            if let Err(error) = self.0.receiver.replay(before).await {
                tracing::error!(%error, "events that were received before could not be read");
            }
            tokio::time::sleep(REPLAY_INTERVAL).await;
            while !(self.0.rooms.has_other_nodes() && self.0.rooms.leads()) {
                tokio::time::sleep(REPLAY_INTERVAL).await;
            }
            before = self.0.clock.now_ms() - LEFT_AFTER_MS;
        }
    }

    /// What the use-cases ask of other servers.
    pub fn calls(&self) -> FederationCalls {
        FederationCalls::new(self.clone())
    }

    /// Our server name.
    pub(crate) fn us(&self) -> &ServerName {
        self.0.client.us()
    }

    pub(crate) fn config(&self) -> &FederationConfig {
        &self.0.config
    }

    pub(crate) fn rooms(&self) -> &Rooms {
        &self.0.rooms
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.0.keys
    }

    pub(crate) fn checker(&self) -> &Checker {
        &self.0.checker
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.0.policy
    }

    pub(crate) fn receiver(&self) -> &Receiver {
        &self.0.receiver
    }

    pub(crate) fn acls(&self) -> &Acls {
        &self.0.acls
    }

    pub(crate) fn peers(&self) -> &Peers {
        &self.0.peers
    }

    pub(crate) fn parser(&self) -> &Parser {
        &self.0.parser
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.requests
    }

    pub(crate) fn completing(&self) -> &Joining {
        &self.0.completing
    }

    pub(crate) fn joining(&self) -> &Joining {
        &self.0.joining
    }

    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.0.tracker
    }

    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn rng(&self) -> &dyn Rng {
        &*self.0.rng
    }
}
