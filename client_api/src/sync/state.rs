//! Which state goes with a timeline.

use std::{collections::BTreeMap, sync::Arc};

use gantry_homeserver::{EventFilter, RoomTimeline, lazy_members};
use gantry_model::{Pdu, id::UserId};

use super::{
    lazy_memory::Members,
    request::StateAt,
    summary::{has_no_name, heroes},
};

/// State events by type and key.
type StateMap = BTreeMap<(String, String), Arc<Pdu>>;

/// What of the state is wanted.
pub(crate) struct StateSelection<'a> {
    /// The moment that it belongs to.
    pub(crate) state_at: StateAt,
    /// Whether the client knows nothing of the room.
    pub(crate) full: bool,
    /// Members only as far as the timeline needs them, for this user.
    pub(crate) lazy_for: Option<&'a UserId>,
    /// Which events.
    pub(crate) filter: &'a EventFilter,
    /// Members that the device was told of.
    pub(crate) known: &'a Members,
}

impl StateSelection<'_> {
    /// The state events that go with the timeline.
    pub(crate) fn events(&self, timeline: &RoomTimeline) -> Vec<Arc<Pdu>> {
        let mut state = match self.state_at {
            StateAt::Start => by_key(timeline.state.iter().cloned()),
            StateAt::End | StateAt::EndMsc4222 => self.at_end(timeline),
        };
        if let Some(user) = self.lazy_for {
            if self.full {
                state.retain(|(kind, _), _| kind != "m.room.member");
            }
            let needed = self.needed_members(timeline, user);
            let news = needed
                .into_iter()
                .filter(|pdu| self.full || !self.knows(pdu));
            state.extend(by_key(news));
        }
        state
            .into_values()
            .filter(|pdu| self.filter.matches_pdu(pdu))
            .collect()
    }

    /// The members that a client needs to show the timeline: the senders, and for a room that is new
    /// to it the user himself and those after whom the room is called. Who is told of in the timeline
    /// is needed as he was before it, others as they are.
    fn needed_members(&self, timeline: &RoomTimeline, user: &UserId) -> Vec<Arc<Pdu>> {
        let heroes = if self.full && has_no_name(&timeline.now) {
            heroes(&timeline.now, user)
        } else {
            Vec::new()
        };
        let senders = timeline.events.iter().map(|event| event.pdu.sender());
        let own = self.full.then_some(user);
        let needed = senders.chain(own).chain(heroes.iter().map(|hero| &**hero));
        let is_told = |member: &&UserId| {
            let mut events = timeline.events.iter();
            self.state_at == StateAt::Start
                && events.any(|event| event.pdu.is_state("m.room.member", member.as_str()))
        };
        let (told, others): (Vec<_>, Vec<_>) = needed.partition(is_told);
        let mut members = lazy_members(&timeline.before, told);
        members.extend(lazy_members(&timeline.now, others));
        members
    }

    fn knows(&self, member: &Pdu) -> bool {
        let user = member.state_key().unwrap_or_default().to_owned();
        let known = self.known.get(&(member.room_id().to_owned(), user));
        known.is_some_and(|known| known == member.event_id())
    }

    /// What the client has to know after the timeline.
    fn at_end(&self, timeline: &RoomTimeline) -> StateMap {
        if self.full {
            return by_key(timeline.now.full_state().into_iter());
        }
        let mut state = by_key(timeline.state.iter().cloned());
        state.extend(by_key(
            timeline.now.changed_since(&timeline.before).into_iter(),
        ));
        state
    }
}

fn by_key(pdus: impl Iterator<Item = Arc<Pdu>>) -> StateMap {
    pdus.filter_map(|pdu| Some((key_of(&pdu)?, pdu))).collect()
}

fn key_of(pdu: &Pdu) -> Option<(String, String)> {
    Some((pdu.kind().to_owned(), pdu.state_key()?.to_owned()))
}
