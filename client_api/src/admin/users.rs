//! `/_synapse/admin/v2/users`:
//! <https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html>.

use axum::{Json, extract::State};
use gantry_homeserver::{Account, Threepid, UserChange, UserQuery};
use gantry_model::id::OwnedUserId;
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::{JsonBody, PathArgs, QueryArgs},
};

/// Which users.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    #[serde(default)]
    from: usize,
    limit: Option<usize>,
    name: Option<String>,
    user_id: Option<String>,
    guests: Option<bool>,
    #[serde(default)]
    deactivated: bool,
    admins: Option<bool>,
}

/// A page of users.
#[derive(Debug, Serialize)]
pub(crate) struct Users {
    users: Vec<ListedUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    total: usize,
}

#[derive(Debug, Serialize)]
struct ListedUser {
    name: OwnedUserId,
    is_guest: bool,
    admin: bool,
    user_type: Option<&'static str>,
    deactivated: bool,
    erased: bool,
    shadow_banned: bool,
    displayname: Option<String>,
    avatar_url: Option<String>,
    /// Milliseconds.
    creation_ts: i64,
    approved: bool,
    locked: bool,
}

/// One user.
#[derive(Debug, Serialize)]
pub(crate) struct User {
    name: OwnedUserId,
    displayname: Option<String>,
    threepids: Vec<ThreepidBody>,
    avatar_url: Option<String>,
    is_guest: bool,
    admin: bool,
    deactivated: bool,
    erased: bool,
    shadow_banned: bool,
    locked: bool,
    suspended: bool,
    /// Seconds, other than in lists.
    creation_ts: i64,
    appservice_id: Option<String>,
    consent_server_notice_sent: Option<String>,
    consent_version: Option<String>,
    consent_ts: Option<i64>,
    external_ids: Vec<String>,
    user_type: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct ThreepidBody {
    medium: String,
    address: String,
    added_at: i64,
    validated_at: i64,
}

/// What becomes of a user; what is left out stays.
#[derive(Deserialize)]
#[expect(
    clippy::option_option,
    reason = "what is left out stays, what is null goes"
)]
pub(crate) struct Body {
    password: Option<String>,
    #[serde(default = "yes")]
    logout_devices: bool,
    #[serde(default, deserialize_with = "present")]
    displayname: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    avatar_url: Option<Option<String>>,
    admin: Option<bool>,
    deactivated: Option<bool>,
    locked: Option<bool>,
    threepids: Option<Vec<WishedThreepid>>,
}

#[derive(Debug, Deserialize)]
struct WishedThreepid {
    medium: String,
    address: String,
}

fn yes() -> bool {
    true
}

/// Tells a `null` from what is left out.
#[expect(
    clippy::option_option,
    reason = "what is left out stays, what is null goes"
)]
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Lists users.
pub(crate) async fn get_users(
    State(state): State<ClientApiState>,
    Session(session): Session,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Users>> {
    let wanted = UserQuery {
        from: query.from,
        limit: query.limit,
        name: query.name,
        user_id: query.user_id,
        guests: query.guests,
        deactivated: query.deactivated,
        admins: query.admins,
    };
    let administration = &state.homeserver().administration;
    let (found, total) = administration.users(&session, &wanted).await?;
    let end = query.from + found.len();
    Ok(Json(Users {
        users: found.into_iter().map(listed).collect(),
        next_token: (end < total).then(|| end.to_string()),
        total,
    }))
}

/// Tells one user.
pub(crate) async fn get_user(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<User>> {
    let administration = &state.homeserver().administration;
    let (account, threepids) = administration.user(&session, &user).await?;
    Ok(Json(whole(account, threepids)))
}

/// Changes a user, or makes him: 200 or 201.
pub(crate) async fn put_user(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<Body>,
) -> Result<(StatusCode, Json<User>)> {
    let administration = &state.homeserver().administration;
    let change = UserChange {
        password: body.password,
        logout_devices: body.logout_devices,
        display_name: body.displayname,
        avatar_url: body.avatar_url,
        admin: body.admin,
        deactivated: body.deactivated,
        locked: body.locked,
        threepids: body.threepids.map(emails).transpose()?,
    };
    let is_new = administration.put_user(&session, &user, change).await?;
    let (account, threepids) = administration.user(&session, &user).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(whole(account, threepids))))
}

fn emails(wished: Vec<WishedThreepid>) -> Result<Vec<(String, String)>> {
    wished
        .into_iter()
        .map(|one| match one.medium.as_str() {
            "email" => Ok((one.medium, one.address)),
            _ => Err(Error::invalid("Only the medium email is supported")),
        })
        .collect()
}

fn listed(account: Account) -> ListedUser {
    ListedUser {
        name: account.user_id,
        is_guest: account.guest,
        admin: account.admin,
        user_type: None,
        deactivated: account.deactivated,
        erased: account.erased,
        shadow_banned: false,
        displayname: account.display_name,
        avatar_url: account.avatar_url,
        creation_ts: account.created_ts,
        approved: true,
        locked: account.locked,
    }
}

fn whole(account: Account, threepids: Vec<Threepid>) -> User {
    let threepids = threepids.into_iter().map(|one| ThreepidBody {
        medium: one.medium,
        address: one.address,
        added_at: one.added_ts,
        validated_at: one.validated_ts,
    });
    User {
        name: account.user_id,
        displayname: account.display_name,
        threepids: threepids.collect(),
        avatar_url: account.avatar_url,
        is_guest: account.guest,
        admin: account.admin,
        deactivated: account.deactivated,
        erased: account.erased,
        shadow_banned: false,
        locked: account.locked,
        suspended: account.suspended,
        creation_ts: account.created_ts / 1_000,
        appservice_id: account.appservice,
        consent_server_notice_sent: None,
        consent_version: None,
        consent_ts: None,
        external_ids: Vec::new(),
        user_type: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_takes_away_and_what_is_left_out_stays() {
        let body: Body = serde_json::from_str(r#"{"displayname":null}"#).expect("a body");

        assert_eq!(body.displayname, Some(None));
        assert_eq!(body.avatar_url, None);
        assert!(body.logout_devices);
    }
}
