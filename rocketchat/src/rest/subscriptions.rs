//! The rooms of a user.

use axum::extract::State;

use super::body::JsonBody;
use super::dto::{Changes, ReadBody, SubscriptionReply};
use super::params::Params;
use super::reply::{Done, Reply};
use super::session::RcSession;
use crate::calls::RoomRef;
use crate::dto::room::Room;
use crate::dto::subscription::Subscription;
use crate::error::{Error, Result};
use crate::state::RocketchatState;

/// How far a client's clock may be ahead of ours, in milliseconds.
const SKEW_MS: i64 = 120_000;

/// `GET rooms.get`.
pub(crate) async fn rooms_get(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<Changes<Room>>> {
    let since = params.date("updatedSince")?.map(|since| since - SKEW_MS);
    let update = state.changed_rooms(&session, since).await?;
    Ok(Reply(Changes {
        update,
        remove: Vec::new(),
    }))
}

/// `GET subscriptions.get`.
pub(crate) async fn subscriptions_get(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<Changes<Subscription>>> {
    let since = params.date("updatedSince")?.map(|since| since - SKEW_MS);
    let update = state.subscriptions(&session, since).await?;
    Ok(Reply(Changes {
        update,
        remove: Vec::new(),
    }))
}

/// `GET subscriptions.getOne`.
pub(crate) async fn subscriptions_get_one(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    params: Params,
) -> Result<Reply<SubscriptionReply>> {
    let room = state
        .find_room(&session, RoomRef::Id(params.require("roomId")?))
        .await?;
    let subscription = match room.filter(|room| room.is_joined(&session)) {
        Some(room) => Some(state.subscription(&session, &room).await?),
        None => None,
    };
    Ok(Reply(SubscriptionReply { subscription }))
}

/// `POST subscriptions.read`.
pub(crate) async fn subscriptions_read(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
    JsonBody(body): JsonBody<ReadBody>,
) -> Result<Reply<Done>> {
    let ((Some(rid), None) | (None, Some(rid))) = (&body.rid, &body.room_id) else {
        return Err(Error::new(
            "invalid-params",
            "must have either 'rid' or 'roomId'",
        ));
    };
    state.mark_read(&session, rid).await?;
    Ok(Reply(Done {}))
}
