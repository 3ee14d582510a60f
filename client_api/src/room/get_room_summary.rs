//! `GET /_matrix/client/v1/room_summary/{roomIdOrAlias}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias>.

use axum::{Json, extract::State};
use gantry_homeserver::RoomSummary;
use gantry_web::Matrix;
use ruma::api::client::room::get_summary::v1;

use crate::{ClientApiState, auth::OptionalSession, error::Result};

/// A room in short, also for those who are not logged in if it is open.
pub(crate) async fn get_room_summary(
    State(state): State<ClientApiState>,
    OptionalSession(session): OptionalSession,
    request: Matrix<v1::Request>,
) -> Result<Json<RoomSummary>> {
    let v1::Request {
        room_id_or_alias,
        via,
        ..
    } = request.body;
    let directory = &state.homeserver().directory;
    let summary = directory.summary(session.as_ref(), &room_id_or_alias, via);
    Ok(Json(summary.await?))
}
