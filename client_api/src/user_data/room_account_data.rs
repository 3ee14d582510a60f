//! `GET` and `PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#client-config>.

use axum::{Json, extract::State};
use gantry_model::{
    Object,
    id::{OwnedRoomId, OwnedUserId},
};

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// A piece of the user's data about a room.
pub(crate) async fn get_account_data_per_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, room, kind)): PathArgs<(OwnedUserId, OwnedRoomId, String)>,
) -> Result<Json<Object>> {
    require_self(&session, &user)?;
    Ok(Json(
        state
            .homeserver()
            .user_data
            .account_data(&session, Some(&room), &kind)
            .await?,
    ))
}

/// Stores one.
pub(crate) async fn set_account_data_per_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, room, kind)): PathArgs<(OwnedUserId, OwnedRoomId, String)>,
    JsonBody(content): JsonBody<Object>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    let user_data = &state.homeserver().user_data;
    user_data
        .set_account_data(&session, Some(&room), &kind, content)
        .await?;
    Ok(Json(Done {}))
}
