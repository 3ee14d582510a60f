//! Subscriptions: a room as one user has it.

use gantry_homeserver::workspace::ID_LENGTH;
use gantry_homeserver::{Membership, RoomView, Unread};
use gantry_model::hash::{BASE64_URL, sha256};
use gantry_model::id::UserId;

use super::room::people_of;
use super::{Date, People, RoomType, room_name};
use crate::dto::subscription::Subscription;
use base64::Engine as _;

/// What is known of a subscription beside the room's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubscriptionFacts<'a> {
    /// Whose it is.
    pub(crate) user: &'a UserId,
    /// The room's Rocket.Chat id.
    pub(crate) rid: &'a str,
    /// What the room is.
    pub(crate) room_type: RoomType,
    /// What the user has not read.
    pub(crate) unread: &'a Unread,
    /// Up to when the user has read, in milliseconds since the Unix epoch.
    pub(crate) read_ts: Option<i64>,
}

/// The id of a user's subscription to a room.
pub(crate) fn subscription_id(rid: &str, user: &UserId) -> String {
    let hash = sha256(format!("{rid}/{user}").as_bytes());
    let mut id = BASE64_URL.encode(hash);
    id.truncate(ID_LENGTH);
    id
}

/// The document of a subscription.
pub(crate) fn subscription(
    view: &RoomView,
    facts: SubscriptionFacts<'_>,
    people: People<'_>,
) -> Subscription {
    let own = view.state("m.room.member", facts.user.as_str());
    let invited = view.membership(facts.user) == Some(Membership::Invite);
    let inviter = own
        .as_ref()
        .filter(|_| invited)
        .map(|pdu| people.user_ref(pdu.sender()));
    let (name, fname) = names(view, facts, people);
    let total = facts.unread.total();
    let updated_at = view.updated_at().max(facts.read_ts.unwrap_or(0));
    Subscription {
        id: subscription_id(facts.rid, facts.user),
        rid: facts.rid.to_owned(),
        t: facts.room_type.as_str(),
        name,
        fname,
        u: people.user_ref(facts.user),
        ts: Date(own.map_or(0, |pdu| pdu.origin_server_ts())),
        ls: facts.read_ts.map(Date),
        lr: Date(view.updated_at()),
        open: true,
        alert: invited || total.notifications > 0,
        unread: if invited {
            1
        } else {
            facts.unread.notifications
        },
        user_mentions: facts.unread.highlights,
        group_mentions: 0,
        roles: roles(view, facts.user),
        updated_at: Date(updated_at),
        tunread: Vec::new(),
        status: invited.then_some("INVITED"),
        inviter,
    }
}

/// What the room is called for the user: a direct one after the other person.
fn names(view: &RoomView, facts: SubscriptionFacts<'_>, people: People<'_>) -> (String, String) {
    if facts.room_type == RoomType::Direct {
        let others: Vec<_> = people_of(view)
            .into_iter()
            .filter(|user| user != facts.user)
            .collect();
        let user = others.first().map_or(facts.user, |user| user);
        let other = people.user_ref(user);
        return (other.username.clone(), other.name.unwrap_or(other.username));
    }
    let name = room_name(view, facts.rid);
    let fname = view.name().unwrap_or_else(|| name.clone());
    (name, fname)
}

fn roles(view: &RoomView, user: &UserId) -> Vec<&'static str> {
    match view
        .power_levels()
        .map_or(0, |levels| levels.for_user(user))
    {
        100.. => vec!["owner"],
        50..100 => vec!["moderator"],
        _ => Vec::new(),
    }
}
