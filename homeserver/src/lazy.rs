//! Lazy loading of memberships.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members>.

use std::{collections::BTreeSet, sync::Arc};

use gantry_model::{Pdu, id::UserId};
use gantry_rooms::RoomView;

/// The memberships of these users in the room, each once. Users without one are passed over.
pub fn lazy_members<'a>(
    view: &RoomView,
    users: impl IntoIterator<Item = &'a UserId>,
) -> Vec<Arc<Pdu>> {
    let users: BTreeSet<&UserId> = users.into_iter().collect();
    users
        .into_iter()
        .filter_map(|user| view.state("m.room.member", user.as_str()))
        .collect()
}
