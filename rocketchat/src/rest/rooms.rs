//! Rooms, read. `channels.*`, `groups.*` and `im.*` are the same calls for three types of room.

use axum::Extension;
use axum::extract::State;

use super::dto::{MembersPage, MessagesPage, MessagesReply, PageOf, RoomReply, RoomsPage};
use super::params::{Paging, Params};
use super::reply::Reply;
use super::session::RcSession;
use crate::calls::{HistoryQuery, ShownRoom};
use crate::dto::room::Room;
use crate::error::{Error, Result};
use crate::map::RoomType;
use crate::state::RocketchatState;

impl RoomReply {
    /// The room under the name that the family of calls has for it.
    pub(crate) fn of(family: RoomType, room: Room) -> Self {
        match family {
            RoomType::Channel => Self {
                channel: Some(room),
                ..Self::default()
            },
            RoomType::Group => Self {
                group: Some(room),
                ..Self::default()
            },
            RoomType::Direct => Self {
                room: Some(room),
                ..Self::default()
            },
        }
    }
}

impl RoomsPage {
    fn of(family: RoomType, rooms: Vec<Room>, paging: Paging) -> Self {
        let total = rooms.len();
        let rooms = paging.of(rooms);
        let page = PageOf {
            count: rooms.len(),
            offset: paging.offset,
            total,
        };
        match family {
            RoomType::Channel => Self {
                channels: Some(rooms),
                page,
                ..Self::default()
            },
            RoomType::Group => Self {
                groups: Some(rooms),
                page,
                ..Self::default()
            },
            RoomType::Direct => Self {
                ims: Some(rooms),
                page,
                ..Self::default()
            },
        }
    }
}

/// `GET *.info`.
pub(crate) async fn info(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<RoomReply>> {
    let room = state.get_room(&session, params.room()?, family).await?;
    let room = state.room_with_message(&session, &room).await?;
    Ok(Reply(RoomReply::of(family, room)))
}

/// `GET rooms.info`.
pub(crate) async fn rooms_info(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<RoomReply>> {
    let room = state.find_room(&session, params.room()?).await?;
    let room = room.ok_or_else(|| Error::new("not-allowed", "Not Allowed"))?;
    let room = state.room_with_message(&session, &room).await?;
    Ok(Reply(RoomReply::of(RoomType::Direct, room)))
}

/// `GET channels.list`: the public directory and what the user is in.
pub(crate) async fn list(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<RoomsPage>> {
    let mut rooms = rooms_of_type(&state, state.rooms_of(&session).await?, RoomType::Channel);
    for view in state.public_views(None).await? {
        let room = state.show(view).await?;
        if room.room_type == RoomType::Channel && !rooms.iter().any(|known| known.id == room.rid) {
            rooms.push(state.room(&room, None));
        }
    }
    rooms.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Reply(RoomsPage::of(
        RoomType::Channel,
        rooms,
        params.paging(),
    )))
}

/// `GET groups.list`, `im.list`, `channels.list.joined`.
pub(crate) async fn list_joined(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<RoomsPage>> {
    let joined = state.rooms_of(&session).await?;
    let joined = joined
        .into_iter()
        .filter(|room| room.is_joined(&session))
        .collect();
    let mut rooms = rooms_of_type(&state, joined, family);
    rooms.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Reply(RoomsPage::of(family, rooms, params.paging())))
}

/// `GET *.history`.
pub(crate) async fn history(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<MessagesReply>> {
    let room = state.get_room(&session, params.room()?, family).await?;
    let paging = params.paging();
    let query = HistoryQuery {
        latest: params.date("latest")?,
        oldest: params.date("oldest")?,
        inclusive: params.flag("inclusive").unwrap_or(false),
        offset: paging.offset,
        count: paging.count,
        threads: params.flag("showThreadMessages").unwrap_or(true),
        stop_when_full: true,
    };
    let messages = state.history(&session, &room, query).await?.messages;
    Ok(Reply(MessagesReply { messages }))
}

/// `GET *.messages`.
pub(crate) async fn messages(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<MessagesPage>> {
    let room = state.get_room(&session, params.room()?, family).await?;
    let paging = params.paging();
    let query = HistoryQuery {
        latest: None,
        oldest: None,
        inclusive: false,
        offset: paging.offset,
        count: paging.count,
        threads: true,
        stop_when_full: false,
    };
    let history = state.history(&session, &room, query).await?;
    let page = PageOf {
        count: history.messages.len(),
        offset: paging.offset,
        total: history.total,
    };
    Ok(Reply(MessagesPage {
        messages: history.messages,
        page,
    }))
}

/// `GET *.members`.
pub(crate) async fn members(
    State(state): State<RocketchatState>,
    Extension(family): Extension<RoomType>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<MembersPage>> {
    let room = state.get_room(&session, params.room()?, family).await?;
    let filter = params.text("filter").unwrap_or_default().to_lowercase();
    let mut members = state.members(&room).await?;
    members.retain(|user| {
        user.username.to_lowercase().contains(&filter) || user.name.to_lowercase().contains(&filter)
    });
    let (paging, total) = (params.paging(), members.len());
    let members = paging.of(members);
    let page = PageOf {
        count: members.len(),
        offset: paging.offset,
        total,
    };
    Ok(Reply(MembersPage { members, page }))
}

fn rooms_of_type(state: &RocketchatState, rooms: Vec<ShownRoom>, wanted: RoomType) -> Vec<Room> {
    let fits = rooms.iter().filter(|room| room.room_type == wanted);
    fits.map(|room| state.room(room, None)).collect()
}
