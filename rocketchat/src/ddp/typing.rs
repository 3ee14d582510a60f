//! Typing, both ways.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use gantry_homeserver::Session;
use gantry_model::id::{OwnedRoomId, OwnedUserId, UserId};
use serde::Serialize;
use serde_json::Value;

use super::connection::Client;
use super::hub::NOTIFY_ROOM;
use super::methods::param;
use crate::error::{Error, Result};
use crate::map::username;
use crate::state::RocketchatState;

/// How long somebody types who does not say so again: clients do every ten seconds.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The activity that others are told of.
const TYPING: &str = "user-typing";

/// What else is told of an activity: nothing.
#[derive(Serialize)]
struct Extras {}

/// Who was last told to be typing, per room.
#[derive(Default)]
pub(super) struct Told(HashMap<OwnedRoomId, BTreeSet<OwnedUserId>>);

/// `stream-notify-room` as a method: the client's user types, or stops.
pub(super) async fn notify_room(
    client: &Client,
    session: &Session,
    params: &[Value],
) -> Result<()> {
    let event: String = param(params, 0)?;
    let invalid = || Error::new("invalid-event-name", "Invalid event name");
    let (rid, event) = event.split_once('/').ok_or_else(invalid)?;
    let active = match event {
        "user-activity" => {
            let activities: Vec<String> = param(params, 2)?;
            activities.iter().any(|activity| activity == TYPING)
        }
        "typing" => param(params, 2)?,
        // Others have no counterpart and are told to nobody.
        _ => return Ok(()),
    };
    let room = client.state.joined_room(session, rid).await?;
    let timeout = active.then_some(TIMEOUT);
    let user_data = &client.state.homeserver().user_data;
    Ok(user_data
        .set_typing(session, room.view.room_id(), timeout)
        .await?)
}

impl Told {
    /// Tells who began and who stopped since the last time, in the rooms that somebody watches.
    pub(super) async fn tell(&mut self, state: &RocketchatState) -> Result<()> {
        let watched = state.hub().watched();
        self.0
            .retain(|room, _| watched.iter().any(|(one, _)| one == room));
        for (room, session) in watched {
            // Who watches may have left meanwhile.
            let typing = state.homeserver().user_data.typing(&session, &room).await;
            let now: BTreeSet<OwnedUserId> = typing.unwrap_or_default().into_iter().collect();
            let before = self.0.remove(&room).unwrap_or_default();
            if now != before {
                tell_room(state, &room, &before, &now).await?;
            }
            if !now.is_empty() {
                self.0.insert(room, now);
            }
        }
        Ok(())
    }

    /// Whether nobody is told to be typing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

async fn tell_room(
    state: &RocketchatState,
    room: &OwnedRoomId,
    before: &BTreeSet<OwnedUserId>,
    now: &BTreeSet<OwnedUserId>,
) -> Result<()> {
    let Some(shown) = state.homeserver().workspace.rc_room(room).await? else {
        return Ok(());
    };
    for (user, active) in now
        .difference(before)
        .map(|user| (user, true))
        .chain(before.difference(now).map(|user| (user, false)))
    {
        let name = username(user, state.server());
        let activities: &[&str] = if active { &[TYPING] } else { &[] };
        // Nobody is told of himself.
        let others = |other: &UserId| other != user;
        let event = format!("{}/user-activity", shown.rid);
        let args = (&name, activities, Extras {});
        state
            .hub()
            .tell_room(room, (NOTIFY_ROOM, &event), &args, others);
        let event = format!("{}/typing", shown.rid);
        state
            .hub()
            .tell_room(room, (NOTIFY_ROOM, &event), &(&name, active), others);
    }
    Ok(())
}
