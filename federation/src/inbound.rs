//! What other servers call.

mod access;
mod events;
mod handshake;
mod invite;
mod join;
mod keys;
mod knock;
mod leave;
mod moment;
mod openid;
mod public_rooms;
mod queries;
mod restricted;
mod routes;
mod state;
mod third_party;
mod transaction;

pub use routes::router;

use axum::Json;
use gantry_model::Value;

/// What a handler answers with.
pub(crate) type Answer = crate::Result<Json<Value>>;

/// An object as an answer.
pub(crate) fn reply<const N: usize>(fields: [(&str, Value); N]) -> Json<Value> {
    Json(crate::wire::object(fields).into())
}

/// The form of answers of version 1 of some endpoints: the status, then the object.
pub(crate) fn version_1(Json(answer): Json<Value>) -> Json<Value> {
    Json(vec![200.into(), answer].into())
}
