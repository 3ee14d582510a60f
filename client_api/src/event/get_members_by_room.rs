//! `GET /_matrix/client/v3/rooms/{roomId}/members`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers>.

use axum::{Json, extract::State};
use gantry_homeserver::{MembersQuery, Membership};
use gantry_model::id::OwnedRoomId;
use serde::{Deserialize, Serialize};

use super::paging::parse_token;
use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::Result,
    extract::{PathArgs, QueryArgs},
};

/// Which members, and when.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    at: Option<String>,
    membership: Option<Membership>,
    not_membership: Option<Membership>,
}

/// Member events.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    chunk: Vec<ClientEvent>,
}

/// The member events of a room.
pub(crate) async fn get_members_by_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    let query = MembersQuery {
        at: parse_token(query.at.as_deref())?,
        membership: query.membership,
        not_membership: query.not_membership,
    };
    let members = state
        .homeserver()
        .reading
        .members(&session, &room, query)
        .await?;
    Ok(Json(Response {
        chunk: Viewer::new(&session, state.now_ms()).states(&members),
    }))
}
