//! Bodies of requests.

use axum::extract::{FromRequest, Request};
use gantry_model::ErrorKind;
use gantry_web::{MAX_BODY_TIME, Reader};
use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// The largest body, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The deepest nesting of a body.
pub(crate) const MAX_DEPTH: usize = 40;

/// A JSON body. An empty one counts as `{}`.
#[derive(Clone, Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let reader = Reader {
            max_bytes: MAX_BYTES,
            max_depth: MAX_DEPTH,
            max_time: MAX_BODY_TIME,
        };
        let bytes = reader
            .read(request.into_body())
            .await
            .map_err(|error| refused(&error.kind))?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        match reader.json(bytes) {
            Ok(body) => Ok(Self(body)),
            Err(error) if error.kind == ErrorKind::BadJson => {
                // The parser's words name the field that is missing.
                let reason = serde_json::from_slice::<T>(bytes)
                    .err()
                    .map_or_else(|| "must be an object".to_owned(), |error| error.to_string());
                Err(Error::new("invalid-params", reason))
            }
            Err(error) => Err(refused(&error.kind)),
        }
    }
}

fn refused(kind: &ErrorKind) -> Error {
    match kind {
        ErrorKind::TooLarge => Error {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..Error::new("error-request-too-large", "The request is too large")
        },
        _ => Error::new("invalid-params", "Invalid JSON"),
    }
}
