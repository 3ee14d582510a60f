//! Changing push rules.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#push-rules-api>.

use gantry_accounts::Session;
use gantry_model::ErrorKind;
use ruma::push::{
    Action, AnyPushRule, NewPushRule, RemovePushRuleError, RuleKind, RuleNotFoundError, Ruleset,
};

use crate::{Error, Result, UserData};

/// The most rules that a user may have.
const MAX_RULES: usize = 1_000;

/// Where a new rule goes among those of its kind.
#[derive(Debug, Clone, Default)]
pub struct RulePlace {
    /// Right before this rule, that is with the next higher priority.
    pub before: Option<String>,
    /// Right after this one.
    pub after: Option<String>,
}

impl UserData {
    /// One of the user's push rules.
    pub async fn push_rule(
        &self,
        session: &Session,
        kind: RuleKind,
        rule_id: &str,
    ) -> Result<AnyPushRule> {
        let rules = self.push_rules(session).await?;
        let rule = rules
            .get(kind, rule_id)
            .map(ruma::push::AnyPushRuleRef::to_owned);
        rule.ok_or_else(|| Error::not_found("The rule could not be found"))
    }

    /// Makes a rule, or changes one in its place.
    pub async fn put_push_rule(
        &self,
        session: &Session,
        rule: NewPushRule,
        place: &RulePlace,
    ) -> Result<()> {
        if rule.kind() == RuleKind::PostContent {
            return Err(Error::invalid("Rules of this kind cannot be made"));
        }
        let (before, after) = (place.before.as_deref(), place.after.as_deref());
        self.change_rules(session, |rules| {
            if rules.iter().count() >= MAX_RULES && rules.get(rule.kind(), rule.rule_id()).is_none()
            {
                return Err(Error::invalid("Too many push rules"));
            }
            rules
                .insert(rule.clone(), after, before)
                .map_err(|error| Error::refused(ErrorKind::WrongState, error.to_string()))
        })
        .await
    }

    /// Takes a rule of the user's own away.
    pub async fn remove_push_rule(
        &self,
        session: &Session,
        kind: RuleKind,
        rule_id: &str,
    ) -> Result<()> {
        self.change_rules(session, |rules| {
            rules.remove(kind.clone(), rule_id).map_err(|error| {
                let is_unknown = matches!(error, RemovePushRuleError::NotFound);
                let kind = if is_unknown {
                    ErrorKind::NotFound
                } else {
                    ErrorKind::WrongState
                };
                Error::refused(kind, error.to_string())
            })
        })
        .await
    }

    /// Switches a rule on or off.
    pub async fn enable_push_rule(
        &self,
        session: &Session,
        kind: RuleKind,
        rule_id: &str,
        enabled: bool,
    ) -> Result<()> {
        self.change_rules(session, |rules| {
            rules
                .set_enabled(kind.clone(), rule_id, enabled)
                .map_err(|error| unknown(&error))
        })
        .await
    }

    /// Changes what a rule does.
    pub async fn set_push_rule_actions(
        &self,
        session: &Session,
        kind: RuleKind,
        rule_id: &str,
        actions: Vec<Action>,
    ) -> Result<()> {
        self.change_rules(session, |rules| {
            rules
                .set_actions(kind.clone(), rule_id, actions.clone())
                .map_err(|error| unknown(&error))
        })
        .await
    }

    async fn change_rules(
        &self,
        session: &Session,
        change: impl FnMut(&mut Ruleset) -> Result<()>,
    ) -> Result<()> {
        self.core
            .accounts
            .change_push_rules(&session.user_id, change)
            .await?
    }
}

fn unknown(error: &RuleNotFoundError) -> Error {
    Error::not_found(error.to_string())
}
