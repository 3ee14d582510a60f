//! `GET /_matrix/client/v3/rooms/{roomId}/joined_members`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoined_members>.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use gantry_model::id::{OwnedRoomId, OwnedUserId};
use serde::Serialize;

use crate::{ClientApiState, auth::Session, error::Result, extract::PathArgs};

/// Who is in the room.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    joined: BTreeMap<OwnedUserId, Member>,
}

#[derive(Debug, Serialize)]
struct Member {
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
}

/// Tells who is in the room, with names and pictures.
pub(crate) async fn get_joined_members_by_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<Response>> {
    let members = state
        .homeserver()
        .reading
        .joined_members(&session, &room)
        .await?;
    let joined = members.into_iter().map(|member| {
        let shown = Member {
            display_name: member.display_name,
            avatar_url: member.avatar_url,
        };
        (member.user_id, shown)
    });
    Ok(Json(Response {
        joined: joined.collect(),
    }))
}
