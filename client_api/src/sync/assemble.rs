//! From what changed to the answer. Nothing here does I/O.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use gantry_homeserver::{
    AccountDatum, Aggregations, EventFilter, InvitedChange, JoinedChange, LeftChange, RoomEvent,
    RoomTimeline, Session, SyncToken, ThreadUnread, Unread, UserChanges, UserPresence,
};
use gantry_model::{
    Object, Pdu,
    id::{OwnedEventId, OwnedRoomId, RoomId, UserId},
};

use super::{
    ephemeral::{receipts, typing},
    filter::{EventFormat, Filter},
    lazy_memory::Members,
    request::{StateAt, SyncRequest},
    response::{
        DataEvent, Events, InvitedRoom, JoinedRoom, KnockedRoom, LeftRoom, PresenceContent,
        PresenceEvent, RoomEventBody, State, SyncResponse, Timeline, UnreadCounts,
    },
    state::StateSelection,
    summary::summary,
};
use crate::client_event::{ClientEvent, StrippedEvent, Viewer};

/// Puts answers together for one request.
pub(crate) struct Assembler<'a> {
    session: &'a Session,
    viewer: Viewer<'a>,
    filter: &'a Filter,
    state_at: StateAt,
    /// Members that the device was told of before.
    known: Arc<Members>,
    /// Those that it is told of now.
    sent: RefCell<Members>,
}

impl<'a> Assembler<'a> {
    /// For one request of the session.
    pub(crate) fn new(
        session: &'a Session,
        request: &'a SyncRequest,
        now_ms: i64,
        known: Arc<Members>,
    ) -> Self {
        let room = &request.filter.room;
        let known = if room.include_redundant_members() {
            Arc::default()
        } else {
            known
        };
        Self {
            session,
            viewer: Viewer::new(session, now_ms).without_room_id(),
            filter: &request.filter,
            state_at: request.state_at,
            known,
            sent: RefCell::default(),
        }
    }

    /// The answer that ends at `upto`, and the members that it tells of.
    pub(crate) fn assemble(
        self,
        upto: &SyncToken,
        changes: UserChanges,
    ) -> (SyncResponse, Members) {
        let mut response = SyncResponse::new(upto.to_string());
        let rooms = &mut response.rooms;
        for change in changes.joined {
            rooms.join.extend(self.joined(change));
        }
        for change in changes.invited {
            let (room, events) = stripped(change);
            rooms.invite.insert(
                room,
                InvitedRoom {
                    invite_state: events,
                },
            );
        }
        for change in changes.knocked {
            let (room, events) = stripped(change);
            rooms.knock.insert(
                room,
                KnockedRoom {
                    knock_state: events,
                },
            );
        }
        for change in changes.left {
            let (room, left) = self.left(change);
            rooms.leave.insert(room, left);
        }
        response.account_data = data_events(&self.filter.account_data, changes.account_data);
        response.presence = self.presence(changes.presence);
        (response, self.sent.into_inner())
    }

    /// A room that the user is in; `None` if the filter leaves nothing to tell of it.
    fn joined(&self, change: JoinedChange) -> Option<(OwnedRoomId, JoinedRoom)> {
        let room_id = change.room_id.clone();
        let has_receipts = !change.receipts.is_empty();
        let ephemeral = self.ephemeral(&change);
        let is_new = change.full;
        let joined = JoinedRoom {
            summary: summary(&change, &self.session.user_id),
            state: self.state(&room_id, change.timeline.as_ref(), change.full),
            timeline: self.timeline(&room_id, change.timeline.as_ref()),
            ephemeral,
            account_data: self.room_data(&room_id, change.account_data),
            unread_notifications: self.unread(&change.unread),
            unread_thread_notifications: if self.filter.room.counts_threads() {
                change.unread.threads.iter().map(thread_counts).collect()
            } else {
                BTreeMap::new()
            },
        };
        // A receipt changes the counts, even if the filter hides it.
        let has_news = is_new
            || has_receipts
            || joined.timeline.limited
            || !joined.timeline.events.is_empty()
            || !joined.state.events().is_empty()
            || !joined.ephemeral.is_empty()
            || !joined.account_data.is_empty();
        has_news.then_some((room_id, joined))
    }

    fn left(&self, change: LeftChange) -> (OwnedRoomId, LeftRoom) {
        let room_id = change.room_id;
        let mut timeline = self.timeline(&room_id, change.timeline.as_ref());
        let mut state = self.state(&room_id, change.timeline.as_ref(), false);
        let farewell = || {
            let leave = self.viewer.object(change.event.as_ref()?)?;
            Some(RoomEventBody::Client(Box::new(leave)))
        };
        timeline.events.extend(farewell());
        state.extend_at_end(farewell());
        let left = LeftRoom {
            state,
            timeline,
            account_data: self.room_data(&room_id, change.account_data),
        };
        (room_id, left)
    }

    fn timeline(&self, room: &RoomId, timeline: Option<&RoomTimeline>) -> Timeline {
        let Some(timeline) = timeline else {
            return Timeline::default();
        };
        let shown = if self.filter.room.timeline.allows_room(room) {
            &timeline.events[..]
        } else {
            &[]
        };
        Timeline {
            events: shown
                .iter()
                .map(|event| self.event(event, &timeline.aggregations))
                .collect(),
            limited: timeline.limited,
            prev_batch: Some(timeline.prev_batch.to_string()),
        }
    }

    fn state(&self, room: &RoomId, timeline: Option<&RoomTimeline>, full: bool) -> State {
        let selection = StateSelection {
            state_at: self.state_at,
            full,
            lazy_for: self
                .filter
                .room
                .lazy_load_members()
                .then_some(&*self.session.user_id),
            filter: &self.filter.room.state,
            known: &self.known,
        };
        let events = match timeline {
            Some(timeline) if self.filter.room.state.allows_room(room) => {
                selection.events(timeline)
            }
            _ => Vec::new(),
        };
        let shown: Vec<_> = events
            .iter()
            .map(|pdu| {
                self.note(pdu);
                self.shaped(pdu, || match timeline {
                    Some(timeline) => {
                        let event = timeline.now.state_event(Arc::clone(pdu));
                        self.viewer.state(&event)
                    }
                    None => self.viewer.pdu(pdu),
                })
            })
            .collect();
        match self.state_at {
            StateAt::Start => State::Before(shown.into()),
            StateAt::End => State::After(shown.into()),
            StateAt::EndMsc4222 => State::AfterMsc4222(shown.into()),
        }
    }

    fn event(&self, event: &RoomEvent, known: &Aggregations) -> RoomEventBody {
        self.note(&event.pdu);
        self.shaped(&event.pdu, || self.viewer.bundled(event, known))
    }

    /// An event in the form, and with the fields, that the filter asks for.
    fn shaped(&self, pdu: &Pdu, client: impl FnOnce() -> ClientEvent) -> RoomEventBody {
        if self.filter.event_format == EventFormat::Federation {
            return RoomEventBody::Federation(pdu.object().clone());
        }
        let event = client();
        let Some(fields) = &self.filter.event_fields else {
            return RoomEventBody::Client(Box::new(event));
        };
        let whole = serde_json::to_value(&event).unwrap_or_default();
        RoomEventBody::Fields(fields.of(&whole))
    }

    /// Remembers a member that the device is told of.
    fn note(&self, pdu: &Pdu) {
        if pdu.kind() == "m.room.member"
            && self.filter.room.lazy_load_members()
            && let Some(user) = pdu.state_key()
        {
            let place = (pdu.room_id().to_owned(), user.to_owned());
            let id = pdu.event_id().to_owned();
            self.sent.borrow_mut().insert(place, id);
        }
    }

    fn presence(&self, presences: Vec<UserPresence>) -> Events<PresenceEvent> {
        const KIND: &str = "m.presence";
        let wanted = |user: &UserId| self.filter.presence.matches(KIND, user, &Object::new());
        let events = presences.into_iter().filter(|one| wanted(&one.user));
        let events = events.map(|one| PresenceEvent {
            kind: KIND,
            sender: one.user,
            content: PresenceContent {
                presence: one.state,
                status_msg: one.status_msg,
                last_active_ago: one.last_active_ago,
                currently_active: one.currently_active,
            },
        });
        events.collect::<Vec<_>>().into()
    }

    fn ephemeral(&self, change: &JoinedChange) -> Events<DataEvent> {
        let wanted = |kind: &str| self.filter.room.allows_ephemeral(&change.room_id, kind);
        let typing = change
            .typing
            .as_deref()
            .map(typing)
            .filter(|_| wanted("m.typing"));
        let receipts = if wanted("m.receipt") {
            receipts(&change.receipts)
        } else {
            Vec::new()
        };
        receipts
            .into_iter()
            .chain(typing)
            .collect::<Vec<_>>()
            .into()
    }

    fn room_data(&self, room: &RoomId, data: Vec<AccountDatum>) -> Events<DataEvent> {
        let filter = &self.filter.room.account_data;
        if filter.allows_room(room) {
            data_events(filter, data)
        } else {
            Events::default()
        }
    }

    /// The counts of the room: without those of threads, if these are asked for apart.
    fn unread(&self, unread: &Unread) -> UnreadCounts {
        if self.filter.room.counts_threads() {
            return UnreadCounts {
                notification_count: unread.notifications,
                highlight_count: unread.highlights,
            };
        }
        let total = unread.total();
        UnreadCounts {
            notification_count: total.notifications,
            highlight_count: total.highlights,
        }
    }
}

fn thread_counts((root, unread): (&OwnedEventId, &ThreadUnread)) -> (OwnedEventId, UnreadCounts) {
    let counts = UnreadCounts {
        notification_count: unread.notifications,
        highlight_count: unread.highlights,
    };
    (root.clone(), counts)
}

fn data_events(filter: &EventFilter, data: Vec<AccountDatum>) -> Events<DataEvent> {
    data.into_iter()
        .filter(|datum| filter.allows_kind(&datum.kind))
        .map(|datum| DataEvent {
            kind: datum.kind,
            content: datum.content,
        })
        .collect::<Vec<_>>()
        .into()
}

fn stripped(change: InvitedChange) -> (OwnedRoomId, Events<StrippedEvent>) {
    let events: Vec<_> = change
        .stripped
        .iter()
        .filter_map(StrippedEvent::from_object)
        .collect();
    (change.room_id, events.into())
}
