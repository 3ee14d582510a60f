//! `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid>.

use axum::{Json, extract::State};
use gantry_homeserver::NewMessage;
use gantry_model::{Object, id::OwnedRoomId};

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Sent,
};

/// Sends an event that is not a state event.
pub(crate) async fn send_message(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, kind, txn)): PathArgs<(OwnedRoomId, String, String)>,
    JsonBody(content): JsonBody<Object>,
) -> Result<Json<Sent>> {
    let message = NewMessage {
        room,
        kind,
        content,
        txn: Some(("send", txn)),
        rc: None,
        ts: None,
    };
    let submitted = state.homeserver().messaging.send(&session, message).await?;
    Ok(Json(Sent {
        event_id: submitted.event_id,
    }))
}
