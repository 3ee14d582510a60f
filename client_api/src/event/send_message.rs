//! `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid>.

use axum::{Json, extract::State};
use gantry_homeserver::{NewDelayedEvent, NewMessage};
use gantry_model::{Object, id::OwnedRoomId};

use super::delayed::{DelayQuery, SentOrDelayed};
use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs, QueryArgs},
};

/// Sends an event that is not a state event.
pub(crate) async fn send_message(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, kind, txn)): PathArgs<(OwnedRoomId, String, String)>,
    QueryArgs(query): QueryArgs<DelayQuery>,
    JsonBody(content): JsonBody<Object>,
) -> Result<Json<SentOrDelayed>> {
    if let Some(delay_ms) = query.delay {
        let event = NewDelayedEvent {
            room,
            kind,
            state_key: None,
            content,
            delay_ms,
            txn: Some(txn),
        };
        let delay_id = state.homeserver().delayed.schedule(&session, event).await?;
        return Ok(Json(SentOrDelayed::Delayed { delay_id }));
    }
    let message = NewMessage {
        room,
        kind,
        content,
        txn: Some(("send", txn)),
        rc: None,
        ts: query.ts,
    };
    let submitted = state.homeserver().messaging.send(&session, message).await?;
    Ok(Json(SentOrDelayed::Sent {
        event_id: submitted.event_id,
    }))
}
