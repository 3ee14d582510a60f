//! `GET /_matrix/client/versions`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions>.

use std::collections::BTreeMap;

use axum::Json;
use serde::Serialize;

/// The versions of the specification whose endpoints clients may expect here.
const VERSIONS: &[&str] = &[
    "r0.5.0", "r0.6.0", "r0.6.1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8",
    "v1.9", "v1.10", "v1.11", "v1.12", "v1.13", "v1.14", "v1.15", "v1.16", "v1.17", "v1.18",
    "v1.19",
];

/// Proposals that are served below their unstable names.
const UNSTABLE_FEATURES: &[&str] = &[
    "computer.gingershaped.msc4466",
    "org.matrix.msc3391",
    "org.matrix.msc4222",
    "uk.tcpip.msc4133",
    "uk.tcpip.msc4133.stable",
    "uk.timedout.msc4323",
    "org.matrix.msc3874",
    "org.matrix.msc3981",
    "org.matrix.msc4222",
    "uk.half-shot.msc2666.query_mutual_rooms",
    "im.nheko.summary",
];

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct Versions {
    versions: &'static [&'static str],
    unstable_features: BTreeMap<&'static str, bool>,
}

/// Tells the versions of the specification that the server speaks.
pub(crate) async fn get_versions() -> Json<Versions> {
    Json(Versions {
        versions: VERSIONS,
        unstable_features: UNSTABLE_FEATURES
            .iter()
            .map(|feature| (*feature, true))
            .collect(),
    })
}
