//! `POST /_matrix/client/v3/join/{roomIdOrAlias}` and `POST /rooms/{roomId}/join`:
//! <https://spec.matrix.org/v1.19/client-server-api/#joining-rooms>.

use axum::{Json, extract::State};
use gantry_web::Matrix;
use ruma::api::client::membership::join_room_by_id_or_alias::v3;

use crate::{ClientApiState, auth::Session, error::Result, reply::InRoom};

/// Joins a room, through the servers that `via` (or once `server_name`) names if need be.
pub(crate) async fn join_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    request: Matrix<v3::Request>,
) -> Result<Json<InRoom>> {
    let v3::Request {
        room_id_or_alias,
        reason,
        via,
        ..
    } = request.body;
    let membership = &state.homeserver().membership;
    let room_id = membership
        .join(&session, &room_id_or_alias, via, reason)
        .await?;
    Ok(Json(InRoom { room_id }))
}
