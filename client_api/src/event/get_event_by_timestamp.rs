//! `GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event>.

use axum::{Json, extract::State};
use gantry_model::id::{OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use super::paging::Dir;
use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{PathArgs, QueryArgs},
};

/// Near which moment, and on which side of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    /// In milliseconds.
    ts: i64,
    dir: Dir,
}

/// The event.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    event_id: OwnedEventId,
    origin_server_ts: i64,
}

/// The event nearest to a moment.
pub(crate) async fn get_event_by_timestamp(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    let reading = &state.homeserver().reading;
    let event = reading
        .event_at_time(&session, &room, query.ts, query.dir.into())
        .await?;
    Ok(Json(Response {
        event_id: event.event_id().to_owned(),
        origin_server_ts: event.pdu.origin_server_ts(),
    }))
}
