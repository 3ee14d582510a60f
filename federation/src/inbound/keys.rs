//! Our signing keys, and those of others that we vouch for.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys>.

use std::collections::HashMap;

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
};
use gantry_model::{Object, Value, canonical_json::parse_object, id::OwnedServerName};
use gantry_web::PathArgs;

use super::{Answer, reply};
use crate::{Error, Federation, key_ring::WantedKeys};

/// `GET /_matrix/key/v2/server`
pub(super) async fn get_server_keys(State(federation): State<Federation>) -> Json<Value> {
    Json(own(&federation).into())
}

/// `GET /_matrix/key/v2/query/{serverName}`: anybody may ask.
pub(super) async fn query_server_keys(
    State(federation): State<Federation>,
    PathArgs(server): PathArgs<OwnedServerName>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Answer {
    let until = parameters.get("minimum_valid_until_ts");
    let until = match until.map(|until| until.parse()) {
        None => None,
        Some(Ok(until)) => Some(until),
        Some(Err(_)) => return Err(Error::BadRequest("minimum_valid_until_ts is no number")),
    };
    vouch_for(&federation, vec![WantedKeys::all(server, until)]).await
}

/// `POST /_matrix/key/v2/query`: anybody may ask.
pub(super) async fn query_keys(State(federation): State<Federation>, body: Bytes) -> Answer {
    let body = parse_object(&body).map_err(|_| Error::NotJson)?;
    if !matches!(body.get("server_keys"), Some(Value::Object(_))) {
        return Err(Error::BadRequest("server_keys is missing"));
    }
    vouch_for(&federation, WantedKeys::of_body(&body)).await
}

async fn vouch_for(federation: &Federation, wanted: Vec<WantedKeys>) -> Answer {
    if !federation.config().enabled {
        return Err(Error::Disabled);
    }
    let answers = federation.keys().vouch_for(wanted, own(federation)).await;
    let answers: Vec<Value> = answers.into_iter().map(Value::from).collect();
    Ok(reply([("server_keys", answers.into())]))
}

fn own(federation: &Federation) -> Object {
    let valid_for = federation.config().key_validity_ms;
    federation.keys().own_answer(valid_for)
}
