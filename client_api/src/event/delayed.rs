//! Events that are sent later: `/_matrix/client/unstable/org.matrix.msc4140/delayed_events`.
//!
//! Proposal: <https://github.com/matrix-org/matrix-spec-proposals/pull/4140>.

use axum::{Json, extract::State};
use gantry_homeserver::{DelayedAction, DelayedEvent};
use gantry_model::{
    Object,
    id::{OwnedEventId, OwnedRoomId},
};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// When an event is sent.
#[derive(Debug, Deserialize)]
pub(crate) struct DelayQuery {
    /// When it shall say that it was sent, in milliseconds; for application services only.
    pub(crate) ts: Option<i64>,
    /// How much later, in milliseconds.
    #[serde(rename = "org.matrix.msc4140.delay")]
    pub(crate) delay: Option<u64>,
}

/// What came of sending.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum SentOrDelayed {
    /// An event.
    Sent {
        /// Its id.
        event_id: OwnedEventId,
    },
    /// One that waits.
    Delayed {
        /// Its secret.
        delay_id: String,
    },
}

/// Events that wait.
#[derive(Debug, Serialize)]
pub(crate) struct List {
    delayed_events: Vec<Waiting>,
}

#[derive(Debug, Serialize)]
struct Waiting {
    delay_id: String,
    room_id: OwnedRoomId,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_key: Option<String>,
    delay: i64,
    running_since: i64,
    content: Object,
}

/// What to do with one.
#[derive(Debug, Deserialize)]
pub(crate) struct ActionBody {
    action: Option<String>,
}

/// The user's events that wait.
pub(crate) async fn get_delayed_events(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Result<Json<List>> {
    let waiting = state.homeserver().delayed.list(&session).await?;
    let shown = |event: DelayedEvent| Waiting {
        delay_id: event.delay_id,
        room_id: event.room,
        kind: event.kind,
        state_key: event.state_key,
        delay: event.delay_ms,
        running_since: event.since_ms,
        content: event.content,
    };
    Ok(Json(List {
        delayed_events: waiting.into_iter().map(shown).collect(),
    }))
}

/// Acts on one; who has its secret needs no session.
pub(crate) async fn update_delayed_event(
    State(state): State<ClientApiState>,
    PathArgs((delay_id, action)): PathArgs<(String, String)>,
) -> Result<Json<Done>> {
    let action = parse(&action).ok_or(Error::not_found("No such action"))?;
    state.homeserver().delayed.act(&delay_id, action).await?;
    Ok(Json(Done {}))
}

/// The same as it was in earlier versions of the proposal, with the action in the body.
pub(crate) async fn update_delayed_event_by_body(
    State(state): State<ClientApiState>,
    PathArgs(delay_id): PathArgs<String>,
    JsonBody(body): JsonBody<ActionBody>,
) -> Result<Json<Done>> {
    let action = body.action.ok_or(Error::MissingParam("action"))?;
    let action = parse(&action).ok_or(Error::invalid("Unknown action"))?;
    state.homeserver().delayed.act(&delay_id, action).await?;
    Ok(Json(Done {}))
}

fn parse(action: &str) -> Option<DelayedAction> {
    match action {
        "cancel" => Some(DelayedAction::Cancel),
        "restart" => Some(DelayedAction::Restart),
        "send" => Some(DelayedAction::Send),
        _ => None,
    }
}
