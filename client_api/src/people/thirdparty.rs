//! `/_matrix/client/v3/thirdparty`: no bridge tells this server of other networks, so there are
//! none, and nobody on them:
//! <https://spec.matrix.org/v1.19/client-server-api/#third-party-networks>.

use std::collections::BTreeMap;

use axum::Json;

use crate::{
    auth::Session,
    error::{Error, Result},
};

/// Nothing of a kind.
type Nothing = BTreeMap<String, String>;

/// The networks.
pub(crate) async fn get_protocols(Session(_): Session) -> Json<Nothing> {
    Json(Nothing::new())
}

/// One network, which is never known.
pub(crate) async fn get_protocol(Session(_): Session) -> Result<Json<Nothing>> {
    Err(Error::not_found("Unknown protocol"))
}

/// Users or places of networks.
pub(crate) async fn get_matches(Session(_): Session) -> Json<Vec<Nothing>> {
    Json(Vec::new())
}
