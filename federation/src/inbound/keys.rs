//! Our signing keys.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#publishing-keys>.

use axum::{Json, extract::State};
use gantry_model::{Object, Value};

use crate::{Federation, wire::object};

/// `GET /_matrix/key/v2/server`
pub(super) async fn get_server_keys(State(federation): State<Federation>) -> Json<Value> {
    let identity = federation.rooms().identity();
    let key = identity.key();
    let current = object([("key", key.verify_key().to_base64().into())]);
    let old: Object = identity
        .old_keys()
        .iter()
        .map(|(id, key, expired)| {
            let entry = object([
                ("key", key.to_base64().into()),
                ("expired_ts", (*expired).into()),
            ]);
            (id.clone(), entry.into())
        })
        .collect();
    let valid_until = federation.clock().now_ms() + federation.config().key_validity_ms;
    let mut answer = object([
        ("server_name", identity.server_name().as_str().into()),
        ("valid_until_ts", valid_until.into()),
        ("verify_keys", object([(key.id(), current.into())]).into()),
        ("old_verify_keys", old.into()),
    ]);
    key.sign_object(identity.server_name().as_str(), &mut answer);
    Json(answer.into())
}
