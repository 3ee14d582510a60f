//! Push rules: the predefined ones, as the user has changed them.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#push-rules>.

use std::{collections::HashMap, sync::Arc};

use gantry_model::Object;
use gantry_model::id::{OwnedUserId, UserId};
use gantry_store::Position;
use gantry_store::schema::DATA;
use parking_lot::Mutex;
use ruma::push::{ConditionalPushRule, PatternedPushRule, PatternedPushRuleInit, Ruleset};
use serde::Deserialize;
use serde_json::json;

use crate::account_data::DatumRow;
use crate::{AccountDatum, Accounts, Error, Result, keys};

/// The account data that holds them.
pub const PUSH_RULES: &str = "m.push_rules";

/// The predefined rules of polls (MSC3930), which the library has behind a switch only.
const POLL_RULES: &str = include_str!("push_rules/polls.json");

/// The predefined rules for mentions in the text, which `m.mentions` has superseded. Clients that
/// write no `m.mentions` still rely on them; they say nothing of events that have one.
const LEGACY_RULES: &str = include_str!("push_rules/legacy.json");

/// The rules of so many users are kept in memory.
const MAX_KEPT: usize = 10_000;

#[derive(Deserialize)]
struct PollRules {
    r#override: Vec<ConditionalPushRule>,
    underride: Vec<ConditionalPushRule>,
}

#[derive(Deserialize)]
struct LegacyRules {
    contains_display_name: ConditionalPushRule,
    roomnotif: ConditionalPushRule,
}

#[derive(Deserialize)]
struct Stored {
    global: Ruleset,
}

/// The rules of a user at one moment.
#[derive(Clone, Debug)]
pub struct UserPushRules {
    /// The rules, the predefined ones among them.
    pub rules: Arc<Ruleset>,
    /// Where in the stream their last change stands; `None`: the user has changed nothing.
    pub position: Option<Position>,
    /// Whether they depend on the threads that the user follows (MSC4306).
    pub asks_for_threads: bool,
}

/// Rules that were read, so that counting what is unread does not parse them each time.
#[derive(Default)]
pub(crate) struct PushRuleCache(Mutex<HashMap<OwnedUserId, UserPushRules>>);

impl PushRuleCache {
    fn find(&self, user: &UserId, position: Option<Position>) -> Option<UserPushRules> {
        let kept = self.0.lock().get(user).cloned()?;
        (kept.position == position).then_some(kept)
    }

    fn keep(&self, user: &UserId, rules: &UserPushRules) {
        let mut kept = self.0.lock();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(user.to_owned(), rules.clone());
    }
}

impl Accounts {
    /// The push rules of a user.
    pub async fn push_rules(&self, user: &UserId) -> Result<Ruleset> {
        Ok(Ruleset::clone(&*self.user_push_rules(user).await?.rules))
    }

    /// The push rules of a user, and when they changed last.
    pub async fn user_push_rules(&self, user: &UserId) -> Result<UserPushRules> {
        let key = keys::account_datum(user, None, PUSH_RULES);
        let row = self.inner.store.get::<DatumRow>(DATA, &key).await?;
        let position = row.as_ref().map(DatumRow::position);
        if let Some(kept) = self.inner.push_rules.find(user, position) {
            return Ok(kept);
        }
        let datum = row.map(DatumRow::into_datum).transpose()?;
        let content = datum.map(|datum| datum.content);
        let rules = merged(user, content.as_ref());
        let read = UserPushRules {
            asks_for_threads: asks_for_threads(&rules),
            rules: Arc::new(rules),
            position,
        };
        self.inner.push_rules.keep(user, &read);
        Ok(read)
    }

    /// Stores what `change` makes of the user's push rules; it is asked again when somebody else
    /// was faster. What it refuses is returned inside, and then nothing is stored.
    pub async fn change_push_rules<E>(
        &self,
        user: &UserId,
        mut change: impl FnMut(&mut Ruleset) -> Result<(), E>,
    ) -> Result<Result<(), E>> {
        let mut outcome = Ok(());
        let changed = |content: Option<Object>| {
            let mut rules = merged(user, content.as_ref());
            outcome = change(&mut rules);
            outcome.as_ref().ok()?;
            content_of(&rules).ok()
        };
        self.change_account_data(user, None, PUSH_RULES, changed)
            .await?;
        Ok(outcome)
    }

    /// What clients shall see of a piece of account data: push rules with what is predefined now,
    /// everything else as it is.
    pub fn shown_datum(&self, user: &UserId, mut datum: AccountDatum) -> Result<AccountDatum> {
        if datum.kind == PUSH_RULES && datum.room.is_none() {
            datum.content = content_of(&merged(user, Some(&datum.content)))?;
        }
        Ok(datum)
    }
}

/// The content of the account data for rules.
fn content_of(rules: &Ruleset) -> Result<Object> {
    let text = serde_json::to_vec(&json!({ "global": rules })).map_err(Error::Damaged)?;
    serde_json::from_slice(&text).map_err(Error::Damaged)
}

/// The predefined rules with what the user stored. Where the user wrote something else there, he
/// has the predefined ones.
fn merged(user: &UserId, content: Option<&Object>) -> Ruleset {
    let predefined = predefined(user);
    let stored = content
        .and_then(|content| serde_json::to_value(content).ok())
        .and_then(|value| serde_json::from_value::<Stored>(value).ok());
    match stored {
        Some(Stored { global: mut rules }) => {
            let stored = std::mem::take(&mut rules.postcontent);
            let of_threads = predefined.postcontent.clone();
            rules.update_with_server_default(predefined);
            // The library leaves this kind out. Nobody has rules of his own in it.
            rules.postcontent = of_threads
                .into_iter()
                .map(|rule| stored.get(rule.rule_id.as_str()).cloned().unwrap_or(rule))
                .collect();
            rules
        }
        None => predefined,
    }
}

/// The rules of a user who has changed nothing.
fn predefined(user: &UserId) -> Ruleset {
    let polls: PollRules = serde_json::from_str(POLL_RULES).expect("the file holds push rules");
    let legacy: LegacyRules =
        serde_json::from_str(LEGACY_RULES).expect("the file holds push rules");
    let mut rules = Ruleset::server_default(user);
    insert_after(
        &mut rules,
        ".m.rule.is_user_mention",
        legacy.contains_display_name,
    );
    insert_after(&mut rules, ".m.rule.is_room_mention", legacy.roomnotif);
    rules.content.insert(contains_user_name(user));
    rules.override_.extend(polls.r#override);
    rules.underride.extend(polls.underride);
    rules.postcontent = rules
        .postcontent
        .into_iter()
        .map(|mut rule| {
            // A client that does not know of them would lose what is said in threads, so they are
            // off until one switches them on.
            rule.enabled = false;
            rule
        })
        .collect();
    rules
}

/// Whether a user's rules depend on the threads that he follows.
fn asks_for_threads(rules: &Ruleset) -> bool {
    rules.postcontent.iter().any(|rule| rule.enabled)
}

fn insert_after(rules: &mut Ruleset, place: &str, rule: ConditionalPushRule) {
    let at = rules.override_.get_index_of(place);
    let at = at.map_or(rules.override_.len(), |at| at + 1);
    rules.override_.shift_insert(at, rule);
}

fn contains_user_name(user: &UserId) -> PatternedPushRule {
    let actions = json!([
        "notify",
        { "set_tweak": "sound", "value": "default" },
        { "set_tweak": "highlight" }
    ]);
    PatternedPushRuleInit {
        actions: serde_json::from_value(actions).expect("these are actions"),
        default: true,
        enabled: true,
        rule_id: ".m.rule.contains_user_name".to_owned(),
        pattern: user.localpart().to_owned(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use gantry_model::Object;
    use serde_json::{Value, json};

    use crate::testing::{accounts, user};

    async fn rules(accounts: &crate::Accounts) -> Value {
        let rules = accounts.push_rules(&user("alice")).await.unwrap();
        serde_json::to_value(rules).unwrap()
    }

    fn ids(rules: &Value, kind: &str) -> Vec<String> {
        let list = rules[kind].as_array().unwrap();
        list.iter()
            .map(|rule| rule["rule_id"].as_str().unwrap().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn everybody_has_the_predefined_rules() {
        let (accounts, _dir) = accounts().await;

        let rules = rules(&accounts).await;

        let (first, polls) = (ids(&rules, "override"), ids(&rules, "underride"));
        assert_eq!(first[0], ".m.rule.master");
        assert!(first.contains(&".m.rule.is_user_mention".to_owned()));
        assert!(first.contains(&".org.matrix.msc3930.rule.poll_response".to_owned()));
        assert!(polls.contains(&".m.rule.message".to_owned()));
        assert!(polls.contains(&".org.matrix.msc3930.rule.poll_start".to_owned()));
    }

    #[tokio::test]
    async fn what_the_user_changed_stays_changed() {
        let (accounts, _dir) = accounts().await;
        let mut changed = rules(&accounts).await;
        changed["override"][0]["enabled"] = true.into();
        changed["room"] = json!([{
            "rule_id": "!quiet:server", "default": false, "enabled": true, "actions": []
        }]);
        let content: Object = serde_json::from_value(json!({ "global": changed })).unwrap();

        accounts
            .set_account_data(&user("alice"), None, super::PUSH_RULES, content)
            .await
            .unwrap();

        let rules = rules(&accounts).await;
        assert_eq!(rules["override"][0]["rule_id"], ".m.rule.master");
        assert_eq!(rules["override"][0]["enabled"], true);
        assert_eq!(ids(&rules, "room"), ["!quiet:server"]);
    }

    #[tokio::test]
    async fn nonsense_in_its_place_leaves_the_predefined_rules() {
        let (accounts, _dir) = accounts().await;
        let before = rules(&accounts).await;

        let nonsense = Object::from([("global".to_owned(), 5.into())]);
        accounts
            .set_account_data(&user("alice"), None, super::PUSH_RULES, nonsense)
            .await
            .unwrap();

        assert_eq!(rules(&accounts).await, before);
    }

    #[tokio::test]
    async fn the_rules_for_text_mentions_stand_beside_their_successors() {
        let (accounts, _dir) = accounts().await;

        let rules = rules(&accounts).await;

        let first = ids(&rules, "override");
        let place = |id: &str| first.iter().position(|one| one == id).unwrap();
        assert_eq!(
            place(".m.rule.contains_display_name"),
            place(".m.rule.is_user_mention") + 1
        );
        assert_eq!(
            place(".m.rule.roomnotif"),
            place(".m.rule.is_room_mention") + 1
        );
        assert_eq!(ids(&rules, "content"), [".m.rule.contains_user_name"]);
        assert_eq!(rules["content"][0]["pattern"], "alice");
    }

    #[tokio::test]
    async fn a_change_is_stored_and_a_refused_one_is_not() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");

        let done = accounts
            .change_push_rules(&alice, |rules| {
                rules.set_enabled(ruma::push::RuleKind::Override, ".m.rule.master", true)
            })
            .await
            .unwrap();
        let refused = accounts
            .change_push_rules(&alice, |rules| {
                rules.set_enabled(ruma::push::RuleKind::Override, "nothing", true)
            })
            .await
            .unwrap();

        assert!(done.is_ok() && refused.is_err());
        assert_eq!(rules(&accounts).await["override"][0]["enabled"], true);
        let stored = accounts
            .account_data(&alice, None, super::PUSH_RULES)
            .await
            .unwrap();
        assert!(stored.unwrap().contains_key("global"));
    }

    #[tokio::test]
    async fn the_rules_of_threads_are_there_and_switched_by_the_user_alone() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        let names = [
            ".io.element.msc4306.rule.unsubscribed_thread",
            ".io.element.msc4306.rule.subscribed_thread",
        ];

        let before = rules(&accounts).await;
        let kind = ruma::push::RuleKind::PostContent;
        accounts
            .change_push_rules(&alice, |rules| {
                rules.set_enabled(kind.clone(), names[0], true)
            })
            .await
            .unwrap()
            .unwrap();

        assert_eq!(ids(&before, "postcontent"), names);
        assert_eq!(before["postcontent"][1]["enabled"], false);
        let after = rules(&accounts).await;
        assert_eq!(ids(&after, "postcontent"), names);
        assert_eq!(after["postcontent"][0]["enabled"], true);
        assert_eq!(after["postcontent"][1]["enabled"], false);
        let read = accounts.user_push_rules(&alice).await.unwrap();
        assert!(read.asks_for_threads);
    }
}
