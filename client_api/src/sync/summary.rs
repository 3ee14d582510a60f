//! What clients call a room that has no name, and how many are in it.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync>,
//! `RoomSummary`.

use gantry_homeserver::{JoinedChange, Membership, RoomTimeline, RoomView};
use gantry_model::{
    Pdu,
    id::{OwnedUserId, UserId},
};

use super::response::Summary;

/// The most users that stand for a room without a name.
const MAX_HEROES: usize = 5;

/// The summary of a room, where it can have changed; empty elsewhere.
pub(crate) fn summary(change: &JoinedChange, user: &UserId) -> Summary {
    if !change.full && !change.timeline.as_ref().is_some_and(touches_state) {
        return Summary::default();
    }
    let counts = change.view.counts();
    Summary {
        heroes: has_no_name(&change.view).then(|| heroes(&change.view, user)),
        joined_member_count: u64::try_from(counts.joined).ok(),
        invited_member_count: u64::try_from(counts.invited).ok(),
    }
}

/// The users after whom clients call the room: the first that are in it or invited, without the
/// one who asks; if there are none, the first that were.
pub(crate) fn heroes(view: &RoomView, user: &UserId) -> Vec<OwnedUserId> {
    let members = view.members();
    let present = first(&members, user, |membership| {
        matches!(membership, Membership::Join | Membership::Invite)
    });
    if !present.is_empty() {
        return present;
    }
    first(&members, user, |membership| {
        matches!(membership, Membership::Leave | Membership::Ban)
    })
}

/// Whether clients have to make up a name.
pub(crate) fn has_no_name(view: &RoomView) -> bool {
    view.name().is_none() && view.canonical_alias().is_none()
}

fn touches_state(timeline: &RoomTimeline) -> bool {
    !timeline.state.is_empty()
        || timeline.limited
        || timeline
            .events
            .iter()
            .any(|event| event.pdu.state_key().is_some())
}

fn first(
    members: &[std::sync::Arc<Pdu>],
    user: &UserId,
    counts: impl Fn(Membership) -> bool,
) -> Vec<OwnedUserId> {
    let mut found: Vec<(i64, OwnedUserId)> = members
        .iter()
        .filter(|pdu| {
            pdu.content_str("membership")
                .and_then(|text| text.parse().ok())
                .is_some_and(&counts)
        })
        .filter_map(|pdu| {
            Some((
                pdu.origin_server_ts(),
                UserId::parse(pdu.state_key()?).ok()?,
            ))
        })
        .filter(|(_, member)| member != user)
        .collect();
    found.sort_unstable();
    found.truncate(MAX_HEROES);
    found.into_iter().map(|(_, member)| member).collect()
}
