//! `/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription`:
//! <https://github.com/matrix-org/matrix-spec-proposals/pull/4306>.

use axum::{Json, extract::State};
use gantry_model::id::{OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Why.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    /// The event for which the client subscribes by itself.
    automatic: Option<OwnedEventId>,
}

/// How the user follows the thread.
#[derive(Debug, Serialize)]
pub(crate) struct Subscription {
    automatic: bool,
}

/// Whether the user follows a thread.
pub(crate) async fn get_thread_subscription(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, root)): PathArgs<(OwnedRoomId, OwnedEventId)>,
) -> Result<Json<Subscription>> {
    let user_data = &state.homeserver().user_data;
    let automatic = user_data
        .thread_subscription(&session, &room, &root)
        .await?;
    Ok(Json(Subscription { automatic }))
}

/// Follows a thread.
pub(crate) async fn set_thread_subscription(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, root)): PathArgs<(OwnedRoomId, OwnedEventId)>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    let user_data = &state.homeserver().user_data;
    user_data
        .subscribe_to_thread(&session, &room, &root, body.automatic.as_deref())
        .await?;
    Ok(Json(Done {}))
}

/// No longer follows it.
pub(crate) async fn delete_thread_subscription(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, root)): PathArgs<(OwnedRoomId, OwnedEventId)>,
) -> Result<Json<Done>> {
    let user_data = &state.homeserver().user_data;
    user_data
        .unsubscribe_from_thread(&session, &room, &root)
        .await?;
    Ok(Json(Done {}))
}
