//! `POST /_matrix/client/v3/account/deactivate`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate>.

use axum::extract::State;
use gantry_homeserver::AuthData;
use gantry_web::MatrixReply;
use ruma::api::client::account::{ThirdPartyIdRemovalStatus, deactivate::v3};
use serde::Deserialize;

use crate::{ClientApiState, auth::Session, error::Result, extract::JsonBody, uia::done};

/// The client's authentication.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    auth: Option<AuthData>,
}

/// Ends the account for good, once the password was given.
pub(crate) async fn deactivate_account(
    State(state): State<ClientApiState>,
    Session(session): Session,
    JsonBody(body): JsonBody<Body>,
) -> Result<MatrixReply<v3::Response>> {
    done(
        state
            .homeserver()
            .sessions
            .deactivate(&session, body.auth)
            .await?,
    )?;
    // There is no identity server to take anything away from.
    Ok(MatrixReply(v3::Response::new(
        ThirdPartyIdRemovalStatus::NoSupport,
    )))
}
