//! `GET /_matrix/client/v3/notifications`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications>.

use axum::{Json, extract::State};
use gantry_homeserver::{NotificationEntry, NotificationsQuery};
use gantry_model::id::OwnedRoomId;
use ruma::push::Action;
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::Result,
    extract::QueryArgs,
};

/// Which page.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    from: Option<String>,
    limit: Option<usize>,
    only: Option<String>,
}

/// A page of notifications.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    notifications: Vec<Notification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
struct Notification {
    room_id: OwnedRoomId,
    event: ClientEvent,
    actions: Vec<Action>,
    read: bool,
    /// When the event was sent, in milliseconds.
    ts: i64,
}

/// The events that notified the user, newest first.
pub(crate) async fn get_notifications(
    State(state): State<ClientApiState>,
    Session(session): Session,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    let query = NotificationsQuery {
        only_highlights: query.only.as_deref() == Some("highlight"),
        from: query.from,
        limit: query.limit,
    };
    let page = state
        .homeserver()
        .user_data
        .notifications(&session, &query)
        .await?;
    let viewer = Viewer::new(&session, state.now_ms()).without_room_id();
    let shown = |entry: NotificationEntry| Notification {
        ts: entry.event.pdu.origin_server_ts(),
        event: viewer.event(&entry.event),
        room_id: entry.room_id,
        actions: entry.actions.to_vec(),
        read: entry.read,
    };
    Ok(Json(Response {
        notifications: page.notifications.into_iter().map(shown).collect(),
        next_token: page.next_token,
    }))
}
