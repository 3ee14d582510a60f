//! Questions about users, aliases and public rooms; and transactions.

use gantry_model::{
    Object, Value,
    id::{RoomAliasId, RoomId, ServerName, UserId},
};

use super::{path, query};
use crate::{
    Result,
    client::{Call, Client},
};

impl Client {
    /// `GET query/profile`
    pub(crate) async fn profile(&self, user: &UserId, field: Option<&str>) -> Result<Object> {
        let mut pairs = vec![("user_id", user.as_str())];
        pairs.extend(field.map(|field| ("field", field)));
        let call =
            Call::get(path("v1", &["query", "profile"]) + &query(&pairs)).max_bytes(256 * 1024);
        self.call_object(user.server_name(), call).await
    }

    /// `GET query/directory`
    pub(crate) async fn directory(&self, alias: &RoomAliasId) -> Result<Object> {
        let query = query(&[("room_alias", alias.as_str())]);
        let call = Call::get(path("v1", &["query", "directory"]) + &query);
        self.call_object(alias.server_name(), call).await
    }

    /// `GET hierarchy`, of which the room itself is wanted.
    pub(crate) async fn hierarchy(&self, server: &ServerName, room: &RoomId) -> Result<Object> {
        let query = query(&[("suggested_only", "true")]);
        let call = Call::get(path("v1", &["hierarchy", room.as_str()]) + &query);
        self.call_object(server, call).await
    }

    /// `POST publicRooms`
    pub(crate) async fn public_rooms(&self, server: &ServerName, body: Object) -> Result<Object> {
        self.call_object(server, Call::post(path("v1", &["publicRooms"]), body))
            .await
    }

    /// `PUT send`
    pub(crate) async fn send_transaction(
        &self,
        server: &ServerName,
        id: &str,
        body: Object,
    ) -> Result<Value> {
        self.call(server, Call::put(path("v1", &["send", id]), body))
            .await
    }
}
