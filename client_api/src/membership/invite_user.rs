//! `POST /_matrix/client/v3/rooms/{roomId}/invite`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite>.

use axum::{Json, extract::State};
use gantry_homeserver::AddressAt;
use gantry_model::id::{OwnedRoomId, OwnedServerName};
use serde::Deserialize;

use super::TargetBody;
use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Whom to invite: by id or, through an identity server, by address.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Body {
    Address(AddressBody),
    User(TargetBody),
}

/// An address, and who knows whose it is.
#[derive(Debug, Deserialize)]
pub(crate) struct AddressBody {
    id_server: OwnedServerName,
    id_access_token: String,
    medium: String,
    address: String,
}

impl From<AddressBody> for AddressAt {
    fn from(body: AddressBody) -> Self {
        Self {
            id_server: body.id_server,
            id_access_token: body.id_access_token,
            medium: body.medium,
            address: body.address,
        }
    }
}

/// Invites a user of this or another server.
pub(crate) async fn invite_user(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    let membership = &state.homeserver().membership;
    match body {
        Body::User(TargetBody { user_id, reason }) => {
            membership.invite(&session, &room, &user_id, reason).await?;
        }
        Body::Address(body) => {
            let at = body.into();
            membership.invite_by_address(&session, &room, &at).await?;
        }
    }
    Ok(Json(Done {}))
}
