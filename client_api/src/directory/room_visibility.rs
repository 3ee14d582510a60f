//! `GET` and `PUT /_matrix/client/v3/directory/list/room/{roomId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#published-room-directory>.

use axum::{Json, extract::State};
use gantry_homeserver::Visibility;
use gantry_model::id::OwnedRoomId;
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Whether the directory shows a room.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VisibilityBody {
    #[serde(default)]
    visibility: Name,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    #[default]
    Public,
    Private,
}

/// Tells whether the directory shows a room.
pub(crate) async fn get_room_visibility(
    State(state): State<ClientApiState>,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<VisibilityBody>> {
    let visibility = match state.homeserver().directory.visibility(&room).await? {
        Visibility::Public => Name::Public,
        Visibility::Private => Name::Private,
    };
    Ok(Json(VisibilityBody { visibility }))
}

/// Shows or hides a room.
pub(crate) async fn set_room_visibility(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<VisibilityBody>,
) -> Result<Json<Done>> {
    let visibility = match body.visibility {
        Name::Public => Visibility::Public,
        Name::Private => Visibility::Private,
    };
    state
        .homeserver()
        .directory
        .set_visibility(&session, &room, visibility)
        .await?;
    Ok(Json(Done {}))
}
