//! Which state goes with a timeline.

use std::{collections::BTreeMap, sync::Arc};

use gantry_homeserver::{EventFilter, RoomTimeline, RoomView, lazy_members};
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
        let (mut state, view) = match self.state_at {
            StateAt::Start => (by_key(timeline.state.iter().cloned()), &timeline.before),
            StateAt::End | StateAt::EndMsc4222 => (self.at_end(timeline), &timeline.now),
        };
        if let Some(user) = self.lazy_for {
            if self.full {
                state.retain(|(kind, _), _| kind != "m.room.member");
            }
            let needed = needed_members(timeline, view, user, self.full);
            let news = needed
                .into_iter()
                .filter(|pdu| self.full || !self.knows(pdu));
            state.extend(by_key(news));
            let is_needed = |pdu: &&Arc<Pdu>| self.is_needed(pdu, timeline, user);
            state.extend(by_key(timeline.hidden.iter().filter(is_needed).cloned()));
        }
        state
            .into_values()
            .filter(|pdu| self.filter.matches_pdu(pdu))
            .collect()
    }

    /// Whether a member who came where the client sees nothing is one that the timeline needs.
    fn is_needed(&self, pdu: &Pdu, timeline: &RoomTimeline, user: &UserId) -> bool {
        let is_sender = |member: &str| {
            let mut senders = timeline.events.iter().map(|event| event.pdu.sender());
            senders.any(|sender| sender == member)
        };
        let member = pdu.state_key().filter(|_| pdu.kind() == "m.room.member");
        member.is_some_and(|member| member == user || is_sender(member))
            && (self.full || !self.knows(pdu))
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

/// The members that a client needs to show the timeline: the senders, and for a room that is new to
/// it the user himself and those after whom the room is called.
fn needed_members(
    timeline: &RoomTimeline,
    view: &RoomView,
    user: &UserId,
    full: bool,
) -> Vec<Arc<Pdu>> {
    let heroes = if full && has_no_name(view) {
        heroes(view, user)
    } else {
        Vec::new()
    };
    let senders = timeline.events.iter().map(|event| event.pdu.sender());
    let own = full.then_some(user);
    lazy_members(
        view,
        senders.chain(own).chain(heroes.iter().map(|hero| &**hero)),
    )
}

fn by_key(pdus: impl Iterator<Item = Arc<Pdu>>) -> StateMap {
    pdus.filter_map(|pdu| Some((key_of(&pdu)?, pdu))).collect()
}

fn key_of(pdu: &Pdu) -> Option<(String, String)> {
    Some((pdu.kind().to_owned(), pdu.state_key()?.to_owned()))
}
