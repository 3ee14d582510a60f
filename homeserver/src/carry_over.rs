//! What local users have set for a room goes along when the room is replaced by another: push
//! rules, tags, whether it is a direct chat.

use gantry_accounts::PUSH_RULES;
use gantry_model::{
    Object, Value,
    id::{OwnedRoomId, RoomId, UserId},
};
use gantry_rooms::RoomView;
use ruma::push::{NewPushRule, NewSimplePushRule, Ruleset};
use tracing::warn;

use crate::{Result, content::str_of, core::Core, receipts::FULLY_READ};

/// Account data of a room that speaks of its events, or is moved in another way.
const NOT_COPIED: [&str; 3] = [FULLY_READ, "m.marked_unread", PUSH_RULES];
/// The most local users for whom this is done at once.
const MAX_USERS: usize = 10_000;

impl Core {
    /// For all local users of the old room.
    pub(crate) async fn carry_over_all(&self, old: &RoomView, new: &RoomId) {
        let local = old.joined().into_iter().filter(|user| self.is_local(user));
        for user in local.take(MAX_USERS) {
            self.carry_over(&user, old.room_id(), new).await;
        }
    }

    /// For a user who has just joined a room that replaces one of his.
    pub(crate) async fn carry_over_joined(&self, user: &UserId, room: &RoomId) {
        let before = match self.rooms.view(room).await {
            Ok(Some(view)) => predecessor_of(&view),
            _ => None,
        };
        let Some(before) = before.filter(|before| before != room) else {
            return;
        };
        if let Ok(Some(_)) = self.rooms.membership_of(user, &before).await {
            self.carry_over(user, &before, room).await;
        }
    }

    /// Moves nobody's settings is no reason to fail what happened.
    async fn carry_over(&self, user: &UserId, old: &RoomId, new: &RoomId) {
        if let Err(error) = self.try_carry_over(user, old, new).await {
            warn!(user.id = %user, room.id = %new, %error, "settings of a room were not moved");
        }
    }

    async fn try_carry_over(&self, user: &UserId, old: &RoomId, new: &RoomId) -> Result<()> {
        self.copy_push_rule(user, old, new).await?;
        for datum in self.accounts.all_account_data(user).await? {
            let is_of_old = datum.room.as_deref() == Some(old);
            if !is_of_old || NOT_COPIED.contains(&datum.kind.as_str()) {
                continue;
            }
            let content = datum.content;
            let unless_set = |standing: Option<Object>| match standing {
                Some(_) => None,
                None => Some(content.clone()),
            };
            self.accounts
                .change_account_data(user, Some(new), &datum.kind, unless_set)
                .await?;
        }
        let with_new = |standing: Option<Object>| with_direct(standing?, old, new);
        Ok(self
            .accounts
            .change_account_data(user, None, "m.direct", with_new)
            .await?)
    }

    async fn copy_push_rule(&self, user: &UserId, old: &RoomId, new: &RoomId) -> Result<()> {
        let rules = self.accounts.user_push_rules(user).await?.rules;
        if rules.room.get(old.as_str()).is_none() || rules.room.get(new.as_str()).is_some() {
            return Ok(());
        }
        let copy = |rules: &mut Ruleset| -> Result<()> {
            let Some(rule) = rules.room.get(old.as_str()) else {
                return Ok(());
            };
            let (actions, enabled) = (rule.actions.clone(), rule.enabled);
            let rule = NewPushRule::Room(NewSimplePushRule::new(new.to_owned(), actions));
            let refused = |error: &dyn std::error::Error| crate::Error::invalid(error.to_string());
            let kind = rule.kind();
            rules
                .insert(rule, None, None)
                .map_err(|error| refused(&error))?;
            rules
                .set_enabled(kind, new, enabled)
                .map_err(|error| refused(&error))
        };
        self.accounts.change_push_rules(user, copy).await?
    }
}

/// The room that a room replaces.
fn predecessor_of(view: &RoomView) -> Option<OwnedRoomId> {
    let create = view.create()?;
    let before = create.content().get("predecessor")?.as_object()?;
    OwnedRoomId::try_from(str_of(before, "room_id")?).ok()
}

/// The rooms of direct chats with the new room wherever the old one is; `None`: nothing changes.
fn with_direct(mut content: Object, old: &RoomId, new: &RoomId) -> Option<Object> {
    let is = |value: &Value, room: &RoomId| value.as_str() == Some(room.as_str());
    let mut changed = false;
    for rooms in content.values_mut() {
        if let Value::Array(rooms) = rooms
            && rooms.iter().any(|room| is(room, old))
            && !rooms.iter().any(|room| is(room, new))
        {
            rooms.push(new.as_str().into());
            changed = true;
        }
    }
    changed.then_some(content)
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;
    use ruma::room_id;

    use super::*;

    #[test]
    fn a_direct_chat_stays_one() {
        let content = parse_object(br#"{"@a:b":["!old:b"],"@c:b":["!other:b"]}"#);
        let content = content.expect("an object");
        let (old, new) = (room_id!("!old:b"), room_id!("!new:b"));

        let changed = with_direct(content, old, new).expect("a change");

        let expected = parse_object(br#"{"@a:b":["!old:b","!new:b"],"@c:b":["!other:b"]}"#);
        assert_eq!(changed, expected.expect("an object"));
        assert!(with_direct(changed, old, new).is_none());
    }
}
