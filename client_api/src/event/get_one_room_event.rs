//! `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid>.

use axum::{Json, extract::State};
use gantry_model::id::{OwnedEventId, OwnedRoomId};

use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::Result,
    extract::PathArgs,
};

/// One event.
pub(crate) async fn get_one_room_event(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, OwnedEventId)>,
) -> Result<Json<ClientEvent>> {
    let event = state
        .homeserver()
        .reading
        .event(&session, &room, &event)
        .await?;
    Ok(Json(Viewer::new(&session, state.now_ms()).event(&event)))
}
