//! A server that talks to nobody, and what tests say to it.

use gantry_homeserver::{
    CreateRoom, Homeserver, LoginRequest, LoginSecret, NewMessage, NewUser, Session, Visibility,
};
use gantry_model::{Object, canonical_json::parse_object, id::RoomId};
use gantry_rooms::Rooms;
use gantry_testkit::TestServer;

pub(crate) use gantry_testkit::{Options, rooms_of as house};

/// A server named `server`.
pub(crate) struct Server {
    pub(crate) hs: Homeserver,
    pub(crate) rooms: Rooms,
    _server: TestServer,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// The same with other decisions of its operator.
    pub(crate) async fn start_with(options: Options) -> Self {
        let server = TestServer::start(options).await;
        Self {
            hs: server.homeserver.clone(),
            rooms: server.rooms.clone(),
            _server: server,
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
