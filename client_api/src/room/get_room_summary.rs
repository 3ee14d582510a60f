//! `GET /_matrix/client/v1/room_summary/{roomIdOrAlias}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias>.

use axum::{Json, extract::State};
use gantry_homeserver::RoomSummary;
use gantry_model::id::OwnedRoomOrAliasId;

use crate::{ClientApiState, auth::OptionalSession, error::Result, extract::PathArgs};

/// A room in short, also for those who are not logged in if it is open.
pub(crate) async fn get_room_summary(
    State(state): State<ClientApiState>,
    OptionalSession(session): OptionalSession,
    PathArgs(target): PathArgs<OwnedRoomOrAliasId>,
) -> Result<Json<RoomSummary>> {
    let directory = &state.homeserver().directory;
    let summary = directory.summary(session.as_ref(), &target).await?;
    Ok(Json(summary))
}
