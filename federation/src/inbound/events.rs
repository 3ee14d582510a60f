//! Events for other servers in the room.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use gantry_model::{
    Value,
    id::{OwnedEventId, OwnedRoomId},
};
use gantry_rooms::RoomEvent;
use gantry_web::PathArgs;

use super::{Answer, reply};
use crate::{
    Error, Federation,
    auth::ServerOrigin,
    wire::{self, event_id, event_ids},
};

/// The most events of an answer.
const MAX_EVENTS: usize = 100;
/// The most events that a question may start from.
const MAX_START: usize = 100;

/// `GET /_matrix/federation/v1/event/{eventId}`
pub(super) async fn get_event(
    State(federation): State<Federation>,
    PathArgs(id): PathArgs<String>,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    let not_found = || Error::NotFound("unknown event");
    let id = event_id(&id).ok_or_else(not_found)?;
    let event = federation
        .rooms()
        .find_event(&id)
        .await?
        .ok_or_else(not_found)?;
    let room = event.pdu.room_id().to_owned();
    federation.room_shared_with(&origin, &room).await?;
    let shown = federation.shown_to(&origin, &room, vec![event]).await?;
    Ok(transaction(&federation, &shown))
}

/// `GET /_matrix/federation/v1/event_auth/{roomId}/{eventId}`
pub(super) async fn get_event_auth(
    State(federation): State<Federation>,
    PathArgs((room, id)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    federation.room_shared_with(&origin, &room).await?;
    let id = event_id(&id).ok_or(Error::NotFound("unknown event"))?;
    if federation.rooms().pdu(&room, &id).await?.is_none() {
        return Err(Error::NotFound("unknown event"));
    }
    let chain = federation.rooms().auth_chain(&room, &[id]).await?;
    Ok(reply([(
        "auth_chain",
        wire::pdus(chain.iter().map(Arc::as_ref)),
    )]))
}

/// `GET /_matrix/federation/v1/backfill/{roomId}`
pub(super) async fn backfill(
    State(federation): State<Federation>,
    PathArgs(room): PathArgs<OwnedRoomId>,
    RawQuery(query): RawQuery,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    federation.room_shared_with(&origin, &room).await?;
    let pairs = wire::query_pairs(&query.unwrap_or_default(), MAX_START + 10);
    let limit = pairs.iter().find(|(key, _)| key == "limit");
    let limit = limit
        .and_then(|(_, limit)| limit.parse::<usize>().ok())
        .ok_or(Error::BadRequest("limit is missing"))?;
    let from: Vec<OwnedEventId> = pairs
        .iter()
        .filter(|(key, _)| key == "v")
        .take(MAX_START)
        .filter_map(|(_, id)| event_id(id))
        .collect();
    let events = federation
        .rooms()
        .backfill(&room, &from, limit.clamp(1, MAX_EVENTS))
        .await?;
    let shown = federation.shown_to(&origin, &room, events).await?;
    Ok(transaction(&federation, &shown))
}

/// `POST /_matrix/federation/v1/get_missing_events/{roomId}`
pub(super) async fn get_missing_events(
    State(federation): State<Federation>,
    PathArgs(room): PathArgs<OwnedRoomId>,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    federation.room_shared_with(&origin, &room).await?;
    let number = |key: &str| body.get(key).and_then(Value::as_int);
    let limit = usize::try_from(number("limit").unwrap_or(10))
        .unwrap_or(1)
        .clamp(1, MAX_EVENTS);
    let events = federation
        .rooms()
        .missing_events(
            &room,
            &event_ids(&body, "earliest_events", MAX_START),
            &event_ids(&body, "latest_events", MAX_START),
            limit,
            number("min_depth").unwrap_or(0),
        )
        .await?;
    let shown = federation.shown_to(&origin, &room, events).await?;
    Ok(reply([(
        "events",
        wire::pdus(shown.iter().map(|event| &*event.pdu)),
    )]))
}

/// Events in the form of a transaction.
fn transaction(federation: &Federation, events: &[RoomEvent]) -> axum::Json<Value> {
    reply([
        ("origin", federation.us().as_str().into()),
        ("origin_server_ts", federation.clock().now_ms().into()),
        ("pdus", wire::pdus(events.iter().map(|event| &*event.pdu))),
    ])
}
