//! Taking messages and rooms away:
//! <https://element-hq.github.io/synapse/latest/admin_api/purge_history_api.html>,
//! <https://element-hq.github.io/synapse/latest/admin_api/rooms.html#delete-room-api>.

use axum::{Json, extract::State};
use gantry_homeserver::{DeleteWish, Deletion, PurgeWish, Replacement, Shutdown, TaskStatus};
use gantry_model::id::{OwnedEventId, OwnedRoomAliasId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
};

/// Messages of which room, and perhaps up to which event.
#[derive(Debug, Deserialize)]
pub(crate) struct PurgePath {
    room_id: OwnedRoomId,
    event_id: Option<OwnedEventId>,
}

/// Which messages.
#[derive(Debug, Deserialize)]
pub(crate) struct PurgeBody {
    #[serde(default)]
    delete_local_events: bool,
    purge_up_to_event_id: Option<OwnedEventId>,
    purge_up_to_ts: Option<i64>,
}

/// The purge that began.
#[derive(Debug, Serialize)]
pub(crate) struct PurgeBegun {
    purge_id: String,
}

/// How far a purge has come.
#[derive(Debug, Serialize)]
pub(crate) struct PurgeStatus {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How a room is to go.
#[derive(Debug, Deserialize)]
pub(crate) struct DeleteBody {
    new_room_user_id: Option<OwnedUserId>,
    room_name: Option<String>,
    message: Option<String>,
    #[serde(default)]
    block: bool,
    #[serde(default = "yes")]
    purge: bool,
}

fn yes() -> bool {
    true
}

/// The removal that began.
#[derive(Debug, Serialize)]
pub(crate) struct DeleteBegun {
    delete_id: String,
}

/// The removals of a room.
#[derive(Debug, Serialize)]
pub(crate) struct DeleteStatuses {
    results: Vec<DeleteStatus>,
}

/// How far the removal of a room has come.
#[derive(Debug, Serialize)]
pub(crate) struct DeleteStatus {
    delete_id: String,
    room_id: OwnedRoomId,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    shutdown_room: ShutdownBody,
}

/// What became of a room.
#[derive(Debug, Serialize)]
pub(crate) struct ShutdownBody {
    kicked_users: Vec<OwnedUserId>,
    failed_to_kick_users: Vec<OwnedUserId>,
    local_aliases: Vec<OwnedRoomAliasId>,
    new_room_id: Option<OwnedRoomId>,
}

/// Begins to take messages of a room away.
pub(crate) async fn purge_history(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(path): PathArgs<PurgePath>,
    JsonBody(body): JsonBody<PurgeBody>,
) -> Result<Json<PurgeBegun>> {
    let wish = PurgeWish {
        before_event: path.event_id.or(body.purge_up_to_event_id),
        before_ms: body.purge_up_to_ts,
        with_local: body.delete_local_events,
    };
    let administration = &state.homeserver().administration;
    let purge_id = administration
        .purge_history(&session, &path.room_id, wish)
        .await?;
    Ok(Json(PurgeBegun { purge_id }))
}

/// How far a purge has come.
pub(crate) async fn get_purge_status(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(purge_id): PathArgs<String>,
) -> Result<Json<PurgeStatus>> {
    let administration = &state.homeserver().administration;
    let purge = administration.purge(&session, &purge_id)?;
    Ok(Json(PurgeStatus {
        status: name_of(purge.status),
        error: purge.error,
    }))
}

/// Begins to take a room away.
pub(crate) async fn delete_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<DeleteBody>,
) -> Result<Json<DeleteBegun>> {
    let administration = &state.homeserver().administration;
    let delete_id = administration
        .delete_room(&session, &room, body.into())
        .await?;
    Ok(Json(DeleteBegun { delete_id }))
}

/// Takes a room away.
pub(crate) async fn delete_room_now(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<DeleteBody>,
) -> Result<Json<ShutdownBody>> {
    let administration = &state.homeserver().administration;
    let shutdown = administration
        .delete_room_now(&session, &room, body.into())
        .await?;
    Ok(Json(shutdown.into()))
}

/// How far the removals of a room have come.
pub(crate) async fn get_delete_statuses(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<DeleteStatuses>> {
    let administration = &state.homeserver().administration;
    let deletions = administration.deletions(&session, &room)?;
    Ok(Json(DeleteStatuses {
        results: deletions.into_iter().map(DeleteStatus::from).collect(),
    }))
}

/// How far one removal has come.
pub(crate) async fn get_delete_status(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(delete_id): PathArgs<String>,
) -> Result<Json<DeleteStatus>> {
    let administration = &state.homeserver().administration;
    Ok(Json(administration.deletion(&session, &delete_id)?.into()))
}

fn name_of(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Active => "active",
        TaskStatus::Complete => "complete",
        TaskStatus::Failed => "failed",
    }
}

impl From<DeleteBody> for DeleteWish {
    fn from(body: DeleteBody) -> Self {
        let (name, message) = (body.room_name, body.message);
        Self {
            block: body.block,
            purge: body.purge,
            replacement: body.new_room_user_id.map(|creator| Replacement {
                creator,
                name,
                message,
            }),
        }
    }
}

impl From<Deletion> for DeleteStatus {
    fn from(deletion: Deletion) -> Self {
        Self {
            delete_id: deletion.id,
            room_id: deletion.room,
            status: name_of(deletion.status),
            error: deletion.error,
            shutdown_room: deletion.result.into(),
        }
    }
}

impl From<Shutdown> for ShutdownBody {
    fn from(shutdown: Shutdown) -> Self {
        Self {
            kicked_users: shutdown.kicked,
            failed_to_kick_users: shutdown.failed,
            local_aliases: shutdown.aliases,
            new_room_id: shutdown.new_room,
        }
    }
}
