//! How connections begin.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::connection::serve;
use super::sockjs::Framing;
use crate::rest::reply::json;
use crate::state::RocketchatState;

/// The largest frame, in bytes.
const MAX_FRAME: usize = 1024 * 1024;

/// What SockJS asks before it connects.
#[derive(Serialize)]
struct SockJsInfo {
    websocket: bool,
    origins: [&'static str; 1],
    cookie_needed: bool,
    entropy: u32,
    ms: bool,
}

/// `GET /websocket`.
pub(crate) async fn websocket(
    State(state): State<RocketchatState>,
    upgrade: WebSocketUpgrade,
) -> Response {
    accept(state, upgrade, Framing::Plain)
}

/// `GET /sockjs/{server}/{session}/websocket`.
pub(crate) async fn sockjs_websocket(
    State(state): State<RocketchatState>,
    upgrade: WebSocketUpgrade,
) -> Response {
    accept(state, upgrade, Framing::SockJs)
}

/// `GET /sockjs/info`.
pub(crate) async fn sockjs_info(State(state): State<RocketchatState>) -> Response {
    let info = SockJsInfo {
        websocket: true,
        origins: ["*:*"],
        cookie_needed: false,
        // It only has to differ from one asking to the next.
        entropy: state.hub().ticket(),
        ms: true,
    };
    json(
        StatusCode::OK,
        serde_json::to_string(&info).unwrap_or_default(),
    )
}

fn accept(state: RocketchatState, upgrade: WebSocketUpgrade, framing: Framing) -> Response {
    upgrade
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_upgrade(move |socket| {
            let tracker = state.tracker().clone();
            // Tracked, so that a shutdown waits until the client was told.
            async move {
                tracker.track_future(serve(state, socket, framing)).await;
            }
        })
}
