//! Questions of other servers about our users and aliases, and about us.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Query, State},
};
use gantry_model::{Object, Value, id::RoomAliasId};

use super::{Answer, reply};
use crate::{
    Error, Federation,
    auth::ServerOrigin,
    wire::{object, user_id},
};

/// The most servers of a room that are named.
const MAX_SERVERS: usize = 100;

type Parameters = Query<HashMap<String, String>>;

/// `GET /_matrix/federation/v1/version`
pub(super) async fn get_version() -> Json<Value> {
    let server = object([
        ("name", "Gantry".into()),
        ("version", env!("CARGO_PKG_VERSION").into()),
    ]);
    reply([("server", server.into())])
}

/// `GET /_matrix/federation/v1/query/directory`
pub(super) async fn query_directory(
    State(federation): State<Federation>,
    Query(parameters): Parameters,
    _: ServerOrigin,
) -> Answer {
    let alias = parameters
        .get("room_alias")
        .and_then(|alias| RoomAliasId::parse(alias).ok());
    let alias = alias.ok_or(Error::BadRequest("room_alias is missing"))?;
    let found = federation
        .rooms()
        .alias(&alias)
        .await?
        .ok_or(Error::NotFound("unknown alias"))?;
    let us = federation.us();
    let view = federation.rooms().view(&found.room_id).await?;
    let servers = view.map(|view| view.servers()).unwrap_or_default();
    let others = servers
        .iter()
        .filter(|server| *server != us)
        .take(MAX_SERVERS);
    let servers: Vec<Value> = std::iter::once(us)
        .chain(others.map(|server| &**server))
        .map(|name| name.as_str().into())
        .collect();
    Ok(reply([
        ("room_id", found.room_id.as_str().into()),
        ("servers", servers.into()),
    ]))
}

/// `GET /_matrix/federation/v1/query/profile`
pub(super) async fn query_profile(
    State(federation): State<Federation>,
    Query(parameters): Parameters,
    _: ServerOrigin,
) -> Answer {
    let not_found = || Error::NotFound("there is no such user");
    let user = parameters.get("user_id").and_then(|user| user_id(user));
    let user = user.ok_or(Error::BadRequest("user_id is missing"))?;
    let account = federation
        .accounts()
        .account(&user)
        .await?
        .ok_or_else(not_found)?;
    if account.deactivated {
        return Err(not_found());
    }
    let mut profile: Object = account
        .profile
        .into_iter()
        .map(|(key, value)| (key, value.into()))
        .collect();
    let mut set = |key: &str, value: Option<String>| {
        profile.extend(value.map(|value| (key.to_owned(), value.into())));
    };
    set("displayname", account.display_name);
    set("avatar_url", account.avatar_url);
    if let Some(field) = parameters.get("field") {
        profile.retain(|key, _| key == field);
    }
    Ok(Json(profile.into()))
}
