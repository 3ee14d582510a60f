//! `GET /_matrix/client/v3/profile/{userId}` and `GET .../{keyName}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuserid>.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use gantry_homeserver::Profile;
use gantry_model::id::OwnedUserId;
use serde_json::Value;

use crate::{
    ClientApiState,
    error::{Error, Result},
    extract::PathArgs,
};

/// Fields of a profile.
type Fields = BTreeMap<String, Value>;

/// All that everybody may know of a user.
pub(crate) async fn get_user_profile(
    State(state): State<ClientApiState>,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<Fields>> {
    Ok(Json(fields(
        state.homeserver().profiles.profile(&user).await?,
    )))
}

/// One field of it. A name or picture that is not set is an empty answer, as it always was; another
/// field is not found.
pub(crate) async fn get_profile_field(
    State(state): State<ClientApiState>,
    PathArgs((user, field)): PathArgs<(OwnedUserId, String)>,
) -> Result<Json<Fields>> {
    let mut fields = fields(state.homeserver().profiles.profile(&user).await?);
    fields.retain(|key, _| *key == field);
    if fields.is_empty() && !matches!(field.as_str(), "displayname" | "avatar_url") {
        return Err(Error::not_found("The profile has no such field"));
    }
    Ok(Json(fields))
}

fn fields(profile: Profile) -> Fields {
    let mut fields = profile.fields;
    let own = [
        ("displayname", profile.displayname),
        ("avatar_url", profile.avatar_url),
    ];
    for (key, value) in own {
        if let Some(value) = value {
            fields.insert(key.to_owned(), value.into());
        }
    }
    fields
}
