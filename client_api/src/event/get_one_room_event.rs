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
    let reading = &state.homeserver().reading;
    let event = reading.event(&session, &room, &event).await?;
    let known = reading
        .aggregations(&session, &room, std::slice::from_ref(&event))
        .await?;
    let viewer = Viewer::new(&session, state.now_ms());
    Ok(Json(viewer.bundled(&event, &known)))
}
