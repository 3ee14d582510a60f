//! Whom a user ignores.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#ignoring-users>.

use std::{collections::BTreeSet, sync::Arc};

use gantry_model::{
    Object, Pdu, Value,
    id::{OwnedUserId, UserId},
};

use crate::{Result, core::Core};

/// The account data that names them.
const IGNORED: &str = "m.ignored_user_list";
/// The most users of a list that are heeded.
const MAX_IGNORED: usize = 10_000;

/// The users that a user ignores. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ignored(Arc<BTreeSet<OwnedUserId>>);

impl Ignored {
    /// Whether the user is ignored.
    pub(crate) fn contains(&self, user: &UserId) -> bool {
        self.0.contains(user)
    }

    /// Whether the event is not for this reader: what ignored users say. State events are needed
    /// to know the room, whoever sent them.
    pub(crate) fn hides(&self, pdu: &Pdu) -> bool {
        pdu.state_key().is_none() && self.contains(pdu.sender())
    }
}

impl Core {
    /// Whom a local user ignores.
    pub(crate) async fn ignored(&self, user: &UserId) -> Result<Ignored> {
        let content = self.accounts.account_data(user, None, IGNORED).await?;
        Ok(Ignored(Arc::new(
            content
                .as_ref()
                .map(|content| named(content, user))
                .unwrap_or_default(),
        )))
    }
}

/// The users of a list; nobody ignores himself.
fn named(content: &Object, owner: &UserId) -> BTreeSet<OwnedUserId> {
    let users = content.get("ignored_users").and_then(Value::as_object);
    users
        .into_iter()
        .flat_map(Object::keys)
        .take(MAX_IGNORED)
        .filter_map(|user| OwnedUserId::try_from(user.as_str()).ok())
        .filter(|user| user != owner)
        .collect()
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;
    use ruma::user_id;

    use super::*;

    #[test]
    fn only_user_ids_other_than_the_own_are_ignored() {
        let content = parse_object(br#"{"ignored_users":{"@evil:b":{},"nobody":{},"@me:b":{}}}"#)
            .expect("an object");

        let ignored = named(&content, user_id!("@me:b"));

        assert_eq!(ignored.len(), 1);
        assert!(ignored.contains(user_id!("@evil:b")));
        assert!(named(&Object::new(), user_id!("@me:b")).is_empty());
    }
}
