//! Rejecting an invite to a room that we are not in, or taking a knock back.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites>.

use gantry_model::{
    Object,
    id::{OwnedServerName, RoomId, ServerName, UserId},
};

use super::{FederationCalls, handshake::finish, more_telling};
use crate::{Error, Result};

impl FederationCalls {
    /// Leaves a room that none of our users is joined to. What we remember of the invite or knock
    /// stays: the caller forgets it, whatever the other servers say.
    pub async fn leave(
        &self,
        room: &RoomId,
        user: &UserId,
        via: &[OwnedServerName],
        reason: Option<&str>,
    ) -> Result<()> {
        self.require_enabled()?;
        let content: Object = reason
            .map(|reason| ("reason".to_owned(), reason.into()))
            .into_iter()
            .collect();
        let mut failure = None;
        for server in self.servers_for(room, user, via).await? {
            match self.leave_through(&server, room, user, &content).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::info!(%server, %room, %error, "a leave did not succeed");
                    failure = Some(more_telling(failure, error));
                }
            }
        }
        Err(failure.unwrap_or(Error::NoServer))
    }

    async fn leave_through(
        &self,
        server: &ServerName,
        room: &RoomId,
        user: &UserId,
        content: &Object,
    ) -> Result<()> {
        let client = self.0.client();
        let template = client.make(server, "make_leave", room, user).await?;
        let leave = finish(&self.0, server, template, room, user, "leave", content)?;
        client.send_leave(server, &leave).await
    }
}
