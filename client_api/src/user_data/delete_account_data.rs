//! `DELETE /_matrix/client/unstable/org.matrix.msc3391/user/{userId}/account_data/{type}` and the
//! same of a room (MSC3391).

use axum::{Json, extract::State};
use gantry_model::id::{OwnedRoomId, OwnedUserId};

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::Result,
    extract::PathArgs,
    reply::Done,
};

/// Deletes a piece of the user's account data.
pub(crate) async fn delete_account_data(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, kind)): PathArgs<(OwnedUserId, String)>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    let user_data = &state.homeserver().user_data;
    user_data.delete_account_data(&session, None, &kind).await?;
    Ok(Json(Done {}))
}

/// Deletes a piece of account data of a room.
pub(crate) async fn delete_account_data_per_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, room, kind)): PathArgs<(OwnedUserId, OwnedRoomId, String)>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    let user_data = &state.homeserver().user_data;
    user_data
        .delete_account_data(&session, Some(&room), &kind)
        .await?;
    Ok(Json(Done {}))
}
