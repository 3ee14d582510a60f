//! `POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#receipts>.

use axum::{Json, extract::State};
use gantry_homeserver::{ReadMarkers, ReceiptKind};
use gantry_model::id::{OwnedEventId, OwnedRoomId};
use serde::Deserialize;

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// The thread that the receipt is for.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    thread_id: Option<String>,
}

/// Moves a receipt or the read marker forward.
pub(crate) async fn post_receipt(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, kind, event)): PathArgs<(OwnedRoomId, String, OwnedEventId)>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    let user_data = &state.homeserver().user_data;
    let kind = match kind.as_str() {
        "m.read" => ReceiptKind::Read,
        "m.read.private" => ReceiptKind::ReadPrivate,
        "m.fully_read" if body.thread_id.is_none() => {
            let markers = ReadMarkers {
                fully_read: Some(event),
                ..ReadMarkers::default()
            };
            user_data.set_read_markers(&session, &room, markers).await?;
            return Ok(Json(Done {}));
        }
        "m.fully_read" => return Err(Error::invalid("m.fully_read has no threads")),
        _ => return Err(Error::invalid("Unknown kind of receipt")),
    };
    if body.thread_id.as_deref() == Some("") {
        return Err(Error::invalid("thread_id is empty"));
    }
    user_data
        .set_receipt(&session, &room, kind, &event, body.thread_id)
        .await?;
    Ok(Json(Done {}))
}
