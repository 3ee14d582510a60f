//! `POST /_matrix/client/v3/account/password`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword>.

use axum::extract::State;
use gantry_homeserver::ChangePassword;
use gantry_web::MatrixReply;
use ruma::api::client::account::change_password::v3;
use serde::Deserialize;

use crate::{ClientApiState, auth::OptionalSession, error::Result, extract::UiaBody, uia::done};

/// The new password.
#[derive(Deserialize)]
pub(crate) struct Body {
    new_password: String,
    #[serde(default = "yes")]
    logout_devices: bool,
}

fn yes() -> bool {
    true
}

/// Changes the password, once the old one was given or an address of the account was proven.
pub(crate) async fn change_password(
    State(state): State<ClientApiState>,
    OptionalSession(session): OptionalSession,
    UiaBody { body, auth }: UiaBody<Body>,
) -> Result<MatrixReply<v3::Response>> {
    let request = ChangePassword {
        new_password: body.new_password,
        logout_devices: body.logout_devices,
        auth,
    };
    done(
        state
            .homeserver()
            .sessions
            .change_password(session.as_ref(), request)
            .await?,
    )?;
    Ok(MatrixReply(v3::Response::new()))
}
