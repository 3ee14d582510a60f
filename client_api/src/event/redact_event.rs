//! `PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#redactions>.

use axum::{Json, extract::State};
use gantry_model::id::{OwnedEventId, OwnedRoomId};
use serde::Deserialize;

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Sent,
};

/// Why.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    reason: Option<String>,
}

/// Takes an event's content away.
pub(crate) async fn redact_event(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, event, txn)): PathArgs<(OwnedRoomId, OwnedEventId, String)>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Sent>> {
    let messaging = &state.homeserver().messaging;
    let txn = Some(("redact", txn));
    let submitted = messaging
        .redact(&session, &room, &event, body.reason, txn)
        .await?;
    Ok(Json(Sent {
        event_id: submitted.event_id,
    }))
}
