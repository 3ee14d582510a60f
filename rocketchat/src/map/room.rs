//! Rooms.

use gantry_homeserver::RoomView;
use gantry_homeserver::workspace::RoomKind;
use gantry_model::id::{OwnedUserId, ServerName, UserId};

use super::content::declared_type;
use super::{Date, People, slug, username};
use crate::dto::message::Message;
use crate::dto::room::{Room, RoomFederation};

/// The most members of a direct room that are named.
const MAX_DIRECT: usize = 20;

/// What a room is to clients now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomType {
    /// Public.
    Channel,
    /// Private.
    Group,
    /// Direct messages.
    Direct,
}

impl RoomType {
    /// What a room is: a direct one stays direct, any other follows its join rule.
    pub(crate) fn of(kind: RoomKind, view: &RoomView) -> Self {
        match kind {
            RoomKind::Direct => Self::Direct,
            RoomKind::Channel | RoomKind::Group if view.join_rule() == "public" => Self::Channel,
            RoomKind::Channel | RoomKind::Group => Self::Group,
        }
    }

    /// The letter that clients know it by.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "c",
            Self::Group => "p",
            Self::Direct => "d",
        }
    }
}

/// What is known of a room beside its state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomFacts<'a> {
    /// Its Rocket.Chat id.
    pub(crate) rid: &'a str,
    /// What it is.
    pub(crate) room_type: RoomType,
    /// The newest message.
    pub(crate) last_message: Option<&'a Message>,
}

/// The kind that a room gets when it is first shown: direct if it says so and two are in it.
pub(crate) fn first_kind(view: &RoomView, server: &ServerName) -> (RoomKind, Vec<OwnedUserId>) {
    let declared = view
        .create()
        .and_then(|create| declared_type(create.content(), create.sender(), server));
    let people = people_of(view);
    let is_direct = match declared {
        Some(kind) => kind == 'd',
        None => {
            people.len() <= 2
                && view.members().iter().any(|pdu| {
                    pdu.content()
                        .get("is_direct")
                        .and_then(gantry_model::Value::as_bool)
                        == Some(true)
                })
        }
    };
    match is_direct {
        true => (RoomKind::Direct, people),
        false if view.join_rule() == "public" => (RoomKind::Channel, people),
        false => (RoomKind::Group, people),
    }
}

/// Who is in a room, or invited; at most 20.
pub(crate) fn people_of(view: &RoomView) -> Vec<OwnedUserId> {
    let members = view.members();
    let is_there = |pdu: &&std::sync::Arc<gantry_model::Pdu>| {
        matches!(pdu.content_str("membership"), Some("join" | "invite"))
    };
    members
        .iter()
        .filter(is_there)
        .filter_map(|pdu| pdu.state_key()?.try_into().ok())
        .take(MAX_DIRECT)
        .collect()
}

/// The name of a room: that of its address, or of what people call it.
pub(crate) fn room_name(view: &RoomView, rid: &str) -> String {
    let alias = view.canonical_alias();
    let of_alias = alias
        .as_deref()
        .and_then(|alias| alias.strip_prefix('#')?.split(':').next());
    of_alias
        .map(str::to_owned)
        .or_else(|| view.name().map(|name| slug(&name)))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| rid.to_owned())
}

/// The document of a room.
pub(crate) fn room(view: &RoomView, facts: RoomFacts<'_>, people: People<'_>) -> Room {
    let is_direct = facts.room_type == RoomType::Direct;
    let create = view.create();
    let counts = view.counts();
    let members = if is_direct {
        people_of(view)
    } else {
        Vec::new()
    };
    let creator = create
        .as_ref()
        .map(|create| people.user_ref(create.sender()));
    let users = |one: fn(&UserId, &ServerName) -> String| {
        is_direct.then(|| {
            members
                .iter()
                .map(|user| one(user, people.server))
                .collect()
        })
    };
    let federated = view.servers().iter().any(|server| *server != people.server);
    let federation = federated.then(|| RoomFederation {
        version: 1,
        mrid: view.room_id().to_string(),
        origin: create.as_ref().map_or_else(String::new, |create| {
            create.sender().server_name().to_string()
        }),
    });
    let updated_at = Date(view.updated_at());
    Room {
        id: facts.rid.to_owned(),
        t: facts.room_type.as_str(),
        name: (!is_direct).then(|| room_name(view, facts.rid)),
        fname: (!is_direct).then(|| view.name()).flatten(),
        u: creator.filter(|_| !is_direct),
        topic: view.topic(),
        users_count: u64::try_from(counts.joined).unwrap_or(0),
        msgs: u64::try_from(counts.main).unwrap_or(0),
        ts: Date(
            create
                .as_ref()
                .map_or(0, |create| create.origin_server_ts()),
        ),
        lm: facts.last_message.map_or(updated_at, |message| message.ts),
        updated_at,
        last_message: facts.last_message.map(|message| Box::new(message.clone())),
        usernames: users(username),
        uids: users(|user, _| gantry_homeserver::workspace::rc_user_id(user)),
        ro: is_read_only(view),
        default: false,
        sys_mes: true,
        encrypted: view.is_encrypted(),
        federated,
        federation,
    }
}

/// Whether an ordinary member may not write.
fn is_read_only(view: &RoomView) -> bool {
    let levels = view.state("m.room.power_levels", "");
    let number = |key| {
        levels
            .as_ref()
            .and_then(|pdu| pdu.content().get(key)?.as_int())
    };
    number("events_default").unwrap_or(0) > number("users_default").unwrap_or(0)
}
