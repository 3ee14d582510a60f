//! Rooms, changed.

use axum::Extension;
use axum::extract::State;

use super::body::JsonBody;
use super::dto::{
    CreateBody, DirectBody, DirectReply, DirectRoomDto, RoomBody, RoomReply, RoomUserBody,
};
use super::reply::{Done, Reply};
use super::session::RcSession;
use crate::calls::{NewRoom, RoomRef, ShownRoom};
use crate::error::{Error, Result};
use crate::map::RoomType;
use crate::state::RocketchatState;

impl RoomBody {
    /// The room that is meant.
    fn room(&self) -> Result<RoomRef<'_>> {
        match (&self.room_id, &self.room_name) {
            (Some(id), _) => Ok(RoomRef::Id(id)),
            (None, Some(name)) => Ok(RoomRef::Name(name)),
            (None, None) => {
                let reason = "The parameter \"roomId\" or \"roomName\" is required";
                Err(Error::new("error-roomid-param-not-provided", reason))
            }
        }
    }
}

/// `POST channels.create`, `groups.create`.
pub(crate) async fn create(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Reply<RoomReply>> {
    let new = NewRoom {
        name: body.name,
        public: family == RoomType::Channel,
        members: body.members,
        topic: body.extra_data.topic,
        read_only: body.read_only,
    };
    let room = state.create_room(&session, new).await?;
    Ok(Reply(RoomReply::of(family, state.room(&room, None))))
}

/// `POST im.create`.
pub(crate) async fn im_create(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<DirectBody>,
) -> Result<Reply<DirectReply>> {
    let (room, inserted) = state.direct_room(&session, &body.usernames()?).await?;
    let room = state.room(&room, None);
    Ok(Reply(DirectReply {
        room: DirectRoomDto {
            rid: room.id.clone(),
            inserted,
            room,
        },
    }))
}

/// `POST channels.join`.
pub(crate) async fn join(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<RoomBody>,
) -> Result<Reply<RoomReply>> {
    let room = state.get_room(&session, body.room()?, family).await?;
    let room = state.join(&session, &room).await?;
    Ok(Reply(RoomReply::of(
        family,
        state.room_with_message(&session, &room).await?,
    )))
}

/// `POST channels.leave`, `groups.leave`.
pub(crate) async fn leave(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<RoomBody>,
) -> Result<Reply<RoomReply>> {
    let room = state.get_room(&session, body.room()?, family).await?;
    state.leave(&session, &room).await?;
    let room = state.shown(room.view.room_id()).await?;
    Ok(Reply(RoomReply::of(family, state.room(&room, None))))
}

/// `POST rooms.leave`.
pub(crate) async fn rooms_leave(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<RoomBody>,
) -> Result<Reply<Done>> {
    let room = state.find_room(&session, body.room()?).await?;
    state
        .leave(&session, &room.ok_or_else(|| Error::no_room("\"roomId\""))?)
        .await?;
    Ok(Reply(Done {}))
}

/// `POST channels.invite`, `groups.invite`.
pub(crate) async fn invite(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<RoomUserBody>,
) -> Result<Reply<RoomReply>> {
    let room = state.get_room(&session, body.room.room()?, family).await?;
    let username = username(&state, &body).await?;
    state.get_user(&username).await?;
    state
        .bring_in(&session, room.view.room_id(), &username)
        .await?;
    answer(&state, family, &room).await
}

/// `POST channels.kick`, `groups.kick`.
pub(crate) async fn kick(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<RoomUserBody>,
) -> Result<Reply<RoomReply>> {
    let room = state.get_room(&session, body.room.room()?, family).await?;
    let user = state.get_user(&username(&state, &body).await?).await?;
    state
        .homeserver()
        .membership
        .kick(&session, room.view.room_id(), &user, None)
        .await?;
    answer(&state, family, &room).await
}

async fn answer(
    state: &RocketchatState,
    family: RoomType,
    room: &ShownRoom,
) -> Result<Reply<RoomReply>> {
    let room = state.shown(room.view.room_id()).await?;
    Ok(Reply(RoomReply::of(family, state.room(&room, None))))
}

async fn username(state: &RocketchatState, body: &RoomUserBody) -> Result<String> {
    match (&body.user_id, &body.username) {
        (_, Some(name)) => Ok(name.clone()),
        (Some(id), None) => Ok(state.user_by_id(id).await?.username),
        (None, None) => {
            let reason = "The required \"userId\" or \"username\" param was not provided";
            Err(Error::new("error-user-param-not-provided", reason))
        }
    }
}
