//! Subscriptions.

use gantry_homeserver::Session;
use gantry_homeserver::workspace::rc_user_id;
use serde_json::Value;

use super::connection::Client;
use super::frame;
use super::hub::{MY_MESSAGES, NOTIFY_ROOM, NOTIFY_USER, ROOM_MESSAGES, Sub, Topic};
use crate::error::{Error, Result};

/// The longest name of an event, in bytes.
const MAX_EVENT: usize = 255;

/// Streams and publications of which nothing is told here yet. Clients wait for them to be ready.
const QUIET: &[&str] = &[
    "activeUsers",
    "meteor.loginServiceConfiguration",
    "meteor_autoupdate_clientVersions",
    "stream-apps",
    "stream-canned-responses",
    "stream-importers",
    "stream-integrationHistory",
    "stream-livechat-inquiry-queue-observer",
    "stream-livechat-room",
    "stream-notify-all",
    "stream-notify-logged",
    "stream-notify-room-users",
    "stream-roles",
    "stream-room-data",
    "stream-user-presence",
    "userData",
];

/// Works a subscription off; the frames that answer it.
pub(super) async fn subscribe(
    client: &mut Client,
    id: &str,
    stream: &str,
    params: &[Value],
) -> Vec<String> {
    let event = params.first().and_then(Value::as_str).unwrap_or_default();
    let topic = match topic(client, stream, event).await {
        Ok(topic) => topic,
        Err(error) => return vec![frame::nosub(id, Some(&error))],
    };
    let sub = Sub {
        stream: stream.to_owned(),
        event: event.to_owned(),
        topic,
    };
    if !client.state.hub().subscribe(client.inbox.id, id, sub) {
        let error = Error::new("error-too-many-requests", "Too many subscriptions");
        return vec![frame::nosub(id, Some(&error))];
    }
    let mut answers = Vec::new();
    if wants_document(params.get(1)) {
        answers.push(frame::added(stream, event));
    }
    answers.push(frame::ready(id));
    answers
}

async fn topic(client: &Client, stream: &str, event: &str) -> Result<Topic> {
    if event.len() > MAX_EVENT {
        return Err(Error::new("invalid-event-name", "Invalid event name"));
    }
    let session = || client.session.as_ref().ok_or_else(not_allowed);
    match stream {
        ROOM_MESSAGES if event == MY_MESSAGES => session().map(|_| Topic::MyMessages),
        ROOM_MESSAGES => room(client, session()?, event).await,
        NOTIFY_ROOM => {
            let (rid, _) = event.split_once('/').ok_or_else(invalid)?;
            room(client, session()?, rid).await
        }
        NOTIFY_USER => {
            let (user, _) = event.split_once('/').ok_or_else(invalid)?;
            let is_own = rc_user_id(&session()?.user_id) == user;
            if is_own {
                Ok(Topic::User)
            } else {
                Err(not_allowed())
            }
        }
        known if QUIET.contains(&known) => Ok(Topic::Quiet),
        unknown => Err(Error {
            status: http::StatusCode::NOT_FOUND,
            ..Error::plain(format!("Subscription '{unknown}' not found"))
        }),
    }
}

async fn room(client: &Client, session: &Session, rid: &str) -> Result<Topic> {
    let room = client
        .state
        .joined_room(session, rid)
        .await
        .map_err(|_| not_allowed())?;
    Ok(Topic::Room(room.view.room_id().to_owned()))
}

/// Whether the client waits for a document before the events.
fn wants_document(options: Option<&Value>) -> bool {
    match options {
        Some(Value::Bool(wanted)) => *wanted,
        Some(options) => options.get("useCollection").and_then(Value::as_bool) == Some(true),
        None => false,
    }
}

fn not_allowed() -> Error {
    Error::new("not-allowed", "Not allowed")
}

fn invalid() -> Error {
    Error::new("invalid-event-name", "Invalid event name")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn old_clients_ask_for_a_document() {
        assert!(wants_document(Some(&json!(true))));
        assert!(wants_document(Some(
            &json!({"useCollection": true, "args": []})
        )));
        assert!(!wants_document(Some(
            &json!({"useCollection": false, "args": []})
        )));
        assert!(!wants_document(Some(&json!(false))));
        assert!(!wants_document(None));
    }
}
