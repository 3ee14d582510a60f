//! The first events of a room that replaces another one.

use std::collections::BTreeSet;

use gantry_model::{
    ErrorKind, Object, RoomVersionRules, Value,
    id::{OwnedUserId, UserId},
};
use gantry_rooms::{NewEvent, RoomView};

use crate::{Error, Result, membership::MEMBER, upgrade::predecessor};

const POWER_LEVELS: &str = "m.room.power_levels";

/// State that goes along, besides power levels, bans and a space's children, in this order.
const COPIED: [&str; 9] = [
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.guest_access",
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.pinned_events",
];
/// State of our own that goes along, whatever it is.
const OWN: &str = "org.gantry.";
/// What the create event of the new room says for itself.
const NOT_COPIED: [&str; 4] = [
    "creator",
    "room_version",
    "predecessor",
    "additional_creators",
];
/// The most bans and children of a space that go along.
const MAX_COPIED: usize = 2_000;
/// The level of the creator before there are power levels.
const CREATOR_LEVEL: i64 = 100;
/// The level of a tombstone where creators stand above all levels.
const TOMBSTONE_LEVEL: i64 = 150;

/// What the new room is made from.
pub(crate) struct UpgradeEvents<'a> {
    /// Who upgrades, and so creates.
    pub(crate) user: &'a UserId,
    /// The old room.
    pub(crate) old: &'a RoomView,
    /// The rules of the new one.
    pub(crate) rules: &'a RoomVersionRules,
    /// Who else is a creator.
    pub(crate) additional_creators: BTreeSet<OwnedUserId>,
}

impl UpgradeEvents<'_> {
    /// The content of the create event.
    pub(crate) fn create_content(&self) -> Result<Object> {
        let old = self.old.create();
        let mut content = old.map(|pdu| pdu.content().clone()).unwrap_or_default();
        content.retain(|key, _| !NOT_COPIED.contains(&key.as_str()));
        content.insert(
            "room_version".to_owned(),
            self.rules.version.as_str().into(),
        );
        if !self.rules.creator_is_sender {
            content.insert("creator", self.user.as_str().into());
        }
        let mut before = predecessor(self.old.room_id());
        if !self.rules.room_id_is_create_hash
            && let Some(last) = self.old.extremities().pop()
        {
            before.insert("event_id", last.as_str().into());
        }
        content.insert("predecessor", before.into());
        let others: Vec<Value> = self.others().map(|user| user.as_str().into()).collect();
        if others.is_empty() {
            return Ok(content);
        }
        if !self.rules.privileged_creators {
            return Err(Error::refused(
                ErrorKind::InvalidParam,
                "Rooms of this version have no additional creators",
            ));
        }
        content.insert("additional_creators", others.into());
        Ok(content)
    }

    /// All events after the create event, with the creator's join first. While they are made, the
    /// creator has the level for it; in the end he has what he had.
    pub(crate) fn after_create(&self, member: Object) -> Vec<NewEvent> {
        let levels = self.power_levels();
        let raised = self.raised(&levels);
        let mut events = vec![
            self.state(MEMBER, self.user.as_str(), member),
            self.state(POWER_LEVELS, "", raised.clone()),
        ];
        for kind in COPIED {
            events.extend(self.copied(kind, ""));
        }
        events.extend(self.many());
        if raised != levels {
            events.push(self.state(POWER_LEVELS, "", levels));
        }
        events
    }

    fn others(&self) -> impl Iterator<Item = &OwnedUserId> {
        let all = self.additional_creators.iter();
        all.filter(|user| **user != self.user)
    }

    fn state(&self, kind: &str, state_key: &str, content: Object) -> NewEvent {
        NewEvent::state(self.user.to_owned(), kind, state_key, content)
    }

    fn copied(&self, kind: &str, state_key: &str) -> Option<NewEvent> {
        let old = self.old.state(kind, state_key)?;
        Some(self.state(kind, state_key, old.content().clone()))
    }

    /// Bans, children of a space and state of our own.
    fn many(&self) -> Vec<NewEvent> {
        let all = self.old.full_state().into_iter().filter(|pdu| {
            let content = pdu.content();
            match pdu.kind() {
                MEMBER => pdu.content_str("membership") == Some("ban"),
                // A child without a server to reach it by was taken out.
                "m.space.child" => content.contains_key("via"),
                kind => kind.starts_with(OWN),
            }
        });
        let events = all.take(MAX_COPIED).filter_map(|pdu| {
            let key = pdu.state_key()?;
            let is_creator = self.others().any(|user| user.as_str() == key) || key == self.user;
            (pdu.kind() != MEMBER || !is_creator)
                .then(|| self.state(pdu.kind(), key, pdu.content().clone()))
        });
        events.collect()
    }

    /// The old room's levels in the form of the new version: creators that stand above all levels
    /// are not named, those that stood above them are now.
    fn power_levels(&self) -> Object {
        let old = self.old.state(POWER_LEVELS, "");
        let mut levels = old.map(|pdu| pdu.content().clone()).unwrap_or_default();
        let mut users = match levels.remove("users") {
            Some(Value::Object(users)) => users,
            _ => Object::new(),
        };
        if self.rules.privileged_creators {
            users.remove(self.user.as_str());
            for user in self.others() {
                users.remove(user.as_str());
            }
            if !self.old.rules().privileged_creators {
                raise_tombstone(&mut levels);
            }
        } else if self.old.rules().privileged_creators {
            users.extend(
                self.old_creators()
                    .into_iter()
                    .map(|user| (user, CREATOR_LEVEL.into())),
            );
        }
        levels.insert("users", users.into());
        levels
    }

    /// The creators of the old room.
    fn old_creators(&self) -> Vec<String> {
        let Some(create) = self.old.create() else {
            return Vec::new();
        };
        let named = create.content().get("additional_creators");
        let named = named.and_then(Value::as_array).unwrap_or_default();
        let named = named.iter().filter_map(Value::as_str).map(str::to_owned);
        std::iter::once(create.sender().to_string())
            .chain(named)
            .collect()
    }

    /// The levels with which the upgrader can send all of this.
    fn raised(&self, levels: &Object) -> Object {
        let mut levels = levels.clone();
        if self.rules.privileged_creators {
            return levels;
        }
        let highest = highest_needed(&levels).max(CREATOR_LEVEL);
        if let Some(Value::Object(users)) = levels.get_mut("users") {
            let own = users.get(self.user.as_str()).and_then(Value::as_int);
            if own.is_none_or(|own| own < highest) {
                users.insert(self.user.to_string(), highest.into());
            }
        }
        levels
    }
}

/// The highest level that sending or changing anything needs.
fn highest_needed(levels: &Object) -> i64 {
    let events = levels.get("events").and_then(Value::as_object);
    let events = events.into_iter().flat_map(Object::values);
    let users = levels.get("users").and_then(Value::as_object);
    let users = users.into_iter().flat_map(Object::values);
    let all = levels.values().chain(events).chain(users);
    all.filter_map(Value::as_int).max().unwrap_or(0)
}

fn raise_tombstone(levels: &mut Object) {
    let events = levels.object_mut("events");
    let standing = events.get("m.room.tombstone").and_then(Value::as_int);
    if standing.is_none_or(|level| level < TOMBSTONE_LEVEL) {
        events.insert("m.room.tombstone", TOMBSTONE_LEVEL.into());
    }
}
