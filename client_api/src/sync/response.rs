//! The answer to a sync, our own types: events go out as they are, without a detour over bytes.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync>.

use std::collections::BTreeMap;

use gantry_homeserver::PresenceState;
use gantry_model::{
    Object,
    id::{OwnedEventId, OwnedRoomId, OwnedUserId},
};
use serde::Serialize;

use crate::client_event::{ClientEvent, StrippedEvent};

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct SyncResponse {
    pub(crate) next_batch: String,
    pub(crate) rooms: Rooms,
    pub(crate) account_data: Events<DataEvent>,
    pub(crate) presence: Events<PresenceEvent>,
    pub(crate) to_device: Events<DataEvent>,
    pub(crate) device_lists: DeviceLists,
    pub(crate) device_one_time_keys_count: BTreeMap<String, u64>,
}

/// Rooms by the user's membership.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Rooms {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) join: BTreeMap<OwnedRoomId, JoinedRoom>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) invite: BTreeMap<OwnedRoomId, InvitedRoom>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) knock: BTreeMap<OwnedRoomId, KnockedRoom>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) leave: BTreeMap<OwnedRoomId, LeftRoom>,
}

/// A room that the user is in.
#[derive(Debug, Serialize)]
pub(crate) struct JoinedRoom {
    pub(crate) summary: Summary,
    #[serde(flatten)]
    pub(crate) state: State,
    pub(crate) timeline: Timeline,
    pub(crate) ephemeral: Events<DataEvent>,
    pub(crate) account_data: Events<DataEvent>,
    pub(crate) unread_notifications: UnreadCounts,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unread_thread_notifications: BTreeMap<OwnedEventId, UnreadCounts>,
}

/// A room that the user is no longer in.
#[derive(Debug, Serialize)]
pub(crate) struct LeftRoom {
    #[serde(flatten)]
    pub(crate) state: State,
    pub(crate) timeline: Timeline,
    pub(crate) account_data: Events<DataEvent>,
}

/// A room that the user is invited to.
#[derive(Debug, Serialize)]
pub(crate) struct InvitedRoom {
    pub(crate) invite_state: Events<StrippedEvent>,
}

/// A room that the user knocked on.
#[derive(Debug, Serialize)]
pub(crate) struct KnockedRoom {
    pub(crate) knock_state: Events<StrippedEvent>,
}

/// The state that goes with a timeline.
#[derive(Debug, Serialize)]
pub(crate) enum State {
    /// At its start.
    #[serde(rename = "state")]
    Before(Events<RoomEventBody>),
    /// At its end.
    #[serde(rename = "state_after")]
    After(Events<RoomEventBody>),
    /// The same by its older name.
    #[serde(rename = "org.matrix.msc4222.state_after")]
    AfterMsc4222(Events<RoomEventBody>),
}

impl State {
    /// Adds what a timeline brings to what holds at its end.
    pub(crate) fn extend_at_end(&mut self, events: impl IntoIterator<Item = RoomEventBody>) {
        match self {
            Self::Before(_) => {}
            Self::After(state) | Self::AfterMsc4222(state) => state.events.extend(events),
        }
    }
}

/// The newest events of a room.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timeline {
    pub(crate) events: Vec<RoomEventBody>,
    pub(crate) limited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prev_batch: Option<String>,
}

/// An event of a room in the form that the filter asks for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum RoomEventBody {
    /// As clients see it.
    Client(Box<ClientEvent>),
    /// As servers see it.
    Federation(Object),
    /// Some of its fields.
    Fields(serde_json::Value),
}

/// What clients call a room that has no name.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    #[serde(rename = "m.heroes", skip_serializing_if = "Option::is_none")]
    pub(crate) heroes: Option<Vec<OwnedUserId>>,
    #[serde(
        rename = "m.joined_member_count",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) joined_member_count: Option<u64>,
    #[serde(
        rename = "m.invited_member_count",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) invited_member_count: Option<u64>,
}

/// How much is unread.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct UnreadCounts {
    pub(crate) notification_count: u64,
    pub(crate) highlight_count: u64,
}

/// A list of events.
#[derive(Debug, Serialize)]
pub(crate) struct Events<T> {
    pub(crate) events: Vec<T>,
}

/// An event of which type and content are all there is.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct DataEvent {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) content: Object,
}

/// Who is there.
#[derive(Debug, Serialize)]
pub(crate) struct PresenceEvent {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) sender: OwnedUserId,
    pub(crate) content: PresenceContent,
}

/// What is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct PresenceContent {
    pub(crate) presence: PresenceState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_msg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_active_ago: Option<i64>,
    pub(crate) currently_active: bool,
}

/// Users whose devices changed. Nobody's keys are kept yet.
#[derive(Debug, Default, Serialize)]
pub(crate) struct DeviceLists {
    changed: Vec<OwnedUserId>,
    left: Vec<OwnedUserId>,
}

impl SyncResponse {
    /// An answer that tells nothing.
    pub(crate) fn new(next_batch: String) -> Self {
        Self {
            next_batch,
            rooms: Rooms::default(),
            account_data: Events::default(),
            presence: Events::default(),
            to_device: Events::default(),
            device_lists: DeviceLists::default(),
            device_one_time_keys_count: BTreeMap::new(),
        }
    }

    /// Whether it tells nothing, so that it is better to wait.
    pub(crate) fn is_empty(&self) -> bool {
        let Rooms {
            join,
            invite,
            knock,
            leave,
        } = &self.rooms;
        join.is_empty()
            && invite.is_empty()
            && knock.is_empty()
            && leave.is_empty()
            && self.account_data.is_empty()
            && self.presence.is_empty()
    }
}

impl State {
    /// The events.
    pub(crate) fn events(&self) -> &[RoomEventBody] {
        match self {
            Self::Before(events) | Self::After(events) | Self::AfterMsc4222(events) => {
                &events.events
            }
        }
    }
}

impl<T> Default for Events<T> {
    fn default() -> Self {
        Self { events: Vec::new() }
    }
}

impl<T> From<Vec<T>> for Events<T> {
    fn from(events: Vec<T>) -> Self {
        Self { events }
    }
}

impl<T> Events<T> {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
