//! Typing and receipts of our users, to the servers in the room.

use std::collections::BTreeSet;

use gantry_delivery::Edu;
use gantry_model::{
    Object,
    id::{EventId, OwnedServerName, RoomId, UserId},
};

use super::FederationCalls;
use crate::{Result, wire::object};

impl FederationCalls {
    /// Tells the other servers in the room that one of our users types, or stopped. Nothing waits
    /// for it, and what does not arrive is lost.
    pub async fn send_typing(&self, room: &RoomId, user: &UserId, typing: bool) {
        let content = object([
            ("room_id", room.as_str().into()),
            ("user_id", user.as_str().into()),
            ("typing", typing.into()),
        ]);
        let key = format!("typing {room} {user}");
        self.send(room, edu("m.typing", key, content, false)).await;
    }

    /// Tells the other servers in the room how far one of our users has read. Private receipts must
    /// not be given here.
    pub async fn send_receipt(
        &self,
        room: &RoomId,
        user: &UserId,
        event_id: &EventId,
        ts: i64,
        thread: Option<&str>,
    ) {
        let mut data = object([("ts", ts.into())]);
        data.extend(thread.map(|thread| ("thread_id".to_owned(), thread.into())));
        let receipt = object([
            ("data", data.into()),
            ("event_ids", vec![event_id.as_str().into()].into()),
        ]);
        let of_user = object([(user.as_str(), receipt.into())]);
        let of_kind = object([("m.read", of_user.into())]);
        let content = object([(room.as_str(), of_kind.into())]);
        let key = format!("receipt {room} {user} {}", thread.unwrap_or_default());
        self.send(room, edu("m.receipt", key, content, true)).await;
    }

    async fn send(&self, room: &RoomId, edu: Edu) {
        if !self.is_enabled() {
            return;
        }
        match self.other_servers(room).await {
            Ok(servers) => {
                for server in servers {
                    self.0.outbox().push_edu(&server, edu.clone());
                }
            }
            Err(error) => tracing::warn!(%room, %error, "the servers in a room are not known"),
        }
    }

    /// The servers in the room without ours.
    pub(super) async fn other_servers(&self, room: &RoomId) -> Result<BTreeSet<OwnedServerName>> {
        let view = self.0.rooms().view(room).await?;
        let mut servers = view
            .map(|view| BTreeSet::clone(&view.servers()))
            .unwrap_or_default();
        servers.remove(self.0.us());
        Ok(servers)
    }
}

fn edu(kind: &str, key: String, content: Object, survives_failure: bool) -> Edu {
    let object = object([("edu_type", kind.into()), ("content", content.into())]);
    Edu {
        key,
        object,
        survives_failure,
    }
}
