//! `/_synapse/admin/v1/rooms`:
//! <https://element-hq.github.io/synapse/latest/admin_api/rooms.html>.

use axum::{Json, extract::State};
use gantry_homeserver::{AdminRoom, AdminRooms};
use gantry_model::id::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::Result,
    extract::{JsonBody, PathArgs, QueryArgs},
    reply::InRoom,
};

/// Which rooms, and in which order.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    #[serde(default)]
    from: usize,
    limit: Option<usize>,
    order_by: Option<String>,
    dir: Option<String>,
    search_term: Option<String>,
}

/// A page of rooms.
#[derive(Debug, Serialize)]
pub(crate) struct Rooms {
    rooms: Vec<RoomBody>,
    offset: usize,
    total_rooms: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_batch: Option<usize>,
}

/// A room.
#[derive(Debug, Serialize)]
pub(crate) struct RoomBody {
    room_id: OwnedRoomId,
    name: Option<String>,
    topic: Option<String>,
    avatar: Option<String>,
    canonical_alias: Option<String>,
    joined_members: u64,
    joined_local_members: u64,
    version: String,
    creator: Option<OwnedUserId>,
    encryption: Option<String>,
    federatable: bool,
    public: bool,
    join_rules: String,
    guest_access: String,
    history_visibility: String,
    state_events: u64,
    room_type: Option<String>,
}

/// Who is in a room.
#[derive(Debug, Serialize)]
pub(crate) struct Members {
    members: Vec<OwnedUserId>,
    total: usize,
}

/// The state of a room.
#[derive(Debug, Serialize)]
pub(crate) struct RoomState {
    state: Vec<ClientEvent>,
}

/// Whether a room is closed.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Block {
    block: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<OwnedUserId>,
}

/// Who shall join.
#[derive(Debug, Deserialize)]
pub(crate) struct JoinBody {
    user_id: OwnedUserId,
}

impl From<AdminRoom> for RoomBody {
    fn from(room: AdminRoom) -> Self {
        Self {
            room_id: room.room_id,
            name: room.name,
            topic: room.topic,
            avatar: room.avatar,
            canonical_alias: room.canonical_alias,
            joined_members: room.joined_members,
            joined_local_members: room.joined_local_members,
            version: room.version,
            creator: room.creator,
            encryption: room.encryption,
            federatable: room.federatable,
            public: room.public,
            join_rules: room.join_rules,
            guest_access: room.guest_access,
            history_visibility: room.history_visibility,
            state_events: room.state_events,
            room_type: room.room_type,
        }
    }
}

/// Lists rooms.
pub(crate) async fn get_rooms(
    State(state): State<ClientApiState>,
    Session(session): Session,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Rooms>> {
    let wanted = AdminRooms {
        from: query.from,
        limit: query.limit,
        search_term: query.search_term,
        order_by: query.order_by,
        backward: query.dir.as_deref() == Some("b"),
    };
    let administration = &state.homeserver().administration;
    let (found, total_rooms) = administration.rooms(&session, &wanted).await?;
    let end = query.from + found.len();
    let page = query.limit.unwrap_or(100);
    Ok(Json(Rooms {
        rooms: found.into_iter().map(RoomBody::from).collect(),
        offset: query.from,
        total_rooms,
        next_batch: (end < total_rooms).then_some(end),
        prev_batch: (query.from > 0).then(|| query.from.saturating_sub(page)),
    }))
}

/// Tells one room.
pub(crate) async fn get_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<RoomBody>> {
    let administration = &state.homeserver().administration;
    Ok(Json(administration.room(&session, &room).await?.into()))
}

/// Tells who is in a room.
pub(crate) async fn get_room_members(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<Members>> {
    let administration = &state.homeserver().administration;
    let members = administration.room_members(&session, &room).await?;
    Ok(Json(Members {
        total: members.len(),
        members,
    }))
}

/// Tells the state of a room.
pub(crate) async fn get_room_state(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<RoomState>> {
    let administration = &state.homeserver().administration;
    let found = administration.room_state(&session, &room).await?;
    let viewer = Viewer::new(&session, state.now_ms());
    Ok(Json(RoomState {
        state: found.iter().map(|pdu| viewer.pdu(pdu)).collect(),
    }))
}

/// Whether a room is closed to the users of this server.
pub(crate) async fn get_room_block(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<Block>> {
    let administration = &state.homeserver().administration;
    let block = administration.room_block(&session, &room).await?;
    Ok(Json(Block {
        block: block.is_some(),
        user_id: block.and_then(|block| block.by),
    }))
}

/// Closes a room to the users of this server, or opens it.
pub(crate) async fn set_room_block(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<Block>,
) -> Result<Json<Block>> {
    let administration = &state.homeserver().administration;
    administration
        .set_room_block(&session, &room, body.block)
        .await?;
    Ok(Json(Block {
        block: body.block,
        user_id: None,
    }))
}

/// Brings a user into a room.
pub(crate) async fn join_user(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room_id): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<JoinBody>,
) -> Result<Json<InRoom>> {
    let administration = &state.homeserver().administration;
    administration
        .join_user(&session, &room_id, &body.user_id)
        .await?;
    Ok(Json(InRoom { room_id }))
}
