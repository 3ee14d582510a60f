//! Knocking on a room of another server.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms>.

use gantry_model::{
    Object,
    id::{OwnedRoomId, OwnedServerName, RoomId, ServerName, UserId},
};
use gantry_rooms::OutOfBandKind;

use super::{FederationCalls, handshake::finish};
use crate::{Result, error::more_telling, remote::MadeTemplate, wire::stripped};

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
        let mut servers = self.servers_for(room, user, via).await?;
        let mut failure = None;
        loop {
            let template = self.template("make_knock", room, user, &mut servers).await;
            let (server, template) = match template {
                Ok(made) => made,
                Err(error) => return Err(more_telling(failure, error)),
            };
            let knocked = self.knock_with(&server, template, room, user, &content);
            match knocked.await {
                Ok(()) => return Ok(room.to_owned()),
                Err(error) => {
                    tracing::info!(%server, %room, %error, "a knock did not succeed");
                    failure = Some(more_telling(failure, error));
                }
            }
        }
    }

    async fn knock_with(
        &self,
        server: &ServerName,
        template: MadeTemplate,
        room: &RoomId,
        user: &UserId,
        content: &Object,
    ) -> Result<()> {
        let client = self.0.client();
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
