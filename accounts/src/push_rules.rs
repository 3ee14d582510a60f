//! Push rules: the predefined ones, as the user has changed them.

use gantry_model::id::UserId;
use ruma::push::{ConditionalPushRule, Ruleset};
use serde::Deserialize;

use crate::{Accounts, Result};

/// The account data that holds them.
const KIND: &str = "m.push_rules";

/// The predefined rules of polls (MSC3930), which the library has behind a switch only.
const POLL_RULES: &str = include_str!("push_rules/polls.json");

#[derive(Deserialize)]
struct PollRules {
    r#override: Vec<ConditionalPushRule>,
    underride: Vec<ConditionalPushRule>,
}

#[derive(Deserialize)]
struct Stored {
    global: Ruleset,
}

impl Accounts {
    /// The push rules of a user.
    pub async fn push_rules(&self, user: &UserId) -> Result<Ruleset> {
        let predefined = predefined(user);
        let Some(content) = self.account_data(user, None, KIND).await? else {
            return Ok(predefined);
        };
        let stored = serde_json::to_value(&content).and_then(serde_json::from_value::<Stored>);
        let Ok(Stored { global: mut rules }) = stored else {
            // The user wrote something else there: he has the predefined ones.
            return Ok(predefined);
        };
        rules.update_with_server_default(predefined);
        Ok(rules)
    }
}

/// The rules of a user who has changed nothing.
fn predefined(user: &UserId) -> Ruleset {
    let polls: PollRules = serde_json::from_str(POLL_RULES).expect("the file holds push rules");
    let mut rules = Ruleset::server_default(user);
    rules.override_.extend(polls.r#override);
    rules.underride.extend(polls.underride);
    rules
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
            .set_account_data(&user("alice"), None, super::KIND, content)
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
            .set_account_data(&user("alice"), None, super::KIND, nonsense)
            .await
            .unwrap();

        assert_eq!(rules(&accounts).await, before);
    }
}
