//! The events that state resolution sees, and where it finds them.

use std::sync::{Arc, OnceLock};

use gantry_model::Pdu;

use crate::{AuthDag, Rn, Skid, view::View};

/// A state event with its place in the room's numbering.
#[derive(Debug, Clone)]
pub struct AuthEvent {
    /// The event.
    pub pdu: Arc<Pdu>,
    /// Its number.
    pub rn: Rn,
    /// The number of its type and state key.
    pub skid: Skid,
    /// Its auth events, in the order in which it lists them. From room version 12 on the create
    /// event is not among them.
    pub auth: Vec<Rn>,
    /// Whether it was rejected on receipt. Rejected events authorize nothing.
    pub rejected: bool,
    view: OnceLock<View>,
}

impl AuthEvent {
    /// An event at its place.
    pub fn new(pdu: Arc<Pdu>, rn: Rn, skid: Skid, auth: Vec<Rn>, rejected: bool) -> Self {
        Self {
            pdu,
            rn,
            skid,
            auth,
            rejected,
            view: OnceLock::new(),
        }
    }

    /// What the rules read of the content, parsed on first use.
    pub(crate) fn view(&self) -> &View {
        self.view.get_or_init(|| View::parse(&self.pdu))
    }

    /// Whether the event can take away someone's ability to do something: a power event of the
    /// [specification](https://spec.matrix.org/v1.19/rooms/v2/#definitions). The create event
    /// counts as one, as in every implementation that is deployed.
    pub(crate) fn is_power_event(&self) -> bool {
        match self.view() {
            View::Create(_) | View::PowerLevels(_) | View::JoinRules(_) => {
                self.pdu.state_key() == Some("")
            }
            View::Member(member) => {
                member.membership.is_leave_or_ban()
                    && self.pdu.state_key() != Some(self.pdu.sender().as_str())
            }
            View::Other => false,
        }
    }
}

/// The state events of one room, by number. Lookups must be quick and without side effects.
pub trait EventSource {
    /// The event with this number, if it is there. Events that are not there are left out of the
    /// resolution, as the specification wants it for events that could not be fetched.
    fn event(&self, rn: Rn) -> Option<&AuthEvent>;

    /// The number of a type and state key, if the room has any event with them.
    fn skid(&self, kind: &str, state_key: &str) -> Option<Skid>;

    /// The room's create event.
    fn create(&self) -> Option<Rn>;

    /// The auth edges in flat arrays, if the source keeps them. They make large rooms quick and
    /// change no result. They must cover every event that [`EventSource::event`] knows.
    fn dag(&self) -> Option<&AuthDag> {
        None
    }
}
