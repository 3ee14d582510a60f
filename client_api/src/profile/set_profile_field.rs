//! `PUT` and `DELETE /_matrix/client/v3/profile/{userId}/{keyName}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname>.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use gantry_homeserver::Session as UserSession;
use gantry_model::{ErrorKind, id::OwnedUserId};
use serde_json::Value;

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::{Error, Result},
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Sets a field of the user's profile.
pub(crate) async fn set_profile_field(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, field)): PathArgs<(OwnedUserId, String)>,
    JsonBody(mut body): JsonBody<BTreeMap<String, Value>>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    let value = match body.remove(&field) {
        Some(value) => Some(value),
        // Clients that take a name or picture away leave the field out.
        None if is_text_field(&field) => None,
        None => return Err(Error::MissingParam("the field that the path names")),
    };
    set(&state, &session, &field, value).await
}

/// Takes a field away.
pub(crate) async fn delete_profile_field(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, field)): PathArgs<(OwnedUserId, String)>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    set(&state, &session, &field, None).await
}

async fn set(
    state: &ClientApiState,
    session: &UserSession,
    field: &str,
    value: Option<Value>,
) -> Result<Json<Done>> {
    let profiles = &state.homeserver().profiles;
    match field {
        "displayname" => profiles.set_display_name(session, text(value)?).await?,
        "avatar_url" => profiles.set_avatar_url(session, text(value)?).await?,
        // Other fields are shown, but cannot be set yet; the capabilities say so.
        _ => {
            return Err(Error::Refused {
                kind: ErrorKind::Unrecognized,
                reason: "Only displayname and avatar_url can be set",
            });
        }
    }
    Ok(Json(Done {}))
}

fn is_text_field(field: &str) -> bool {
    matches!(field, "displayname" | "avatar_url")
}

/// A text; empty text is none.
fn text(value: Option<Value>) -> Result<Option<String>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(Error::bad_json("The field must be text")),
    }
}
