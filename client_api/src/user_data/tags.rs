//! `/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags`:
//! <https://spec.matrix.org/v1.19/client-server-api/#room-tagging>.

use axum::{Json, extract::State};
use gantry_model::{
    Object,
    id::{OwnedRoomId, OwnedUserId},
};
use serde::Serialize;

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Tags and their content.
#[derive(Debug, Serialize)]
pub(crate) struct Tags {
    tags: Object,
}

/// The tags of a room.
pub(crate) async fn get_room_tags(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, room)): PathArgs<(OwnedUserId, OwnedRoomId)>,
) -> Result<Json<Tags>> {
    require_self(&session, &user)?;
    Ok(Json(Tags {
        tags: state.homeserver().user_data.tags(&session, &room).await?,
    }))
}

/// Tags a room.
pub(crate) async fn set_room_tag(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, room, tag)): PathArgs<(OwnedUserId, OwnedRoomId, String)>,
    JsonBody(content): JsonBody<Object>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    state
        .homeserver()
        .user_data
        .set_tag(&session, &room, &tag, content)
        .await?;
    Ok(Json(Done {}))
}

/// Takes a tag off.
pub(crate) async fn delete_room_tag(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, room, tag)): PathArgs<(OwnedUserId, OwnedRoomId, String)>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    state
        .homeserver()
        .user_data
        .remove_tag(&session, &room, &tag)
        .await?;
    Ok(Json(Done {}))
}
