//! `POST /_matrix/client/v3/rooms/{roomId}/upgrade`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade>.

use axum::{Json, extract::State};
use gantry_homeserver::UpgradeRoom;
use gantry_model::id::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::{JsonBody, PathArgs},
};

/// Where the room shall go.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    new_version: Option<String>,
    #[serde(default)]
    additional_creators: Vec<OwnedUserId>,
}

/// Where it went.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    replacement_room: OwnedRoomId,
}

/// Moves a room to another version.
pub(crate) async fn upgrade_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Response>> {
    let wish = UpgradeRoom {
        new_version: body.new_version.ok_or(Error::MissingParam("new_version"))?,
        additional_creators: body.additional_creators,
    };
    let replacement_room = state
        .homeserver()
        .creation
        .upgrade_room(&session, &room, wish)
        .await?;
    Ok(Json(Response { replacement_room }))
}
