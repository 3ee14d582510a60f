//! `GET /_matrix/client/v3/pushrules/` and `/pushrules/global/`:
//! <https://spec.matrix.org/v1.19/client-server-api/#push-rules-api>.

use axum::extract::State;
use gantry_web::MatrixReply;
use ruma::api::client::push::{get_pushrules_all, get_pushrules_global_scope};

use crate::{ClientApiState, auth::Session, error::Result};

/// All push rules of the user.
pub(crate) async fn get_push_rules(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Result<MatrixReply<get_pushrules_all::v3::Response>> {
    let global = state.homeserver().user_data.push_rules(&session).await?;
    Ok(MatrixReply(get_pushrules_all::v3::Response::new(global)))
}

/// Those of the only scope that there is.
pub(crate) async fn get_push_rules_global(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Result<MatrixReply<get_pushrules_global_scope::v3::Response>> {
    let global = state.homeserver().user_data.push_rules(&session).await?;
    Ok(MatrixReply(get_pushrules_global_scope::v3::Response::new(
        global,
    )))
}
