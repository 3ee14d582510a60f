//! Methods about rooms.

use gantry_homeserver::Session;
use serde::Serialize;
use serde_json::Value;

use super::methods::{json, param};
use crate::calls::{HistoryQuery, RoomRef};
use crate::dto::message::Message;
use crate::error::{Error, Result};
use crate::map::{RoomType, room_name};
use crate::state::RocketchatState;

/// The most messages that are loaded at once.
const MAX_LOADED: usize = 100;

/// What changed, for clients that say what they know.
#[derive(Serialize)]
struct Updates<T> {
    update: Vec<T>,
    remove: [(); 0],
}

/// A direct room that was made or found.
#[derive(Serialize)]
struct DirectResult {
    rid: String,
    t: &'static str,
}

/// Messages that were loaded.
#[derive(Serialize)]
struct Loaded {
    messages: Vec<Message>,
}

pub(super) async fn call(
    state: &RocketchatState,
    session: &Session,
    method: &str,
    params: &[Value],
) -> Result<Value> {
    match method {
        "rooms/get" => {
            let since = since(params);
            let rooms = state.changed_rooms(session, since).await?;
            answer(since, rooms)
        }
        "subscriptions/get" => {
            let since = since(params);
            let subscriptions = state.subscriptions(session, since).await?;
            answer(since, subscriptions)
        }
        "getRoomIdByNameOrId" => {
            let named: String = param(params, 0)?;
            let mut room = state.find_room(session, RoomRef::Id(&named)).await?;
            if room.is_none() {
                room = state.find_room(session, RoomRef::Name(&named)).await?;
            }
            Ok(room.ok_or_else(no_room)?.rid.into())
        }
        "getRoomNameById" => {
            let rid: String = param(params, 0)?;
            let room = state
                .find_room(session, RoomRef::Id(&rid))
                .await?
                .ok_or_else(no_room)?;
            Ok(match room.room_type {
                RoomType::Direct => Value::Null,
                RoomType::Channel | RoomType::Group => room_name(&room.view, &room.rid).into(),
            })
        }
        "createDirectMessage" => {
            let usernames: Vec<String> = params
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let (room, _) = state.direct_room(session, &usernames).await?;
            json(DirectResult {
                rid: room.rid,
                t: "d",
            })
        }
        "joinRoom" => {
            let rid: String = param(params, 0)?;
            let room = state
                .find_room(session, RoomRef::Id(&rid))
                .await?
                .ok_or_else(no_room)?;
            state.join(session, &room).await?;
            Ok(true.into())
        }
        "leaveRoom" => {
            let rid: String = param(params, 0)?;
            let room = state.joined_room(session, &rid).await?;
            state.leave(session, &room).await?;
            Ok(Value::Null)
        }
        "readMessages" => {
            let rid: String = param(params, 0)?;
            state.mark_read(session, &rid).await?;
            Ok(Value::Null)
        }
        "loadHistory" => load_history(state, session, params).await,
        unknown => Err(Error {
            status: http::StatusCode::NOT_FOUND,
            ..Error::plain(format!("Method '{unknown}' not found"))
        }),
    }
}

async fn load_history(
    state: &RocketchatState,
    session: &Session,
    params: &[Value],
) -> Result<Value> {
    let rid: String = param(params, 0)?;
    let room = state.joined_room(session, &rid).await?;
    let count = params.get(2).and_then(Value::as_u64).unwrap_or(20) as usize;
    let query = HistoryQuery {
        latest: params.get(1).and_then(date),
        oldest: None,
        inclusive: false,
        offset: 0,
        count: count.clamp(1, MAX_LOADED),
        threads: true,
        stop_when_full: true,
    };
    json(Loaded {
        messages: state.history(session, &room, query).await?.messages,
    })
}

/// A list where the client knows nothing, else what changed.
fn answer<T: Serialize>(since: Option<i64>, items: Vec<T>) -> Result<Value> {
    match since {
        None => json(items),
        Some(_) => json(Updates {
            update: items,
            remove: [],
        }),
    }
}

fn since(params: &[Value]) -> Option<i64> {
    params.first().and_then(date).filter(|ms| *ms > 0)
}

/// A time as DDP has it.
fn date(value: &Value) -> Option<i64> {
    value.get("$date")?.as_i64()
}

fn no_room() -> Error {
    Error::new("error-invalid-room", "Invalid room")
}

/// A user's name and what the room is, for bots that hear of all rooms.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MyMessage {
    pub(super) room_participant: bool,
    pub(super) room_type: &'static str,
    pub(super) room_name: String,
}
