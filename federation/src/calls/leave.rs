//! Rejecting an invite to a room that we are not in, or taking a knock back.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites>.

use gantry_model::{
    Object,
    id::{OwnedServerName, RoomId, ServerName, UserId},
};

use super::{FederationCalls, handshake::finish};
use crate::{Result, error::more_telling, remote::MadeTemplate};

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
        let mut servers = self.servers_for(room, user, via).await?;
        let mut failure = None;
        loop {
            let template = self.template("make_leave", room, user, &mut servers).await;
            let (server, template) = match template {
                Ok(made) => made,
                Err(error) => return Err(more_telling(failure, error)),
            };
            let left = self.leave_with(&server, template, room, user, &content);
            match left.await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::info!(%server, %room, %error, "a leave did not succeed");
                    failure = Some(more_telling(failure, error));
                }
            }
        }
    }

    async fn leave_with(
        &self,
        server: &ServerName,
        template: MadeTemplate,
        room: &RoomId,
        user: &UserId,
        content: &Object,
    ) -> Result<()> {
        let client = self.0.client();
        let leave = finish(&self.0, server, template, room, user, "leave", content)?;
        client.send_leave(server, &leave).await
    }
}
