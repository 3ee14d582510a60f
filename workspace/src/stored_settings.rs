//! Settings that were changed.

use std::collections::HashMap;

use gantry_store::schema::SETTING;
use gantry_store::{Scan, hash16};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::settings::{Default, PUBLIC, default_of};
use crate::{Error, ID_LENGTH, Result, Workspace};

/// The most settings that are read at once.
const MAX_SETTINGS: usize = 1_000;

/// How often a change is tried again when somebody else was faster.
const ATTEMPTS: usize = 16;

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its name.
    pub id: &'static str,
    /// Its value.
    pub value: Value,
}

#[derive(Serialize, Deserialize)]
struct Row {
    id: String,
    /// JSON.
    value: String,
    updated_ts: i64,
    v: i64,
}

impl Workspace {
    /// The settings that anybody may read, sorted by name.
    pub async fn public_settings(&self) -> Result<Vec<Setting>> {
        let rows = self
            .inner
            .store
            .scan::<Row>(SETTING, Scan::prefix(&[]).limit(MAX_SETTINGS));
        let stored: HashMap<String, String> = rows
            .await?
            .into_iter()
            .map(|(_, row)| (row.id, row.value))
            .collect();
        let mut settings = Vec::with_capacity(PUBLIC.len());
        for (id, default) in PUBLIC {
            let value = match stored.get(*id) {
                Some(text) => serde_json::from_str(text).map_err(|_| Error::Damaged)?,
                None => self.default_value(id, *default).await?,
            };
            settings.push(Setting { id, value });
        }
        Ok(settings)
    }

    /// One of the settings that anybody may read.
    pub async fn public_setting(&self, id: &str) -> Result<Option<Value>> {
        let Some(default) = default_of(id) else {
            return Ok(None);
        };
        match self.inner.store.get::<Row>(SETTING, &key(id)).await? {
            Some(row) => serde_json::from_str(&row.value)
                .map(Some)
                .map_err(|_| Error::Damaged),
            None => self.default_value(id, default).await.map(Some),
        }
    }

    /// Changes a setting; the value must have the type of the default.
    pub async fn set_setting(&self, id: &str, value: Value) -> Result<()> {
        let default = default_of(id).ok_or(Error::UnknownSetting)?;
        if !fits(default, &value) {
            return Err(Error::WrongType);
        }
        for _ in 0..ATTEMPTS {
            let expected = self
                .inner
                .store
                .get::<Row>(SETTING, &key(id))
                .await?
                .map(|row| row.v);
            if self.put(id, &value, expected).await? {
                return Ok(());
            }
        }
        Err(Error::Contended)
    }

    async fn put(&self, id: &str, value: &Value, expected: Option<i64>) -> Result<bool> {
        let row = Row {
            id: id.to_owned(),
            value: value.to_string(),
            updated_ts: self.inner.clock.now_ms(),
            v: expected.unwrap_or(0) + 1,
        };
        Ok(self
            .inner
            .store
            .put_if(SETTING, key(id), expected, &row)
            .await?)
    }

    async fn default_value(&self, id: &str, default: Default) -> Result<Value> {
        Ok(match default {
            Default::Bool(value) => value.into(),
            Default::Int(value) => value.into(),
            Default::Text(value) => value.into(),
            Default::SiteUrl => self.inner.site_url.clone().into(),
            Default::SiteName => self.inner.site_name.clone().into(),
            Default::UniqueId => self.make_unique_id(id).await?,
        })
    }

    async fn make_unique_id(&self, id: &str) -> Result<Value> {
        let value = Value::from(self.inner.rng.alphanumeric(ID_LENGTH));
        if self.put(id, &value, None).await? {
            return Ok(value);
        }
        let row = self
            .inner
            .store
            .get::<Row>(SETTING, &key(id))
            .await?
            .ok_or(Error::Damaged)?;
        serde_json::from_str(&row.value).map_err(|_| Error::Damaged)
    }
}

fn fits(default: Default, value: &Value) -> bool {
    match default {
        Default::Bool(_) => value.is_boolean(),
        Default::Int(_) => value.is_i64(),
        Default::Text(_) | Default::SiteUrl | Default::SiteName => value.is_string(),
        Default::UniqueId => false,
    }
}

fn key(id: &str) -> Vec<u8> {
    hash16(&[id.as_bytes()]).to_vec()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::workspace;

    #[tokio::test]
    async fn a_setting_has_its_default_until_it_is_changed() {
        let (workspace, _dir) = workspace().await;
        let setting = async |id: &str| workspace.public_setting(id).await.unwrap();

        assert_eq!(setting("Accounts_ShowFormLogin").await, Some(json!(true)));
        assert_eq!(setting("Site_Url").await, Some(json!("http://here.org")));
        assert_eq!(setting("Nonsense").await, None);
        workspace
            .set_setting("Site_Name", json!("Ours"))
            .await
            .unwrap();
        workspace
            .set_setting("Site_Name", json!("Ours!"))
            .await
            .unwrap();

        assert_eq!(setting("Site_Name").await, Some(json!("Ours!")));
        let wrong = workspace.set_setting("E2E_Enable", json!("yes")).await;
        assert!(matches!(wrong, Err(Error::WrongType)));
        let unknown = workspace.set_setting("Nonsense", json!(1)).await;
        assert!(matches!(unknown, Err(Error::UnknownSetting)));
    }

    #[tokio::test]
    async fn the_id_of_the_workspace_is_made_once() {
        let (workspace, _dir) = workspace().await;

        let all = workspace.public_settings().await.unwrap();
        let again = workspace.public_setting("uniqueID").await.unwrap();

        assert_eq!(all.len(), PUBLIC.len());
        assert_eq!(all.last().map(|one| one.value.clone()), again);
        assert_eq!(again.unwrap().as_str().unwrap().len(), ID_LENGTH);
    }
}
