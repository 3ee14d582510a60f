//! Knocking on a room of another server.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms>.

use gantry_model::{
    Object,
    id::{OwnedRoomId, OwnedServerName, RoomId, ServerName, UserId},
};
use gantry_rooms::OutOfBandKind;

use super::{FederationCalls, handshake::finish, more_telling};
use crate::{Error, Result, wire::stripped};

impl FederationCalls {
    /// Knocks on a room that none of our users is in. On success the knock is remembered with the
    /// state that the other server tells.
    pub async fn knock(
        &self,
        room: &RoomId,
        user: &UserId,
        via: &[OwnedServerName],
        content: Object,
    ) -> Result<OwnedRoomId> {
        self.require_enabled()?;
        let mut failure = None;
        for server in self.servers_for(room, user, via).await? {
            match self.knock_through(&server, room, user, &content).await {
                Ok(()) => return Ok(room.to_owned()),
                Err(error) => {
                    tracing::info!(%server, %room, %error, "a knock did not succeed");
                    failure = Some(more_telling(failure, error));
                }
            }
        }
        Err(failure.unwrap_or(Error::NoServer))
    }

    async fn knock_through(
        &self,
        server: &ServerName,
        room: &RoomId,
        user: &UserId,
        content: &Object,
    ) -> Result<()> {
        let client = self.0.client();
        let template = client.make(server, "make_knock", room, user).await?;
        let knock = finish(&self.0, server, template, room, user, "knock", content)?;
        let state = client.send_knock(server, &knock).await?;
        let state = state.iter().filter_map(stripped).collect();
        let event = knock.object().clone();
        let (kind, version) = (OutOfBandKind::Knock, knock.rules().version.to_string());
        let rooms = self.0.rooms();
        rooms
            .put_out_of_band(user, room, kind, event, state, Some(version))
            .await?;
        Ok(())
    }
}
