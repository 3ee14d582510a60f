//! What single users are told: rooms, subscriptions, notifications.

use gantry_homeserver::{Membership, RoomChanges, Session};
use gantry_model::id::UserId;
use serde::Serialize;

use super::fanout::Update;
use crate::calls::ShownRoom;
use crate::dto::message::Message;
use crate::dto::subscription::SubscriptionRef;
use crate::dto::user::UserRef;
use crate::error::Result;
use crate::map::{RoomType, room_name, subscription_id, username};
use crate::state::RocketchatState;

/// How many characters of a message a notification shows.
const SHOWN: usize = 200;

/// A room that the user is no longer in.
#[derive(Serialize)]
struct RoomGone<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    t: &'static str,
}

/// A message that concerns the user.
#[derive(Serialize)]
struct Notification<'a> {
    title: String,
    text: String,
    payload: Payload<'a>,
}

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    rid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tmid: Option<&'a str>,
    sender: &'a UserRef,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    message: PayloadMessage<'a>,
}

#[derive(Serialize)]
struct PayloadMessage<'a> {
    msg: &'a str,
}

/// Tells users of a room that changed.
pub(super) async fn tell_users(
    state: &RocketchatState,
    room: &ShownRoom,
    changes: &RoomChanges,
    users: &[Session],
    updates: &[Update],
) -> Result<()> {
    let last = updates.iter().rev().find_map(|update| match update {
        Update::Changed {
            message,
            is_new: true,
            ..
        } => Some(&**message),
        _ => None,
    });
    for session in users {
        let user = &session.user_id;
        let is_there = |membership: Option<Membership>| {
            matches!(membership, Some(Membership::Join | Membership::Invite))
        };
        let before = changes.start.membership(user);
        let now = changes.now.membership(user);
        if is_there(now) {
            tell_room(state, session, room, (before, now), last).await?;
            if now == Some(Membership::Join) && before == now {
                notify(state, user, room, updates);
            }
        } else if is_there(before) {
            tell_gone(state, user, room);
        }
    }
    Ok(())
}

async fn tell_room(
    state: &RocketchatState,
    session: &Session,
    room: &ShownRoom,
    (before, now): (Option<Membership>, Option<Membership>),
    last: Option<&Message>,
) -> Result<()> {
    let user = &session.user_id;
    let is_new = |known: bool| if known { "updated" } else { "inserted" };
    if now == Some(Membership::Join) {
        let document = match last {
            Some(last) => state.room(room, Some(last)),
            None => state.room_with_message(session, room).await?,
        };
        let change = is_new(before == Some(Membership::Join));
        state
            .hub()
            .tell_user(user, "rooms-changed", &(change, document));
    }
    let subscription = state.subscription(session, room).await?;
    let change = is_new(matches!(
        before,
        Some(Membership::Join | Membership::Invite)
    ));
    state
        .hub()
        .tell_user(user, "subscriptions-changed", &(change, subscription));
    Ok(())
}

fn tell_gone(state: &RocketchatState, user: &UserId, room: &ShownRoom) {
    let t = room.room_type.as_str();
    let gone = RoomGone { id: &room.rid, t };
    state
        .hub()
        .tell_user(user, "rooms-changed", &("removed", gone));
    let subscription = SubscriptionRef {
        id: subscription_id(&room.rid, user),
        rid: room.rid.clone(),
        t,
        u: UserRef {
            id: gantry_homeserver::workspace::rc_user_id(user),
            username: username(user, state.server()),
            name: None,
        },
    };
    state
        .hub()
        .tell_user(user, "subscriptions-changed", &("removed", subscription));
}

/// Direct messages, and messages that mention the user.
fn notify(state: &RocketchatState, user: &UserId, room: &ShownRoom, updates: &[Update]) {
    let own = username(user, state.server());
    for update in updates {
        let Update::Changed {
            message,
            event,
            is_new: true,
        } = update
        else {
            continue;
        };
        let is_meant = room.room_type == RoomType::Direct
            || message
                .mentions
                .iter()
                .any(|one| one.username == own || one.username == "all");
        if message.t.is_some() || event.pdu.sender() == user || !is_meant {
            continue;
        }
        let sender = message
            .u
            .name
            .clone()
            .unwrap_or_else(|| message.u.username.clone());
        let name = room_name(&room.view, &room.rid);
        let title = match room.room_type {
            RoomType::Direct => sender,
            RoomType::Channel | RoomType::Group => format!("#{name}"),
        };
        let notification = Notification {
            title,
            text: message.msg.chars().take(SHOWN).collect(),
            payload: Payload {
                id: &message.id,
                rid: &room.rid,
                tmid: message.tmid.as_deref(),
                sender: &message.u,
                r#type: room.room_type.as_str(),
                name: (room.room_type != RoomType::Direct).then_some(name),
                message: PayloadMessage { msg: &message.msg },
            },
        };
        state.hub().tell_user(user, "notification", &[notification]);
    }
}
