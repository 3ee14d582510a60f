//! `POST /rooms/{roomId}/report`, `/rooms/{roomId}/report/{eventId}` and `/users/{userId}/report`:
//! <https://spec.matrix.org/v1.19/client-server-api/#reporting-content>.

use axum::{Json, extract::State};
use gantry_model::id::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::Deserialize;

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Why.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    reason: Option<String>,
    /// How bad it is; left the specification, old clients send it.
    score: Option<i64>,
}

impl Body {
    /// The reason, where there must be one; it may be empty.
    fn reason(self) -> Result<Option<String>> {
        self.reason.map(Some).ok_or(Error::MissingParam("reason"))
    }
}

/// Reports an event.
pub(crate) async fn report_event(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, OwnedEventId)>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    let administration = &state.homeserver().administration;
    administration
        .report_event(&session, &room, &event, body.reason, body.score)
        .await?;
    Ok(Json(Done {}))
}

/// Reports a room.
pub(crate) async fn report_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    let administration = &state.homeserver().administration;
    administration
        .report_room(&session, &room, body.reason()?)
        .await?;
    Ok(Json(Done {}))
}

/// Reports a user.
pub(crate) async fn report_user(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    let administration = &state.homeserver().administration;
    administration
        .report_user(&session, &user, body.reason()?)
        .await?;
    Ok(Json(Done {}))
}
