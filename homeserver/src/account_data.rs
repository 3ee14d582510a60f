//! Account data and tags.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#client-config>.

use gantry_accounts::{PUSH_RULES, Session};
use gantry_model::{Object, Value, id::RoomId};

use crate::{Error, Result, UserData, receipts::FULLY_READ};

/// The account data that holds the tags of a room.
const TAGS: &str = "m.tag";
/// The most tags of a room.
const MAX_TAGS: usize = 100;

impl UserData {
    /// A piece of account data of the user, or of a room of his.
    pub async fn account_data(
        &self,
        session: &Session,
        room: Option<&RoomId>,
        kind: &str,
    ) -> Result<Object> {
        let content = self
            .core
            .accounts
            .account_data(&session.user_id, room, kind)
            .await?;
        // An empty one stands for one that was deleted (MSC3391).
        if let Some(content) = content.filter(|content| !content.is_empty()) {
            return Ok(content);
        }
        if kind == PUSH_RULES && room.is_none() {
            let rules = self.core.accounts.push_rules(&session.user_id).await?;
            let value = serde_json::to_value(rules).unwrap_or_default();
            return Ok(crate::content::object([("global", value.into())]));
        }
        Err(Error::not_found("Account data not found"))
    }

    /// Stores a piece of account data. Those that the server keeps itself are refused.
    pub async fn set_account_data(
        &self,
        session: &Session,
        room: Option<&RoomId>,
        kind: &str,
        content: Object,
    ) -> Result<()> {
        check_settable(kind)?;
        Ok(self
            .core
            .accounts
            .set_account_data(&session.user_id, room, kind, content)
            .await?)
    }

    /// Deletes a piece of account data (MSC3391). Clients learn of it by an empty content.
    pub async fn delete_account_data(
        &self,
        session: &Session,
        room: Option<&RoomId>,
        kind: &str,
    ) -> Result<()> {
        check_settable(kind)?;
        let emptied = |before: Option<Object>| before.map(|_| Object::new());
        Ok(self
            .core
            .accounts
            .change_account_data(&session.user_id, room, kind, emptied)
            .await?)
    }

    /// The tags of a room: name to content.
    pub async fn tags(&self, session: &Session, room: &RoomId) -> Result<Object> {
        let content = self
            .core
            .accounts
            .account_data(&session.user_id, Some(room), TAGS)
            .await?;
        Ok(content.map(tags_in).unwrap_or_default())
    }

    /// Tags a room.
    pub async fn set_tag(
        &self,
        session: &Session,
        room: &RoomId,
        tag: &str,
        content: Object,
    ) -> Result<()> {
        let standing = self.tags(session, room).await?;
        if standing.len() >= MAX_TAGS && !standing.contains_key(tag) {
            return Err(Error::invalid("Too many tags"));
        }
        self.change_tags(session, room, |tags| {
            tags.insert(tag.to_owned(), content.clone().into());
        })
        .await
    }

    /// Takes a tag off a room.
    pub async fn remove_tag(&self, session: &Session, room: &RoomId, tag: &str) -> Result<()> {
        self.change_tags(session, room, |tags| {
            tags.remove(tag);
        })
        .await
    }

    async fn change_tags(
        &self,
        session: &Session,
        room: &RoomId,
        change: impl Fn(&mut Object),
    ) -> Result<()> {
        let changed = |content: Option<Object>| {
            let mut tags = content.map(tags_in).unwrap_or_default();
            change(&mut tags);
            Some(crate::content::object([("tags", tags.into())]))
        };
        let user = &session.user_id;
        Ok(self
            .core
            .accounts
            .change_account_data(user, Some(room), TAGS, changed)
            .await?)
    }
}

/// Fails if the server keeps this type itself.
fn check_settable(kind: &str) -> Result<()> {
    if kind == PUSH_RULES || kind == FULLY_READ {
        return Err(Error::refused(
            gantry_model::ErrorKind::ServerControlled,
            format!("Cannot set {kind} through this API"),
        ));
    }
    Ok(())
}

fn tags_in(mut content: Object) -> Object {
    match content.remove("tags") {
        Some(Value::Object(tags)) => tags,
        _ => Object::new(),
    }
}
