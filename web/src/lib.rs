//! Shared HTTP plumbing inwards: what every surface does before and after its handlers.
//!
//! [`Matrix`] turns a request into one of ruma's types, [`MatrixReply`] turns an answer back,
//! [`matrix_error`] is the one translation of [`ErrorKind`](gantry_model::ErrorKind) into Matrix,
//! and [`edge`] wraps a finished router: limits, CORS, client address, request id, log, panics,
//! compression, unknown paths.
//!
//! What this crate must not know: who a token belongs to, and what a request does.

mod access_token;
mod body;
mod client_address;
mod cors;
mod edge;
mod error;
mod fallback;
mod matrix;
mod path_args;
mod request_id;
mod request_log;

pub use access_token::{AccessToken, find_access_token};
pub use body::{BodyLimit, DEFAULT_MAX_BODY_BYTES, MAX_BODY_TIME, MAX_JSON_DEPTH, Reader};
pub use client_address::ClientAddress;
pub use edge::{EdgeConfig, edge};
pub use error::{Rejection, matrix_error, matrix_status};
pub use fallback::{method_not_allowed, unknown_path};
pub use matrix::{JsonObject, Matrix, MatrixReply};
pub use path_args::PathArgs;
pub use request_id::RequestId;
