//! `GET /_matrix/client/v3/account/whoami`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3accountwhoami>.

use gantry_web::MatrixReply;
use ruma::api::client::account::whoami::v3;

use crate::auth::Session;

/// Who holds the token.
pub(crate) async fn get_token_owner(Session(session): Session) -> MatrixReply<v3::Response> {
    let mut response = v3::Response::new(session.user_id, session.guest);
    // An application service need not act as a device.
    response.device_id = Some(session.device_id).filter(|device| !device.as_str().is_empty());
    MatrixReply(response)
}
