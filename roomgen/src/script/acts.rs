//! The single things that users do.

use gantry_model::{
    Object, Value,
    id::{OwnedUserId, UserId},
};
use gantry_state_res::{EventSource, Membership};

use super::Story;
use crate::{Branch, Cast};

/// The number of the creator, who may do everything.
const CREATOR: usize = 0;
/// The moderator who turns against the room.
const ATTACKER: usize = 1;

impl Story<'_> {
    pub(super) fn create(&mut self, branch: &mut Branch) {
        let (rules, creator) = (self.world.rules(), self.world.user(CREATOR));
        let mut content = object(&[("room_version", rules.version.as_str().into())]);
        if !rules.creator_is_sender {
            content.insert("creator", creator.as_str().into());
        }
        self.world
            .send_state(branch, &creator, ("m.room.create", ""), content);
    }

    /// The next user joins, on somebody's authority where the rule is restricted.
    pub(super) fn join(&mut self, branch: &mut Branch, via: Option<&UserId>) {
        let user = self.world.user(self.next_user);
        self.next_user += 1;
        let mut content = member("join");
        if let Some(via) = via {
            let key = "join_authorised_via_users_server".to_owned();
            content.insert(key, via.as_str().into());
        }
        self.set_member(branch, &user, &user, content);
    }

    pub(super) fn rename(&mut self, branch: &mut Branch) {
        let user = self.somebody(branch);
        let name = format!("Name {}", self.world.below(1_000_000));
        let mut content = member("join");
        content.insert("displayname", name.into());
        self.set_member(branch, &user, &user, content);
    }

    pub(super) fn chat(&mut self, branch: &mut Branch) {
        let user = self.somebody(branch);
        let body = format!("message {}", self.world.below(1_000_000));
        self.world.send_message(branch, &user, &body);
    }

    /// A moderator who is still one bans a member without rank.
    pub(super) fn ban(&mut self, branch: &mut Branch) {
        let moderator = self.moderator(branch);
        let target = self.somebody(branch);
        if !self.has_rank(&target) {
            self.set_member(branch, &moderator, &target, member("ban"));
        }
    }

    pub(super) fn set_topic(&mut self, branch: &mut Branch, number: usize) {
        let moderator = self.moderator(branch);
        let content = object(&[("topic", format!("Topic {number}").into())]);
        self.world
            .send_state(branch, &moderator, ("m.room.topic", ""), content);
    }

    pub(super) fn set_join_rule(&mut self, branch: &mut Branch, rule: &str) {
        let creator = self.world.user(CREATOR);
        let mut content = object(&[("join_rule", rule.into())]);
        if rule == "restricted" {
            let allow = object(&[
                ("type", "m.room_membership".into()),
                ("room_id", "!other:s0.example".into()),
            ]);
            content.insert("allow", vec![Value::Object(allow)].into());
        }
        self.world
            .send_state(branch, &creator, ("m.room.join_rules", ""), content);
    }

    pub(super) fn restricted_joins(&mut self, branch: &mut Branch, count: usize) {
        if count == 0 || !self.world.rules().restricted {
            return;
        }
        self.set_join_rule(branch, "restricted");
        for _ in 0..count {
            let via = self.world.user(CREATOR);
            self.join(branch, Some(&via));
        }
        self.set_join_rule(branch, "public");
    }

    /// New levels: the same ranks, and one that everybody has, which tells them apart.
    pub(super) fn change_levels(&mut self, branch: &mut Branch, number: usize) {
        let creator = self.world.user(CREATOR);
        let mut users = Object::new();
        if !self.world.rules().privileged_creators {
            users.insert(creator.to_string(), Value::Int(100));
        }
        for moderator in 1..=Cast::MODERATORS {
            users.insert(self.world.user(moderator).to_string(), Value::Int(50));
        }
        let events = object(&[("org.example.change", Value::Int(-(number as i64)))]);
        let content = object(&[
            ("users", users.into()),
            ("events", events.into()),
            ("events_default", Value::Int(0)),
            ("state_default", Value::Int(50)),
            ("ban", Value::Int(50)),
            ("kick", Value::Int(50)),
            ("redact", Value::Int(50)),
            ("invite", Value::Int(0)),
        ]);
        self.world
            .send_state(branch, &creator, ("m.room.power_levels", ""), content);
    }

    pub(super) fn ban_attacker(&mut self, branch: &mut Branch) {
        let (creator, attacker) = (self.world.user(CREATOR), self.world.user(ATTACKER));
        self.set_member(branch, &creator, &attacker, member("ban"));
    }

    /// The attacker bans members and takes the topic, while the other branches know of a ban.
    pub(super) fn attack(&mut self, branch: &mut Branch, number: usize) {
        let attacker = self.world.user(ATTACKER);
        let target = self.somebody(branch);
        if number.is_multiple_of(2) || self.has_rank(&target) {
            let content = object(&[("topic", format!("Mine now {number}").into())]);
            self.world
                .send_state(branch, &attacker, ("m.room.topic", ""), content);
        } else {
            self.set_member(branch, &attacker, &target, member("ban"));
        }
    }

    fn set_member(
        &mut self,
        branch: &mut Branch,
        sender: &UserId,
        target: &UserId,
        content: Object,
    ) {
        let key = ("m.room.member", target.as_str());
        self.world.send_state(branch, sender, key, content);
    }

    /// A member of the room, by chance. The creator is one always.
    fn somebody(&self, branch: &Branch) -> OwnedUserId {
        const TRIES: usize = 20;
        (0..TRIES)
            .map(|_| self.world.user(self.world.below(self.next_user)))
            .find(|user| self.is_member(branch, user))
            .unwrap_or_else(|| self.world.user(CREATOR))
    }

    fn moderator(&self, branch: &Branch) -> OwnedUserId {
        let user = self.world.user(2 + self.world.below(Cast::MODERATORS - 1));
        if self.is_member(branch, &user) {
            user
        } else {
            self.world.user(CREATOR)
        }
    }

    fn is_member(&self, branch: &Branch, user: &UserId) -> bool {
        let memory = self.world.memory();
        memory
            .skid("m.room.member", user.as_str())
            .and_then(|skid| branch.state.get(&skid))
            .and_then(|rn| memory.event(*rn))
            .is_some_and(|event| Membership::of_content(event.pdu.content()) == Membership::Join)
    }

    fn has_rank(&self, user: &UserId) -> bool {
        (0..=Cast::MODERATORS).any(|number| self.world.user(number) == user)
    }
}

fn member(membership: &str) -> Object {
    object(&[("membership", membership.into())])
}

fn object(entries: &[(&str, Value)]) -> Object {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}
