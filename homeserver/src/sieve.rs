//! Which of the events that a user may see are wanted: by the filter, and by whom the user ignores.

use gantry_model::id::{RoomId, UserId};
use gantry_rooms::{MembershipRow, RoomEvent};

use crate::{EventFilter, Result, core::Core, ignored::Ignored};

/// How many children of an event are looked at.
const MAX_CHILDREN: usize = 200;

/// What decides whether an event is given to a user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sieve<'a> {
    pub(crate) user: &'a UserId,
    /// The user's membership, where it is at hand.
    pub(crate) row: Option<&'a MembershipRow>,
    pub(crate) room: &'a RoomId,
    pub(crate) ignored: &'a Ignored,
    pub(crate) filter: &'a EventFilter,
}

impl Sieve<'_> {
    /// Whether every event of the room passes, whatever it is.
    pub(crate) fn passes_all(&self) -> bool {
        self.filter.passes_all() && *self.ignored == Ignored::default()
    }

    fn passes(&self, event: &RoomEvent) -> bool {
        self.filter.matches_pdu(&event.pdu) && !self.ignored.hides(&event.pdu)
    }
}

impl Core {
    /// Those of the events that the user may see and that are wanted, in their order.
    pub(crate) async fn sifted(
        &self,
        sieve: &Sieve<'_>,
        mut events: Vec<RoomEvent>,
    ) -> Result<Vec<RoomEvent>> {
        events.retain(|event| sieve.passes(event));
        let (user, room) = (sieve.user, sieve.room);
        let mut events = match sieve.row {
            Some(row) => {
                let rooms = &self.rooms;
                rooms.visible_with(Some(row), user, room, events).await?
            }
            None => self.visible(user, room, events).await?,
        };
        if !sieve.filter.asks_for_children() || events.is_empty() {
            return Ok(events);
        }
        let ids: Vec<_> = events
            .iter()
            .map(|event| event.event_id().to_owned())
            .collect();
        let related = self.rooms.related(sieve.room, &ids, MAX_CHILDREN).await?;
        let mut wanted = related.into_iter().map(|related| {
            related.events.iter().any(|child| {
                let kind = child.relation.as_ref().map(|relation| &*relation.kind);
                child.redacted_because.is_none()
                    && kind.is_some_and(|kind| sieve.filter.wants_child(&child.pdu, kind))
            })
        });
        events.retain(|_| wanted.next().unwrap_or(false));
        Ok(events)
    }
}
