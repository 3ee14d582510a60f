//! Joining, leaving and knocking through another server, and inviting its users.

use std::time::Duration;

use gantry_model::{
    Object, Pdu, RoomVersion, Value,
    id::{OwnedServerName, RoomId, ServerName, UserId},
};
use gantry_outbound::Held;

use super::{path, query};
use crate::{
    Result,
    client::{Call, Client, bad},
    wire::{self, into_object, objects, text},
};

/// The largest answer to a join.
const MAX_JOIN_BYTES: usize = 256 * 1024 * 1024;
/// How long a join may take.
const JOIN_TIMEOUT: Duration = Duration::from_mins(2);
/// The most events of a state, and the most of an auth chain.
const MAX_STATE: usize = 500_000;
/// The most servers of a room that are taken.
const MAX_SERVERS: usize = 10_000;
/// The most events of the state that a knock is told.
const MAX_STRIPPED: usize = 100;

/// An unsigned event to be finished, and its room's version.
#[derive(Debug)]
pub(crate) struct MadeTemplate {
    pub(crate) event: Object,
    pub(crate) version: RoomVersion,
}

/// What a join brings.
#[derive(Debug)]
pub(crate) struct Joined {
    /// The join with the resident server's signature, if it gave it back.
    pub(crate) event: Option<Object>,
    pub(crate) state: Vec<Object>,
    pub(crate) auth_chain: Vec<Object>,
    pub(crate) servers: Vec<OwnedServerName>,
    /// Whether members are missing in the state.
    pub(crate) members_omitted: bool,
    /// What it takes of what large answers may take.
    pub(crate) _held: Held,
}

impl Client {
    /// `GET make_join`, `make_leave` or `make_knock`
    pub(crate) async fn make(
        &self,
        server: &ServerName,
        what: &str,
        room: &RoomId,
        user: &UserId,
    ) -> Result<MadeTemplate> {
        let mut path = path("v1", &[what, room.as_str(), user.as_str()]);
        if what != "make_leave" {
            let versions: Vec<_> = RoomVersion::ALL
                .iter()
                .map(|one| ("ver", one.as_str()))
                .collect();
            path += &query(&versions);
        }
        let mut answer = self.call_object(server, Call::get(path)).await?;
        let version = text(&answer, "room_version")
            .unwrap_or(RoomVersion::V1.as_str())
            .parse()
            .map_err(|_| bad(server, "an unknown room version"))?;
        let event = answer.remove("event").and_then(into_object);
        Ok(MadeTemplate {
            event: event.ok_or_else(|| bad(server, "no event"))?,
            version,
        })
    }

    /// `PUT send_join`, version 2
    pub(crate) async fn send_join(&self, server: &ServerName, join: &Pdu) -> Result<Joined> {
        let path = path(
            "v2",
            &[
                "send_join",
                join.room_id().as_str(),
                join.event_id().as_str(),
            ],
        );
        let call = Call::put(
            path + &query(&[("omit_members", "true")]),
            join.object().clone(),
        )
        .timeout(JOIN_TIMEOUT)
        .max_bytes(MAX_JOIN_BYTES);
        let (mut answer, held) = self.call_large(server, call).await?;
        let members_omitted = answer.get("members_omitted").and_then(Value::as_bool);
        let servers = answer
            .get("servers_in_room")
            .and_then(Value::as_array)
            .unwrap_or_default();
        Ok(Joined {
            _held: held,
            servers: servers
                .iter()
                .take(MAX_SERVERS)
                .filter_map(|name| name.as_str().and_then(wire::server_name))
                .collect(),
            members_omitted: members_omitted.unwrap_or(false),
            event: answer.remove("event").and_then(into_object),
            state: objects(&mut answer, "state", MAX_STATE),
            auth_chain: objects(&mut answer, "auth_chain", MAX_STATE),
        })
    }

    /// `PUT send_leave`, version 2
    pub(crate) async fn send_leave(&self, server: &ServerName, leave: &Pdu) -> Result<()> {
        let path = path(
            "v2",
            &[
                "send_leave",
                leave.room_id().as_str(),
                leave.event_id().as_str(),
            ],
        );
        self.call(server, Call::put(path, leave.object().clone()))
            .await
            .map(|_| ())
    }

    /// `PUT send_knock`; the state of the room that a knocking user may see.
    pub(crate) async fn send_knock(&self, server: &ServerName, knock: &Pdu) -> Result<Vec<Object>> {
        let path = path(
            "v1",
            &[
                "send_knock",
                knock.room_id().as_str(),
                knock.event_id().as_str(),
            ],
        );
        let mut answer = self
            .call_object(server, Call::put(path, knock.object().clone()))
            .await?;
        Ok(objects(&mut answer, "knock_room_state", MAX_STRIPPED))
    }

    /// `PUT invite`, version 2; the event with the invited server's signature.
    pub(crate) async fn send_invite(
        &self,
        server: &ServerName,
        invite: &Pdu,
        stripped: Vec<Object>,
    ) -> Result<Object> {
        let path = path(
            "v2",
            &[
                "invite",
                invite.room_id().as_str(),
                invite.event_id().as_str(),
            ],
        );
        let stripped: Vec<Value> = stripped.into_iter().map(Value::from).collect();
        let body = wire::object([
            ("event", invite.object().clone().into()),
            ("invite_room_state", stripped.into()),
            ("room_version", invite.rules().version.as_str().into()),
        ]);
        let mut answer = self.call_object(server, Call::put(path, body)).await?;
        let event = answer.remove("event").and_then(into_object);
        event.ok_or_else(|| bad(server, "no event"))
    }

    /// `PUT exchange_third_party_invite`
    pub(crate) async fn exchange_third_party_invite(
        &self,
        server: &ServerName,
        room: &RoomId,
        event: Object,
    ) -> Result<()> {
        let path = path("v1", &["exchange_third_party_invite", room.as_str()]);
        self.call(server, Call::put(path, event)).await.map(|_| ())
    }

    /// `PUT invite`, version 1, for servers that know no other.
    pub(crate) async fn send_invite_v1(
        &self,
        server: &ServerName,
        invite: &Pdu,
        stripped: Vec<Object>,
    ) -> Result<Object> {
        let path = path(
            "v1",
            &[
                "invite",
                invite.room_id().as_str(),
                invite.event_id().as_str(),
            ],
        );
        let stripped: Vec<Value> = stripped.into_iter().map(Value::from).collect();
        let mut body = invite.object().clone();
        let unsigned = wire::object([("invite_room_state", stripped.into())]);
        body.insert("unsigned", unsigned.into());
        let answer = self.call(server, Call::put(path, body)).await?;
        let event = answer
            .as_array()
            .and_then(|pair| pair.get(1))
            .and_then(Value::as_object)
            .and_then(|object| object.get("event"))
            .and_then(Value::as_object);
        event.cloned().ok_or_else(|| bad(server, "no event"))
    }
}
