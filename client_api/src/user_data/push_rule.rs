//! One push rule: `/_matrix/client/v3/pushrules/global/{kind}/{ruleId}`, and its `enabled` and
//! `actions`.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#push-rules-api>.

use axum::{Json, extract::State};
use gantry_homeserver::RulePlace;
use gantry_model::{Object, canonical_json::object_to_bytes};
use ruma::push::{
    Action, AnyPushRule, NewConditionalPushRule, NewPatternedPushRule, NewPushRule,
    NewSimplePushRule, RuleKind,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::{JsonBody, PathArgs, QueryArgs},
    reply::Done,
};

/// Which rule.
type RulePath = PathArgs<(String, String)>;

/// Where a new rule goes.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    before: Option<String>,
    after: Option<String>,
}

/// Whether a rule is on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Enabled {
    enabled: bool,
}

/// What a rule does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Actions {
    actions: Vec<Action>,
}

/// A rule.
pub(crate) async fn get_push_rule(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((kind, rule_id)): RulePath,
) -> Result<Json<Value>> {
    let user_data = &state.homeserver().user_data;
    let rule = user_data
        .push_rule(&session, known_kind(&kind)?, &rule_id)
        .await?;
    let shown = match rule {
        AnyPushRule::Override(rule)
        | AnyPushRule::PostContent(rule)
        | AnyPushRule::Underride(rule) => serde_json::to_value(rule),
        AnyPushRule::Content(rule) => serde_json::to_value(rule),
        AnyPushRule::Room(rule) => serde_json::to_value(rule),
        AnyPushRule::Sender(rule) => serde_json::to_value(rule),
        _ => return Err(Error::not_found("The rule could not be found")),
    };
    shown
        .map(Json)
        .map_err(|_| Error::bad_json("Not a push rule"))
}

/// Makes a rule or changes it.
pub(crate) async fn set_push_rule(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((kind, rule_id)): RulePath,
    QueryArgs(query): QueryArgs<Query>,
    JsonBody(body): JsonBody<Object>,
) -> Result<Json<Done>> {
    let place = RulePlace {
        before: query.before,
        after: query.after,
    };
    let rule = new_rule(&kind, &rule_id, body)?;
    let user_data = &state.homeserver().user_data;
    user_data.put_push_rule(&session, rule, &place).await?;
    Ok(Json(Done {}))
}

/// Takes a rule away.
pub(crate) async fn delete_push_rule(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((kind, rule_id)): RulePath,
) -> Result<Json<Done>> {
    let user_data = &state.homeserver().user_data;
    user_data
        .remove_push_rule(&session, known_kind(&kind)?, &rule_id)
        .await?;
    Ok(Json(Done {}))
}

/// Whether a rule is on.
pub(crate) async fn is_push_rule_enabled(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((kind, rule_id)): RulePath,
) -> Result<Json<Enabled>> {
    let user_data = &state.homeserver().user_data;
    let rule = user_data
        .push_rule(&session, known_kind(&kind)?, &rule_id)
        .await?;
    Ok(Json(Enabled {
        enabled: rule.enabled(),
    }))
}

/// Switches a rule on or off.
pub(crate) async fn set_push_rule_enabled(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((kind, rule_id)): RulePath,
    JsonBody(body): JsonBody<Enabled>,
) -> Result<Json<Done>> {
    let user_data = &state.homeserver().user_data;
    user_data
        .enable_push_rule(&session, known_kind(&kind)?, &rule_id, body.enabled)
        .await?;
    Ok(Json(Done {}))
}

/// What a rule does.
pub(crate) async fn get_push_rule_actions(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((kind, rule_id)): RulePath,
) -> Result<Json<Actions>> {
    let user_data = &state.homeserver().user_data;
    let rule = user_data
        .push_rule(&session, known_kind(&kind)?, &rule_id)
        .await?;
    Ok(Json(Actions {
        actions: rule.actions().to_vec(),
    }))
}

/// Changes what a rule does.
pub(crate) async fn set_push_rule_actions(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((kind, rule_id)): RulePath,
    JsonBody(body): JsonBody<Actions>,
) -> Result<Json<Done>> {
    let user_data = &state.homeserver().user_data;
    user_data
        .set_push_rule_actions(&session, known_kind(&kind)?, &rule_id, body.actions)
        .await?;
    Ok(Json(Done {}))
}

/// The kind of a rule that is asked for: of unknown kinds there are none.
fn known_kind(kind: &str) -> Result<RuleKind> {
    match kind {
        "override" => Ok(RuleKind::Override),
        "content" => Ok(RuleKind::Content),
        "postcontent" => Ok(RuleKind::PostContent),
        "room" => Ok(RuleKind::Room),
        "sender" => Ok(RuleKind::Sender),
        "underride" => Ok(RuleKind::Underride),
        _ => Err(Error::not_found("The rule could not be found")),
    }
}

fn new_rule(kind: &str, rule_id: &str, mut body: Object) -> Result<NewPushRule> {
    body.insert("rule_id", rule_id.into());
    if kind == "content" && !body.contains_key("pattern") {
        return Err(Error::MissingParam("pattern"));
    }
    if !body.contains_key("actions") {
        return Err(Error::MissingParam("actions"));
    }
    Ok(match known_kind(kind) {
        Ok(RuleKind::PostContent) => {
            NewPushRule::PostContent(read::<NewConditionalPushRule>(&body)?)
        }
        Ok(RuleKind::Override) => NewPushRule::Override(read::<NewConditionalPushRule>(&body)?),
        Ok(RuleKind::Underride) => NewPushRule::Underride(read::<NewConditionalPushRule>(&body)?),
        Ok(RuleKind::Content) => NewPushRule::Content(read::<NewPatternedPushRule>(&body)?),
        Ok(RuleKind::Room) => NewPushRule::Room(read::<NewSimplePushRule<_>>(&body)?),
        Ok(RuleKind::Sender) => NewPushRule::Sender(read::<NewSimplePushRule<_>>(&body)?),
        _ => return Err(Error::invalid("Unknown kind of push rule")),
    })
}

fn read<T: DeserializeOwned>(body: &Object) -> Result<T> {
    serde_json::from_slice(&object_to_bytes(body))
        .map_err(|_| Error::bad_json("The push rule is malformed"))
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;
    use proptest::prelude::*;

    use super::*;

    fn rule(kind: &str, body: &str) -> Result<NewPushRule> {
        let body = parse_object(body.as_bytes()).expect("an object");
        new_rule(kind, "!a:b", body)
    }

    #[test]
    fn each_kind_has_its_fields() {
        let actions = r#"{"actions":["notify"]}"#;

        assert!(rule("override", actions).is_ok());
        assert!(rule("room", actions).is_ok());
        assert!(rule("sender", actions).is_err(), "not a user id");
        assert!(matches!(
            rule("content", actions),
            Err(Error::MissingParam("pattern"))
        ));
        assert!(rule("content", r#"{"actions":[],"pattern":"x"}"#).is_ok());
        assert!(matches!(
            rule("override", "{}"),
            Err(Error::MissingParam("actions"))
        ));
        assert!(rule("other", actions).is_err());
    }

    proptest! {
        #[test]
        fn any_body_is_a_rule_or_refused(
            kind in "(override|content|room|sender|underride|x)",
            conditions in r#"(\[\]|\[\{\}\]|\[\{"kind":"[a-z_]{0,9}"\}\]|1)"#,
            actions in r#"(\[\]|\["[a-z]{0,6}"\]|\[\{"set_tweak":"x"\}\]|\[1\]|\{\})"#,
        ) {
            let body = format!(r#"{{"conditions":{conditions},"actions":{actions},"pattern":"x"}}"#);
            if let Ok(rule) = rule(&kind, &body) {
                prop_assert_eq!(rule.rule_id(), "!a:b");
            }
        }
    }
}
