//! The event nearest to a moment, for other servers in the room.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid>.

use std::collections::HashMap;

use axum::extract::{Query, State};
use gantry_model::id::OwnedRoomId;
use gantry_rooms::Direction;
use gantry_web::PathArgs;

use super::{Answer, reply};
use crate::{Error, Federation, auth::ServerOrigin};

/// How many events are looked at, in growing steps.
const STEPS: [usize; 3] = [10, 100, 1_000];

/// `GET /_matrix/federation/v1/timestamp_to_event/{roomId}`
pub(super) async fn get_event_by_timestamp(
    State(federation): State<Federation>,
    PathArgs(room): PathArgs<OwnedRoomId>,
    Query(parameters): Query<HashMap<String, String>>,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    let ts = parameters.get("ts").and_then(|ts| ts.parse().ok());
    let ts = ts.ok_or(Error::BadRequest("ts is missing, or no number"))?;
    let direction = match parameters.get("dir").map(String::as_str) {
        Some("f") => Direction::Forward,
        Some("b") => Direction::Backward,
        _ => return Err(Error::BadRequest("dir is neither f nor b")),
    };
    federation.room_shared_with(&origin, &room).await?;
    let found = federation.shown_event_at(&origin, &room, ts, direction, &STEPS);
    let event = found.await?.ok_or(Error::NotFound("no such event"))?;
    Ok(reply([
        ("event_id", event.event_id().as_str().into()),
        ("origin_server_ts", event.pdu.origin_server_ts().into()),
    ]))
}
