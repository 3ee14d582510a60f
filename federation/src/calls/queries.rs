//! Questions about users, aliases and public rooms of other servers.

use gantry_model::{
    Object, Value,
    id::{OwnedRoomId, OwnedServerName, RoomAliasId, RoomId, ServerName, UserId},
};

use super::FederationCalls;
use crate::{
    Result,
    client::bad,
    race::{PATIENCE, first_good},
    wire::{self, object, text},
};

/// Servers of an alias that are taken.
const MAX_ALIAS_SERVERS: usize = 100;

/// Servers that are asked for the description of a room.
const MAX_DESCRIBING: usize = 5;

/// Where an alias of another server leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteAlias {
    /// The room.
    pub room_id: OwnedRoomId,
    /// Servers in the room.
    pub servers: Vec<OwnedServerName>,
}

/// Which public rooms of another server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicRoomsQuery {
    /// How many at most.
    pub limit: Option<u64>,
    /// Where an earlier answer ended.
    pub since: Option<String>,
    /// Text in name, topic or alias.
    pub search: Option<String>,
    /// Types of rooms; `None` stands for rooms without a type.
    pub room_types: Option<Vec<Option<String>>>,
}

impl PublicRoomsQuery {
    fn to_body(&self) -> Object {
        let mut body = object([("include_all_networks", false.into())]);
        let mut set = |key: &str, value: Option<Value>| {
            body.extend(value.map(|value| (key.to_owned(), value)));
        };
        set(
            "limit",
            self.limit.map(|limit| (limit.min(1_000) as i64).into()),
        );
        set("since", self.since.as_deref().map(Value::from));
        let mut filter = Object::new();
        if let Some(search) = &self.search {
            filter.insert("generic_search_term", search.as_str().into());
        }
        if let Some(types) = &self.room_types {
            let types = types
                .iter()
                .map(|one| one.as_deref().map_or(Value::Null, Value::from));
            filter.insert("room_types", types.collect::<Vec<_>>().into());
        }
        set("filter", (!filter.is_empty()).then(|| filter.into()));
        body
    }
}

impl FederationCalls {
    /// The profile of a user of another server, or one field of it.
    pub async fn query_profile(&self, user: &UserId, field: Option<&str>) -> Result<Object> {
        self.require_enabled()?;
        self.0.client().profile(user, field).await
    }

    /// Where an alias of another server leads.
    pub async fn query_directory(&self, alias: &RoomAliasId) -> Result<RemoteAlias> {
        self.require_enabled()?;
        let answer = self.0.client().directory(alias).await?;
        let server = alias.server_name();
        let room_id = text(&answer, "room_id").and_then(wire::room_id);
        let servers = answer
            .get("servers")
            .and_then(Value::as_array)
            .unwrap_or_default();
        Ok(RemoteAlias {
            room_id: room_id.ok_or_else(|| bad(server, "no room id"))?,
            servers: servers
                .iter()
                .take(MAX_ALIAS_SERVERS)
                .filter_map(|name| name.as_str().and_then(wire::server_name))
                .collect(),
        })
    }

    /// A room that this server is not in, as the first of these servers describes it that knows it:
    /// an entry of a directory, with what
    /// [`GET /hierarchy`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid)
    /// adds to it.
    pub async fn describe_room(
        &self,
        room: &RoomId,
        mut servers: Vec<OwnedServerName>,
    ) -> Result<Object> {
        self.require_enabled()?;
        servers.truncate(MAX_DESCRIBING);
        let ask = |server: OwnedServerName| async move {
            let answer = self.0.client().hierarchy(&server, room).await?;
            match answer.get("room").and_then(Value::as_object) {
                Some(found) if text(found, "room_id") == Some(room.as_str()) => Ok(found.clone()),
                _ => Err(bad(&server, "no description of the room")),
            }
        };
        let (_, description) = first_good(&mut servers, PATIENCE, ask).await?;
        Ok(description)
    }

    /// The public rooms of another server, as its answer to a client would have them.
    pub async fn public_rooms(
        &self,
        server: &ServerName,
        query: &PublicRoomsQuery,
    ) -> Result<Object> {
        self.require_enabled()?;
        let answer = self
            .0
            .client()
            .public_rooms(server, query.to_body())
            .await?;
        match answer.get("chunk") {
            Some(Value::Array(_)) => Ok(answer),
            _ => Err(bad(server, "no list of rooms")),
        }
    }
}
