//! Inviting a user of another server.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room>.

use gantry_model::{Object, Pdu, id::ServerName, room_version::EventIdFormat};

use super::FederationCalls;
use crate::{
    Error, Result,
    client::bad,
    wire::{stripped, user_id},
};

impl FederationCalls {
    /// Has the invited user's server sign an invite that was drafted here, and checks what comes
    /// back. The caller takes the signed event in. `state` are the events of the room that the
    /// invited user may see.
    pub async fn invite(&self, pdu: &Pdu, state: Vec<Object>) -> Result<Pdu> {
        self.require_enabled()?;
        let invited = pdu
            .state_key()
            .and_then(user_id)
            .ok_or(Error::BadRequest("an invite without an invited user"))?;
        let server = invited.server_name();
        let state: Vec<Object> = state
            .into_iter()
            .filter(|one| stripped(one).is_some())
            .collect();
        let client = self.0.client();
        let event = match client.send_invite(server, pdu, state.clone()).await {
            Err(Error::Refused {
                status: 400 | 404,
                errcode,
                ..
            }) if pdu.rules().event_id == EventIdFormat::Chosen && errcode != "M_FORBIDDEN" => {
                client.send_invite_v1(server, pdu, state).await?
            }
            answer => answer?,
        };
        self.check_invite(server, pdu, event).await
    }

    async fn check_invite(&self, server: &ServerName, ours: &Pdu, event: Object) -> Result<Pdu> {
        let signed = Pdu::parse(event, ours.rules().version)?;
        if signed.event_id() != ours.event_id() || signed.content() != ours.content() {
            return Err(bad(server, "another invite than ours"));
        }
        let checker = self.0.checker();
        let signed = checker
            .check_one(signed)
            .await
            .map_err(|_| bad(server, "an invite without our signature"))?;
        if !checker.is_signed_by(&signed, server).await {
            return Err(bad(server, "an invite that it did not sign"));
        }
        Ok(signed)
    }
}
