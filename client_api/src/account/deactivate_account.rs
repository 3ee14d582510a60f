//! `POST /_matrix/client/v3/account/deactivate`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate>.

use axum::extract::State;
use gantry_homeserver::Deactivate;
use gantry_web::MatrixReply;
use ruma::api::client::account::{ThirdPartyIdRemovalStatus, deactivate::v3};
use serde::Deserialize;

use crate::{ClientApiState, auth::OptionalSession, error::Result, extract::UiaBody, uia::done};

/// What becomes of the user's events.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    #[serde(default)]
    erase: bool,
}

/// Ends the account for good, once the password was given.
pub(crate) async fn deactivate_account(
    State(state): State<ClientApiState>,
    OptionalSession(session): OptionalSession,
    UiaBody { body, auth }: UiaBody<Body>,
) -> Result<MatrixReply<v3::Response>> {
    let request = Deactivate {
        erase: body.erase,
        auth,
    };
    done(
        state
            .homeserver()
            .sessions
            .deactivate(session.as_ref(), request)
            .await?,
    )?;
    // There is no identity server to take anything away from.
    Ok(MatrixReply(v3::Response::new(
        ThirdPartyIdRemovalStatus::NoSupport,
    )))
}
