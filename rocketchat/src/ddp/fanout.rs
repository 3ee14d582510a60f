//! The one task that maps each new event once and tells everybody who asked.

use std::collections::HashMap;
use std::time::Duration;

use gantry_homeserver::workspace::message_id;
use gantry_homeserver::{Membership, RoomChanges, RoomEvent, SyncToken};
use gantry_model::id::{OwnedUserId, RoomId, UserId};
use serde::Serialize;

use super::hub::{NOTIFY_ROOM, ROOM_MESSAGES};
use super::notify::tell_users;
use super::room_methods::MyMessage;
use super::typing::Told;
use crate::calls::ShownRoom;
use crate::dto::message::Message;
use crate::error::Result;
use crate::map::room_name;
use crate::state::RocketchatState;

/// The most events of one room that are told one by one.
const MAX_EVENTS: usize = 1_000;

/// How long the task sleeps where nobody types and nothing happens.
const QUIET: Duration = Duration::from_hours(1);

/// How often it is looked whether somebody who types has stopped by the clock.
const TYPING_CHECK: Duration = Duration::from_secs(3);

/// What became of a message.
pub(super) enum Update {
    /// It is new, or changed.
    Changed {
        message: Box<Message>,
        event: Box<RoomEvent>,
        /// Whether the message itself is new.
        is_new: bool,
    },
    /// It is gone.
    Deleted { id: String },
}

/// The id of a message that is gone.
#[derive(Serialize)]
struct DeletedId<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
}

/// Tells connections of what happens until the server stops.
pub(crate) async fn run_hub(state: RocketchatState) {
    let feed = &state.homeserver().feed;
    let (mut stored, mut typing) = (feed.subscribe(), feed.subscribe_typing());
    let mut seen = feed.now();
    let mut told = Told::default();
    loop {
        let look_again = if told.is_empty() { QUIET } else { TYPING_CHECK };
        let (alive, is_typing) = tokio::select! {
            () = state.stop().cancelled() => (false, false),
            changed = stored.changed() => (changed.is_ok(), false),
            changed = typing.changed() => (changed.is_ok(), true),
            () = tokio::time::sleep(look_again) => (true, true),
        };
        if !alive {
            return;
        }
        stored.borrow_and_update();
        let now = feed.now();
        if !state.hub().is_idle() {
            tell(&state, &seen, &now).await;
            if is_typing && let Err(error) = told.tell(&state).await {
                tracing::warn!(%error, "typing could not be told");
            }
        }
        seen = now;
    }
}

async fn tell(state: &RocketchatState, since: &SyncToken, now: &SyncToken) {
    let rooms = match state
        .homeserver()
        .feed
        .changed_rooms(&since.cut, &now.cut)
        .await
    {
        Ok(rooms) => rooms,
        Err(error) => {
            tracing::error!(%error, "what changed could not be read");
            return;
        }
    };
    for room in rooms {
        if let Err(error) = tell_room(state, &room, since, now).await {
            tracing::warn!(room.id = %room, %error, "new events could not be told");
        }
    }
}

async fn tell_room(
    state: &RocketchatState,
    room: &RoomId,
    since: &SyncToken,
    now: &SyncToken,
) -> Result<()> {
    let feed = &state.homeserver().feed;
    let changes = feed
        .room_events(room, &since.cut, &now.cut, MAX_EVENTS)
        .await?;
    let users = state.hub().users();
    let concerns = |user: &UserId| {
        changes.now.membership(user).is_some() || changes.start.membership(user).is_some()
    };
    let users: Vec<_> = users
        .into_iter()
        .filter(|one| concerns(&one.user_id))
        .collect();
    if users.is_empty() || changes.now.room_type().as_deref() == Some("m.space") {
        return Ok(());
    }
    let shown = state.show(changes.now.clone()).await?;
    let updates = updates(state, &shown, &changes).await?;
    let known: Vec<OwnedUserId> = users.iter().map(|one| one.user_id.clone()).collect();
    for update in &updates {
        match update {
            Update::Changed { message, event, .. } => {
                let seen = who_sees(state, &known, &changes, event).await?;
                tell_message(state, &shown, message, &seen);
            }
            Update::Deleted { id } => {
                let event = format!("{}/deleteMessage", shown.rid);
                let joined = |user: &UserId| was_in(&changes, user);
                let args = [DeletedId { id }];
                state
                    .hub()
                    .tell_room(room, (NOTIFY_ROOM, &event), &args, joined);
            }
        }
    }
    tell_users(state, &shown, &changes, &users, &updates).await?;
    for user in &known {
        if changes.now.membership(user) != Some(Membership::Join) {
            state.hub().cut_room(user, room);
        }
    }
    Ok(())
}

fn tell_message(
    state: &RocketchatState,
    room: &ShownRoom,
    message: &Message,
    seen: &HashMap<OwnedUserId, bool>,
) {
    let may = |user: &UserId| seen.get(user).copied().unwrap_or(false);
    let room_id = room.view.room_id();
    state
        .hub()
        .tell_room(room_id, (ROOM_MESSAGES, &room.rid), &[message], may);
    let about = MyMessage {
        room_participant: true,
        room_type: room.room_type.as_str(),
        room_name: room_name(&room.view, &room.rid),
    };
    state.hub().tell_my_messages(&(message, about), may);
}

/// Who of the users may see an event: whoever was in the room all the time, and else whom the
/// room's history is for.
async fn who_sees(
    state: &RocketchatState,
    users: &[OwnedUserId],
    changes: &RoomChanges,
    event: &RoomEvent,
) -> Result<HashMap<OwnedUserId, bool>> {
    let mut seen = HashMap::new();
    for user in users {
        let is_joined =
            |view: &gantry_homeserver::RoomView| view.membership(user) == Some(Membership::Join);
        let sees = if is_joined(&changes.start) && is_joined(&changes.now) {
            true
        } else {
            was_in(changes, user)
                && state
                    .homeserver()
                    .feed
                    .may_see(user, changes.now.room_id(), event)
                    .await?
        };
        seen.insert(user.clone(), sees);
    }
    Ok(seen)
}

/// Whether a user was in the room before or after.
fn was_in(changes: &RoomChanges, user: &UserId) -> bool {
    let join = Some(Membership::Join);
    changes.start.membership(user) == join || changes.now.membership(user) == join
}

/// What became of which messages, each once.
async fn updates(
    state: &RocketchatState,
    room: &ShownRoom,
    changes: &RoomChanges,
) -> Result<Vec<Update>> {
    let mut updates: Vec<Update> = Vec::new();
    for event in &changes.events {
        let Some((event, is_new)) = concerned(state, room, event).await? else {
            continue;
        };
        let id = message_id::of(&event);
        let is_message = event.pdu.kind() == "m.room.message" || event.pdu.kind() == "m.sticker";
        match state.message(room, &event).await? {
            Some(message) => push(
                &mut updates,
                Update::Changed {
                    message: Box::new(message),
                    event: Box::new(event),

                    is_new,
                },
            ),
            None if event.redacted_because.is_some()
                && (is_message || event.pdu.kind() == "m.room.encrypted")
                && !is_edit(&event) =>
            {
                updates.retain(|one| one.id() != id);
                updates.push(Update::Deleted { id });
            }
            None => {}
        }
    }
    Ok(updates)
}

/// A later state of a message takes the place of an earlier one; what was new stays new.
fn push(updates: &mut Vec<Update>, update: Update) {
    let Update::Changed {
        message,
        event,
        is_new,
    } = update
    else {
        return;
    };
    let before = updates.iter().position(|one| one.id() == message.id);
    let was_new = before
        .map(|at| updates.remove(at))
        .is_some_and(|one| matches!(one, Update::Changed { is_new: true, .. }));
    updates.push(Update::Changed {
        message,
        event,
        is_new: is_new || was_new,
    });
}

impl Update {
    fn id(&self) -> &str {
        match self {
            Self::Changed { message, .. } => &message.id,
            Self::Deleted { id } => id,
        }
    }
}

/// The event whose message changes by an event, and whether that is the event itself.
async fn concerned(
    state: &RocketchatState,
    room: &ShownRoom,
    event: &RoomEvent,
) -> Result<Option<(RoomEvent, bool)>> {
    let feed = &state.homeserver().feed;
    let room_id = room.view.room_id();
    let mut current = event.clone();
    // A redaction leads to what it took, and that to what it was about.
    for _ in 0..2 {
        let Some(relation) = &current.relation else {
            break;
        };
        let is_redaction = current.pdu.kind() == "m.room.redaction";
        let is_about = matches!(relation.kind.as_str(), "m.replace" | "m.annotation");
        if !is_redaction && !is_about {
            break;
        }
        match feed.event(room_id, &relation.target).await? {
            Some(target) => current = target,
            None => return Ok(None),
        }
        if is_about {
            break;
        }
    }
    let is_new = current.event_id() == event.event_id();
    Ok(Some((current, is_new)))
}

fn is_edit(event: &RoomEvent) -> bool {
    event
        .relation
        .as_ref()
        .is_some_and(|relation| relation.kind == "m.replace")
}
