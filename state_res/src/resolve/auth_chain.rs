//! Walking the auth edges.

use crate::{EventSource, Rn, Skid};

/// The auth events of an event, from the flat arrays if there are any.
pub(super) fn auth_of(source: &impl EventSource, rn: Rn) -> &[Rn] {
    match source.dag() {
        Some(dag) => dag.auth(rn),
        None => source.event(rn).map_or(&[], |event| &event.auth),
    }
}

/// The type and state key of an event, from the flat arrays if there are any.
pub(super) fn skid_of(source: &impl EventSource, rn: Rn) -> Option<Skid> {
    match source.dag() {
        Some(dag) => dag.skid(rn),
        None => source.event(rn).map(|event| event.skid),
    }
}
