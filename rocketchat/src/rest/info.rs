//! What the server is, and logging in and out.

use axum::extract::State;

use super::body::JsonBody;
use super::dto::{
    FullInfo, Info, LoginBody, LoginData, LogoutData, RegisterBody, StatusReply, UserReply,
};
use super::reply::Reply;
use super::session::RcSession;
use crate::dto::user::Me;
use crate::error::Result;
use crate::state::RocketchatState;

/// `GET /api/info`.
pub(crate) async fn info(State(state): State<RocketchatState>) -> Reply<Info> {
    let version = state.config().version.clone();
    Reply(Info {
        version: version.clone(),
        info: FullInfo { version },
    })
}

/// `POST login`.
pub(crate) async fn login(
    State(state): State<RocketchatState>,
    JsonBody(body): JsonBody<LoginBody>,
) -> Result<Reply<StatusReply<LoginData>>> {
    let login = state.login(body.credentials()?).await?;
    let me = state.me(&login.session).await?;
    let data = LoginData {
        user_id: me.user.id.clone(),
        auth_token: login.token,
        me,
    };
    Ok(Reply(StatusReply {
        status: "success",
        data,
    }))
}

/// `POST logout`.
pub(crate) async fn logout(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
) -> Result<Reply<StatusReply<LogoutData>>> {
    state.homeserver().sessions.logout(&session).await?;
    state.hub().cut_session(&session);
    let data = LogoutData {
        message: "You've been logged out!",
    };
    Ok(Reply(StatusReply {
        status: "success",
        data,
    }))
}

/// `GET me`.
pub(crate) async fn me(
    State(state): State<RocketchatState>,
    RcSession(session): RcSession,
) -> Result<Reply<Me>> {
    state.me(&session).await.map(Reply)
}

/// `POST users.register`.
pub(crate) async fn users_register(
    State(state): State<RocketchatState>,
    JsonBody(body): JsonBody<RegisterBody>,
) -> Result<Reply<UserReply>> {
    let user = state
        .register(&body.username, &body.pass, body.name)
        .await?;
    Ok(Reply(UserReply { user }))
}
