//! `POST /_matrix/client/v3/rooms/{roomId}/read_markers`:
//! <https://spec.matrix.org/v1.19/client-server-api/#fully-read-markers>.

use axum::extract::State;
use gantry_homeserver::ReadMarkers;
use gantry_web::{Matrix, MatrixReply};
use ruma::api::client::read_marker::set_read_marker::v3;

use crate::{ClientApiState, auth::Session, error::Result};

/// Moves the read marker, and receipts in the same breath.
pub(crate) async fn set_read_marker(
    State(state): State<ClientApiState>,
    Session(session): Session,
    request: Matrix<v3::Request>,
) -> Result<MatrixReply<v3::Response>> {
    let request = request.body;
    let markers = ReadMarkers {
        fully_read: request.fully_read,
        read: request.read_receipt,
        read_private: request.private_read_receipt,
    };
    state
        .homeserver()
        .user_data
        .set_read_markers(&session, &request.room_id, markers)
        .await?;
    Ok(MatrixReply(v3::Response::new()))
}
