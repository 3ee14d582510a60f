//! `GET /_matrix/client/v3/login`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login>.

use axum::{Json, extract::State};
use serde::Serialize;

use crate::ClientApiState;

/// The ways to log in.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    flows: Vec<Flow>,
}

#[derive(Debug, Serialize)]
struct Flow {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Whether a session can ask for a token for another one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    get_login_token: bool,
}

impl Flow {
    fn of(kind: &'static str) -> Self {
        Self {
            kind,
            get_login_token: kind == "m.login.token",
        }
    }
}

/// Tells the ways to log in.
pub(crate) async fn get_login_flows(State(state): State<ClientApiState>) -> Json<Response> {
    let flows = state.homeserver().sessions.login_flows();
    Json(Response {
        flows: flows.into_iter().map(Flow::of).collect(),
    })
}
