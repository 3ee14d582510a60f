//! Users.

use axum::extract::State;

use super::dto::{PageOf, UserReply, UsersPage};
use super::params::Params;
use super::reply::Reply;
use super::session::RcSession;
use crate::error::{Error, Result};
use crate::state::RocketchatState;

/// The most accounts that are listed.
const MAX_LISTED: usize = 1_000;

/// `GET users.info`.
pub(crate) async fn users_info(
    State(state): State<RocketchatState>,
    RcSession(_): RcSession,
    params: Params,
) -> Result<Reply<UserReply>> {
    let user = match (params.text("userId"), params.text("username")) {
        (Some(id), _) => state.user_by_id(id).await?,
        (None, Some(name)) => state.user_by_name(name).await?,
        (None, None) => {
            let reason = "The required \"userId\" or \"username\" param was not provided";
            return Err(Error::new("error-user-param-not-provided", reason));
        }
    };
    Ok(Reply(UserReply { user }))
}

/// `GET users.list`.
pub(crate) async fn users_list(
    State(state): State<RocketchatState>,
    RcSession(_): RcSession,
    params: Params,
) -> Result<Reply<UsersPage>> {
    let paging = params.paging();
    let mut users = Vec::new();
    for account in state
        .homeserver()
        .sessions
        .list_accounts(None, MAX_LISTED)
        .await?
    {
        if !account.deactivated && !account.guest {
            users.push(state.local_user(account).await?);
        }
    }
    users.sort_by(|one, other| one.username.cmp(&other.username));
    let total = users.len();
    let users = paging.of(users);
    let page = PageOf {
        count: users.len(),
        offset: paging.offset,
        total,
    };
    Ok(Reply(UsersPage { users, page }))
}
