//! What a room's policy server says to our events.

use gantry_model::Pdu;
use gantry_rooms::RoomView;

use super::FederationCalls;
use crate::Result;

impl FederationCalls {
    /// Whether an event of that type must be shown to the room's policy server before it is sent.
    pub fn needs_recommendation(
        &self,
        view: &RoomView,
        kind: &str,
        state_key: Option<&str>,
    ) -> bool {
        self.is_enabled() && self.0.policy().wants(view, kind, state_key)
    }

    /// An event that was drafted here, with the signature of the room's policy server if the room
    /// has one. Fails with [`crate::Error::Forbidden`] if that server refuses, and otherwise if it
    /// does not answer: the event must not be sent then.
    pub async fn recommend(&self, view: &RoomView, pdu: Pdu) -> Result<Pdu> {
        if self.is_enabled() {
            self.0.policy().recommend(view, pdu).await
        } else {
            Ok(pdu)
        }
    }
}
