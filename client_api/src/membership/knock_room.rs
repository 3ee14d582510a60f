//! `POST /_matrix/client/v3/knock/{roomIdOrAlias}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#knocking-on-rooms>.

use axum::{Json, extract::State};
use gantry_web::Matrix;
use ruma::api::client::knock::knock_room::v3;

use crate::{ClientApiState, auth::Session, error::Result, reply::InRoom};

/// Asks to be let into a room.
pub(crate) async fn knock_room(
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
        .knock(&session, &room_id_or_alias, via, reason)
        .await?;
    Ok(Json(InRoom { room_id }))
}
