//! Whose invites a user wants.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#invite-permission> (blocking all,
//! MSC4380) and MSC4155 (rules by user and server).

use gantry_model::id::UserId;
use gantry_model::{Glob, Object, Value};

use crate::{Accounts, Result};

/// The account data that blocks all invites, by its name and by the proposal's.
const BLOCKING: [&str; 2] = [
    "m.invite_permission_config",
    "org.matrix.msc4380.invite_permission_config",
];
/// The account data with rules.
const RULES: &str = "org.matrix.msc4155.invite_permission_config";
/// The most patterns of a list that are heeded.
const MAX_PATTERNS: usize = 1_000;

/// What happens to an invite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InviteVerdict {
    /// The user is told.
    #[default]
    Allow,
    /// It is made, but the user is not told.
    Ignore,
    /// It is refused.
    Block,
}

impl Accounts {
    /// What a local user wants to happen to an invite by somebody.
    pub async fn invite_verdict(&self, invited: &UserId, by: &UserId) -> Result<InviteVerdict> {
        for kind in BLOCKING {
            let content = self.account_data(invited, None, kind).await?;
            if content.is_some_and(|content| blocks_all(&content)) {
                return Ok(InviteVerdict::Block);
            }
        }
        let rules = self.account_data(invited, None, RULES).await?;
        Ok(rules.map(|rules| verdict(&rules, by)).unwrap_or_default())
    }
}

fn blocks_all(content: &Object) -> bool {
    content.get("default_action").and_then(Value::as_str) == Some("block")
}

/// What rules say of somebody: of his id first, then of his server; leniency wins.
fn verdict(rules: &Object, by: &UserId) -> InviteVerdict {
    if rules.get("enabled").and_then(Value::as_bool) == Some(false) {
        return InviteVerdict::Allow;
    }
    let order = [
        ("allowed", InviteVerdict::Allow),
        ("ignored", InviteVerdict::Ignore),
        ("blocked", InviteVerdict::Block),
    ];
    let server = by.server_name().host();
    for (scope, text) in [("users", by.as_str()), ("servers", server)] {
        for (word, verdict) in order {
            if names(rules, &format!("{word}_{scope}"), text) {
                return verdict;
            }
        }
    }
    InviteVerdict::Allow
}

fn names(rules: &Object, list: &str, text: &str) -> bool {
    let patterns = rules
        .get(list)
        .and_then(Value::as_array)
        .unwrap_or_default();
    let mut patterns = patterns.iter().take(MAX_PATTERNS);
    patterns.any(|pattern| {
        pattern
            .as_str()
            .is_some_and(|pattern| Glob::new(pattern).matches(text))
    })
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;
    use ruma::user_id;

    use super::*;

    fn of(rules: &str) -> InviteVerdict {
        let rules = parse_object(rules.as_bytes()).unwrap();
        verdict(&rules, user_id!("@bob:two"))
    }

    #[test]
    fn users_come_before_servers_and_leniency_before_strictness() {
        assert_eq!(of("{}"), InviteVerdict::Allow);
        assert_eq!(
            of(r#"{"blocked_users":["@bob:two"]}"#),
            InviteVerdict::Block
        );
        assert_eq!(of(r#"{"ignored_servers":["t*"]}"#), InviteVerdict::Ignore);
        assert_eq!(of(r#"{"blocked_users":["@b?b:*"]}"#), InviteVerdict::Block);
        assert_eq!(of(r#"{"blocked_users":["@b?:*"]}"#), InviteVerdict::Allow);
        assert_eq!(
            of(r#"{"allowed_users":["@bob:two"],"blocked_servers":["two"]}"#),
            InviteVerdict::Allow
        );
        assert_eq!(
            of(r#"{"blocked_users":["@bob:two"],"allowed_servers":["two"]}"#),
            InviteVerdict::Block
        );
        assert_eq!(
            of(r#"{"blocked_users":null,"allowed_users":5}"#),
            InviteVerdict::Allow
        );
    }
}
