//! What is sent, and by whom.

use std::sync::Arc;

use async_trait::async_trait;
use gantry_model::{Object, Pdu, id::ServerName};
use serde::{Deserialize, Serialize};

/// The most events of a transaction.
pub const MAX_PDUS: usize = 50;
/// The most ephemeral units of a transaction.
pub const MAX_EDUS: usize = 100;

/// An ephemeral unit on its way to one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edu {
    /// What it is about; a later one with the same text takes its place.
    pub key: String,
    /// `{edu_type, content}`.
    pub object: Object,
    /// Whether it is worth sending after the destination was away.
    pub survives_failure: bool,
}

/// What goes to a server in one request.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// Its id, never used twice for the same server.
    pub id: String,
    /// Events in the order of the log; at most [`MAX_PDUS`].
    pub pdus: Vec<Arc<Pdu>>,
    /// Ephemeral units; at most [`MAX_EDUS`].
    pub edus: Vec<Edu>,
}

/// A transaction did not arrive. The text is for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct SendFailed(pub String);

/// Whoever can send one transaction to one server. It has a time limit of its own.
#[async_trait]
pub trait Destination: Send + Sync + 'static {
    /// Sends it. `Ok` means that the other server has taken responsibility for all of it.
    async fn send(&self, server: &ServerName, transaction: &Transaction) -> Result<(), SendFailed>;
}
