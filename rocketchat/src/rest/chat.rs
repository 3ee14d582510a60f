//! Messages.

use axum::extract::State;
use gantry_homeserver::Session;

use super::body::JsonBody;
use super::dto::{
    DeleteBody, DeleteReply, DeletedMessage, MessageReply, PostBody, PostReply, ReactBody,
    SendBody, SentMessage, UpdateBody,
};
use super::params::Params;
use super::reply::{Done, Reply};
use super::session::RcSession;
use crate::calls::{NewText, ReactionWish, RoomRef, ShownRoom};
use crate::dto::message::Message;
use crate::error::{Error, Result};
use crate::state::RocketchatState;

/// Sends what a client made, over REST or DDP.
pub(crate) async fn send_message(
    state: &RocketchatState,
    session: &Session,
    message: &SentMessage,
) -> Result<Message> {
    if message.t.is_some() {
        return Err(Error::new(
            "error-invalid-params",
            "Cannot send system messages",
        ));
    }
    let room = state.joined_room(session, &message.rid).await?;
    let text = NewText {
        id: message.id.as_deref(),
        msg: &message.msg,
        tmid: message.tmid.as_deref(),
        tshow: message.tshow,
    };
    state.send(session, &room, text).await
}

/// `POST chat.sendMessage`.
pub(crate) async fn chat_send_message(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<SendBody>,
) -> Result<Reply<MessageReply>> {
    let message = send_message(&state, &session, &body.message).await?;
    Ok(Reply(MessageReply { message }))
}

/// `POST chat.postMessage`.
pub(crate) async fn chat_post_message(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<PostBody>,
) -> Result<Reply<PostReply>> {
    let target = body
        .room_id
        .as_ref()
        .or(body.channel.as_ref())
        .and_then(|one| one.first());
    let target = target.ok_or_else(|| Error::missing("roomId"))?;
    let room = named_room(&state, &session, target).await?;
    let text = NewText {
        id: None,
        msg: body.text.as_deref().unwrap_or_default(),
        tmid: body.tmid.as_deref(),
        tshow: body.tshow,
    };
    let message = state.send(&session, &room, text).await?;
    Ok(Reply(PostReply {
        ts: message.ts.0,
        channel: channel_of(target, &room),
        message,
    }))
}

/// `GET chat.getMessage`.
pub(crate) async fn chat_get_message(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<MessageReply>> {
    let (room, event) = state
        .get_message(&session, params.require("msgId")?)
        .await?;
    let message = state
        .message(&room, &event)
        .await?
        .ok_or_else(Error::no_message)?;
    Ok(Reply(MessageReply { message }))
}

/// `POST chat.update`.
pub(crate) async fn chat_update(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<UpdateBody>,
) -> Result<Reply<MessageReply>> {
    check_room(&state, &session, &body.msg_id, &body.room_id).await?;
    let message = state.update(&session, &body.msg_id, &body.text).await?;
    Ok(Reply(MessageReply { message }))
}

/// `POST chat.delete`.
pub(crate) async fn chat_delete(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<DeleteBody>,
) -> Result<Reply<DeleteReply>> {
    check_room(&state, &session, &body.msg_id, &body.room_id).await?;
    let gone = state.delete(&session, &body.msg_id).await?;
    let ts = gone.updated_at.0.to_string();
    let message = DeletedMessage {
        id: gone.id.clone(),
        rid: gone.rid,
        u: gone.u,
    };
    Ok(Reply(DeleteReply {
        id: gone.id,
        ts,
        message,
    }))
}

/// `POST chat.react`.
pub(crate) async fn chat_react(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<ReactBody>,
) -> Result<Reply<Done>> {
    let wish = match body.should_react {
        Some(true) => ReactionWish::Set,
        Some(false) => ReactionWish::Unset,
        None => ReactionWish::Toggle,
    };
    state
        .react(&session, &body.message_id, &body.emoji, wish)
        .await?;
    Ok(Reply(Done {}))
}

async fn check_room(
    state: &RocketchatState,
    session: &Session,
    message: &str,
    rid: &str,
) -> Result<()> {
    let (room, _) = state
        .find_message(session, message)
        .await?
        .ok_or_else(|| Error::plain(format!("No message found with the id of \"{message}\".")))?;
    if room.rid != rid {
        let reason = "The room id provided does not match where the message is from.";
        return Err(Error::plain(reason));
    }
    Ok(())
}

/// A room that is joined by id, by `#name`, or with `@somebody`.
async fn named_room(state: &RocketchatState, session: &Session, target: &str) -> Result<ShownRoom> {
    if let Some(username) = target.strip_prefix('@') {
        // A user of another server has a name that begins with another `@`.
        let username = if username.contains(':') {
            target
        } else {
            username
        };
        return Ok(state.direct_room(session, &[username.to_owned()]).await?.0);
    }
    let named = target.strip_prefix('#');
    let mut found = match named {
        Some(_) => None,
        None => state.find_room(session, RoomRef::Id(target)).await?,
    };
    if found.is_none() {
        found = state
            .find_room(session, RoomRef::Name(named.unwrap_or(target)))
            .await?;
    }
    let found = found.filter(|room| room.is_joined(session));
    found.ok_or_else(|| Error::new("error-not-allowed", "Not allowed"))
}

fn channel_of(target: &str, room: &ShownRoom) -> String {
    match target.strip_prefix(['#', '@']) {
        Some(name) => name.to_owned(),
        None => room.rid.clone(),
    }
}
