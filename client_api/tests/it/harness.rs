//! The whole surface over a real store, without sockets and without other servers.

use std::sync::Arc;

use axum::{Router, body::Body};
use gantry_client_api::{ClientApiConfig, ClientApiState, router};
use gantry_homeserver::{Homeserver, NewUser};
use gantry_model::MockClock;
use gantry_testkit::TestServer;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) use gantry_testkit::Options;

/// A server named `server`.
pub(crate) struct Server {
    pub(crate) hs: Homeserver,
    pub(crate) clock: Arc<MockClock>,
    router: Router,
    server: TestServer,
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
        let clock = Arc::new(MockClock::new(1_700_000_000_000));
        let server = TestServer::start(Options {
            clock: Some(clock.clone()),
            ..options
        })
        .await;
        let hs = server.homeserver.clone();
        let config = ClientApiConfig {
            clock: clock.clone(),
        };
        let router = router(ClientApiState::new(config, hs.clone()))
            .merge(gantry_federation::router(server.federation.clone()));
        Self {
            hs,
            clock,
            router,
            server,
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
        let cut = self.server.rooms.store_cut();
        self.server.search.caught_up(&cut).await;
    }

    /// A new room: its id.
    pub(crate) async fn room(&self, token: &str, wish: Value) -> String {
        let answer = self.post("v3/createRoom", token, wish).await;
        answer.ok()["room_id"].as_str().expect("a room").to_owned()
    }
}
