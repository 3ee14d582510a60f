//! State events by type and key, with or without the key in the path:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey>.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use gantry_homeserver::NewDelayedEvent;
use gantry_model::{Object, id::OwnedRoomId};
use serde::Deserialize;

use super::delayed::{DelayQuery, SentOrDelayed};
use crate::{
    ClientApiState,
    auth::Session,
    client_event::Viewer,
    error::Result,
    extract::{JsonBody, PathArgs, QueryArgs},
};

/// Which state event.
#[derive(Debug, Deserialize)]
pub(crate) struct StatePath {
    room_id: OwnedRoomId,
    event_type: String,
    #[serde(default)]
    state_key: String,
}

/// In which form.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Content,
    Event,
}

/// Sets a state event.
pub(crate) async fn set_room_state_with_key(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(path): PathArgs<StatePath>,
    QueryArgs(query): QueryArgs<DelayQuery>,
    JsonBody(content): JsonBody<Object>,
) -> Result<Json<SentOrDelayed>> {
    let StatePath {
        room_id,
        event_type,
        state_key,
    } = path;
    if let Some(delay_ms) = query.delay {
        let event = NewDelayedEvent {
            room: room_id,
            kind: event_type,
            state_key: Some(state_key),
            content,
            delay_ms,
            txn: None,
        };
        let delay_id = state.homeserver().delayed.schedule(&session, event).await?;
        return Ok(Json(SentOrDelayed::Delayed { delay_id }));
    }
    let messaging = &state.homeserver().messaging;
    let event_id = messaging
        .send_state_at(
            &session,
            &room_id,
            (&event_type, &state_key),
            content,
            query.ts,
        )
        .await?;
    Ok(Json(SentOrDelayed::Sent { event_id }))
}

/// The content of a state event, or all of it.
pub(crate) async fn get_room_state_with_key(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(path): PathArgs<StatePath>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Response> {
    let StatePath {
        room_id,
        event_type,
        state_key,
    } = path;
    let reading = &state.homeserver().reading;
    let pdu = reading
        .state_event(&session, &room_id, &event_type, &state_key)
        .await?;
    Ok(match query.format {
        Format::Content => Json(pdu.content()).into_response(),
        Format::Event => Json(Viewer::new(&session, state.now_ms()).pdu(&pdu)).into_response(),
    })
}
