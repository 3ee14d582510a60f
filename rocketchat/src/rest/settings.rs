//! Settings that anybody may read.

use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::Value;

use super::dto::PageOf;
use super::params::Params;
use super::reply::Reply;
use super::session::RcSession;
use crate::error::{Error, Result};
use crate::state::RocketchatState;

/// A page of settings.
#[derive(Serialize)]
pub(crate) struct SettingsPage {
    settings: Vec<SettingDto>,
    #[serde(flatten)]
    page: PageOf,
}

/// A setting.
#[derive(Serialize)]
pub(crate) struct SettingDto {
    #[serde(rename = "_id")]
    id: String,
    value: Value,
    enterprise: bool,
}

/// A setting by itself.
#[derive(Serialize)]
pub(crate) struct SettingReply {
    #[serde(rename = "_id")]
    id: String,
    value: Value,
}

/// `GET settings.public`.
pub(crate) async fn settings_public(
    State(state): State<RocketchatState>,
    params: Params,
) -> Result<Reply<SettingsPage>> {
    let of_query = params.ids_of_query();
    let mut wanted = params.list("_id");
    wanted.extend(of_query.iter().map(String::as_str));
    let mut settings = state.homeserver().workspace.public_settings().await?;
    settings.retain(|one| wanted.is_empty() || wanted.contains(&one.id));
    let (paging, total) = (params.paging(), settings.len());
    let settings: Vec<_> = paging
        .of(settings)
        .into_iter()
        .map(|one| SettingDto {
            id: one.id.to_owned(),
            value: one.value,
            enterprise: false,
        })
        .collect();
    let page = PageOf {
        count: settings.len(),
        offset: paging.offset,
        total,
    };
    Ok(Reply(SettingsPage { settings, page }))
}

/// `GET settings/{_id}`.
pub(crate) async fn setting(
    State(state): State<RocketchatState>,
    RcSession(_): RcSession,
    Path(id): Path<String>,
) -> Result<Reply<SettingReply>> {
    let value = state.homeserver().workspace.public_setting(&id).await?;
    let value = value.ok_or_else(|| Error::new("error-not-allowed", "Not allowed"))?;
    Ok(Reply(SettingReply { id, value }))
}
