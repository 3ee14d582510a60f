//! Bodies, within bounds.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use gantry_model::{ErrorKind, canonical_json::Extent};
use http::{Extensions, HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::error::Rejection;

/// The largest body where nothing else is configured: a full transaction of 50 PDUs and 100 EDUs
/// has room in it.
pub const DEFAULT_MAX_BODY_BYTES: usize = 12 * 1024 * 1024;
/// How long a body may take to come.
pub const MAX_BODY_TIME: Duration = Duration::from_mins(1);
/// The deepest nesting of a JSON body.
pub const MAX_JSON_DEPTH: usize = 100;

/// The largest body of a request, in bytes. [`edge`](crate::edge) puts it into the extensions of
/// each request; a route with another limit replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

impl BodyLimit {
    /// The limit of a request.
    pub fn of(extensions: &Extensions) -> Self {
        let limit = extensions.get::<Self>().copied();
        limit.unwrap_or(Self(DEFAULT_MAX_BODY_BYTES))
    }

    /// Whether the headers announce more than is allowed.
    pub fn is_exceeded_by(self, headers: &HeaderMap) -> bool {
        headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse::<u64>().ok())
            .is_some_and(|announced| announced > self.0 as u64)
    }
}

/// Reads bodies and JSON within bounds.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// The largest body, in bytes.
    pub max_bytes: usize,
    /// The deepest nesting.
    pub max_depth: usize,
    /// How long the body may take to come.
    pub max_time: Duration,
}

impl Reader {
    /// The reader that a request's limit asks for.
    pub fn of(extensions: &Extensions) -> Self {
        Self {
            max_bytes: BodyLimit::of(extensions).0,
            max_depth: MAX_JSON_DEPTH,
            max_time: MAX_BODY_TIME,
        }
    }

    /// The whole body, never more than allowed, and not later than that.
    pub async fn read(&self, body: Body) -> Result<Bytes, Rejection> {
        let read = Limited::new(body, self.max_bytes).collect();
        let Ok(read) = tokio::time::timeout(self.max_time, read).await else {
            let kind = ErrorKind::NotJson;
            return Err(Rejection::new(kind, "The request body took too long"));
        };
        match read {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if is_length_limit(&*error) => Err(Rejection::too_large()),
            Err(_) => Err(Rejection::new(
                ErrorKind::NotJson,
                "The request body broke off",
            )),
        }
    }

    /// A value of JSON that is not too deep and not made of tiny pieces. Bytes that are no JSON are
    /// `NotJson`, JSON of another shape is `BadJson`.
    pub fn json<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Rejection> {
        let extent = Extent::of(bytes);
        if extent.depth > self.max_depth {
            return Err(Rejection::new(
                ErrorKind::BadJson,
                "The JSON is nested too deeply",
            ));
        }
        if !extent.is_fair() {
            let message = "The JSON has too many values";
            return Err(Rejection::new(ErrorKind::TooLarge, message));
        }
        serde_json::from_slice(bytes).map_err(|error| Rejection::of_json(&error))
    }
}

fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const READER: Reader = Reader {
        max_bytes: 8,
        max_depth: 3,
        max_time: Duration::from_millis(50),
    };

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let silent = futures::stream::pending::<Result<Bytes, std::io::Error>>();

        let read = READER.read(Body::from_stream(silent)).await;

        assert_eq!(read.unwrap_err().kind, ErrorKind::NotJson);
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        let fits = READER.read(Body::from("12345678")).await;
        let too_large = READER.read(Body::from("123456789")).await;

        assert_eq!(fits.unwrap(), "12345678");
        assert_eq!(too_large.unwrap_err().kind, ErrorKind::TooLarge);
    }

    #[test]
    fn json_is_told_from_what_is_none() {
        let kind = |text: &str| {
            READER
                .json::<Vec<Value>>(text.as_bytes())
                .map_err(|e| e.kind)
        };

        assert!(kind("[[[1]]]").is_ok());
        assert_eq!(kind("[[[[1]]]]"), Err(ErrorKind::BadJson));
        assert_eq!(kind("{}"), Err(ErrorKind::BadJson));
        assert_eq!(
            kind(&format!("[{}[]]", "[],".repeat(1 << 20))),
            Err(ErrorKind::TooLarge)
        );
        assert_eq!(kind("[1"), Err(ErrorKind::NotJson));
        assert_eq!(kind("nonsense"), Err(ErrorKind::NotJson));
        assert_eq!(kind(""), Err(ErrorKind::NotJson));
    }
}
