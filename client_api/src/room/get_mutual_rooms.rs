//! `GET /_matrix/client/v1/mutual_rooms`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms>.

use axum::{Json, extract::State};
use gantry_model::id::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::QueryArgs,
};

/// With whom, and which page.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    user_id: Option<OwnedUserId>,
    from: Option<String>,
    /// The same while it was a proposal (MSC2666).
    batch_token: Option<String>,
}

/// A page of rooms.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    joined: Vec<OwnedRoomId>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
    /// The same while it was a proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch_token: Option<String>,
}

/// The rooms that the user shares with another one.
pub(crate) async fn get_mutual_rooms(
    State(state): State<ClientApiState>,
    Session(session): Session,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    let other = query.user_id.ok_or(Error::invalid("user_id is missing"))?;
    let from = query.from.or(query.batch_token);
    let page = state
        .homeserver()
        .directory
        .mutual_rooms(&session, &other, from.as_deref())
        .await?;
    Ok(Json(Response {
        joined: page.joined,
        count: page.count,
        next_batch_token: page.next_batch.clone(),
        next_batch: page.next_batch,
    }))
}
