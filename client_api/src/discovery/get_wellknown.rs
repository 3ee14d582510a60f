//! `GET /.well-known/matrix/client` and `GET /.well-known/matrix/server`, for sites whose web
//! server hands these paths to us:
//! <https://spec.matrix.org/v1.19/client-server-api/#well-known-uri>.

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{
    ClientApiState,
    error::{Error, Result},
};

/// Where clients find the server.
#[derive(Debug, Serialize)]
pub(crate) struct ClientWellKnown {
    #[serde(rename = "m.homeserver")]
    homeserver: HomeserverUrl,
}

/// The address of the client-server API.
#[derive(Debug, Serialize)]
struct HomeserverUrl {
    base_url: String,
}

impl ClientWellKnown {
    /// The document for this address.
    pub(crate) fn new(base_url: String) -> Self {
        Self {
            homeserver: HomeserverUrl { base_url },
        }
    }
}

/// Where other servers find the server.
#[derive(Debug, Serialize)]
pub(crate) struct ServerWellKnown {
    #[serde(rename = "m.server")]
    server: String,
}

/// Tells clients the address, if one is configured.
pub(crate) async fn get_wellknown(
    State(state): State<ClientApiState>,
) -> Result<Json<ClientWellKnown>> {
    let base_url = state
        .homeserver()
        .config()
        .well_known
        .client_base_url
        .clone();
    let base_url = base_url.ok_or_else(|| Error::not_found("Not configured"))?;
    Ok(Json(ClientWellKnown::new(base_url)))
}

/// Tells other servers the address, if one is configured.
pub(crate) async fn get_wellknown_server(
    State(state): State<ClientApiState>,
) -> Result<Json<ServerWellKnown>> {
    let server = state
        .homeserver()
        .config()
        .well_known
        .server
        .clone()
        .ok_or_else(|| Error::not_found("Not configured"))?;
    Ok(Json(ServerWellKnown { server }))
}
