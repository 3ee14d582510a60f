//! `PUT` and `DELETE /_matrix/client/v3/profile/{userId}/{keyName}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname>.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use gantry_homeserver::Propagate;
use gantry_model::id::OwnedUserId;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::{Error, Result},
    extract::{JsonBody, PathArgs, QueryArgs},
    reply::Done,
};

/// Which rooms are told (MSC4466).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    #[serde(
        default,
        rename = "computer.gingershaped.msc4466.propagate_to",
        alias = "propagate_to"
    )]
    propagate_to: PropagateTo,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PropagateTo {
    #[default]
    All,
    Unchanged,
    None,
}

impl From<PropagateTo> for Propagate {
    fn from(wish: PropagateTo) -> Self {
        match wish {
            PropagateTo::All => Self::All,
            PropagateTo::Unchanged => Self::Unchanged,
            PropagateTo::None => Self::Nowhere,
        }
    }
}

/// Sets a field of the user's profile.
pub(crate) async fn set_profile_field(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, field)): PathArgs<(OwnedUserId, String)>,
    QueryArgs(query): QueryArgs<Query>,
    JsonBody(mut body): JsonBody<BTreeMap<String, Value>>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    let value = body
        .remove(&field)
        .ok_or(Error::MissingParam("the field that the path names"))?;
    let profiles = &state.homeserver().profiles;
    profiles
        .put_field(&session, &field, Some(value), query.propagate_to.into())
        .await?;
    Ok(Json(Done {}))
}

/// Takes a field away.
pub(crate) async fn delete_profile_field(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, field)): PathArgs<(OwnedUserId, String)>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    let profiles = &state.homeserver().profiles;
    profiles
        .put_field(&session, &field, None, query.propagate_to.into())
        .await?;
    Ok(Json(Done {}))
}
