//! Extractors for the requests that ruma's types do not fit; the others use
//! [`gantry_web::Matrix`], with the same answers to malformed input.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use gantry_homeserver::UiaRequest;
use gantry_model::{
    ErrorKind,
    hash::{hex, sha256},
};
pub(crate) use gantry_web::PathArgs;
use gantry_web::{Reader, Rejection};
use http::request::Parts;
use serde::de::DeserializeOwned;

/// A JSON body; an empty one counts as `{}`.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// The parameters of the query.
pub(crate) struct QueryArgs<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, _: &S) -> Result<Self, Rejection> {
        let (parts, body) = request.into_parts();
        let reader = Reader::of(&parts.extensions);
        let bytes = reader.read(body).await?;
        let bytes = if bytes.is_empty() { b"{}" } else { &*bytes };
        if bytes.trim_ascii_start().starts_with(b"[") {
            // A struct would be read from the array of its fields.
            reader.json::<serde_json::Value>(bytes)?;
            let kind = ErrorKind::BadJson;
            return Err(Rejection::new(
                kind,
                "The body must be a JSON object".to_owned(),
            ));
        }
        reader.json(bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryArgs<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let Query(query) = Query::try_from_uri(&parts.uri)
            .map_err(|rejection| Rejection::new(ErrorKind::InvalidParam, rejection.body_text()))?;
        Ok(Self(query))
    }
}

/// A JSON body with the user-interactive authentication beside it; an empty one counts as `{}`.
pub(crate) struct UiaBody<T> {
    /// The body without `auth`.
    pub(crate) body: T,
    /// The authentication, and which request it is for.
    pub(crate) auth: UiaRequest,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for UiaBody<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, _: &S) -> Result<Self, Rejection> {
        let (parts, body) = request.into_parts();
        let reader = Reader::of(&parts.extensions);
        let bytes = reader.read(body).await?;
        let bytes = if bytes.is_empty() { b"{}" } else { &*bytes };
        let mut object: serde_json::Map<String, serde_json::Value> = reader.json(bytes)?;
        let wrong = |error: serde_json::Error| {
            Rejection::new(
                ErrorKind::BadJson,
                format!("Not the JSON expected: {error}"),
            )
        };
        let auth = match object.remove("auth") {
            None | Some(serde_json::Value::Null) => None,
            Some(auth) => Some(serde_json::from_value(auth).map_err(wrong)?),
        };
        let rest = serde_json::Value::Object(object);
        Ok(Self {
            auth: UiaRequest {
                auth,
                endpoint: endpoint_of(&parts),
                digest: digest_of(&rest),
            },
            body: serde_json::from_value(rest).map_err(wrong)?,
        })
    }
}

/// The method and the path, whatever the version of the API is called.
fn endpoint_of(parts: &Parts) -> String {
    let path = parts.uri.path().replacen("/client/r0/", "/client/v3/", 1);
    format!("{} {path}", parts.method)
}

/// SHA-256 of the JSON, whatever the order of its keys.
fn digest_of(body: &serde_json::Value) -> String {
    hex(&sha256(body.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(path: &str, body: &str) -> Request {
        Request::post(path)
            .body(axum::body::Body::from(body.to_owned()))
            .expect("a request")
    }

    async fn read(path: &str, body: &str) -> Result<UiaRequest, Rejection> {
        type Any = UiaBody<serde_json::Value>;
        let read = Any::from_request(request(path, body), &()).await?;
        Ok(read.auth)
    }

    #[tokio::test]
    async fn an_array_is_no_body() {
        #[derive(serde::Deserialize)]
        struct Body {
            #[expect(dead_code, reason = "only its presence matters")]
            name: Option<String>,
        }
        let read = async |body: &str| {
            let read = JsonBody::<Body>::from_request(request("/x", body), &()).await;
            read.map(drop).map_err(|rejection| rejection.kind)
        };

        assert_eq!(read("").await, Ok(()));
        assert_eq!(read(" {}").await, Ok(()));
        assert_eq!(read(" []").await, Err(ErrorKind::BadJson));
        assert_eq!(read("[").await, Err(ErrorKind::NotJson));
    }

    #[tokio::test]
    async fn a_request_is_the_same_whatever_its_authentication() {
        let first = read("/_matrix/client/v3/x", r#"{"a":1,"b":2}"#).await;
        let second = read(
            "/_matrix/client/r0/x",
            r#"{"b":2,"auth":{"type":"t","session":"s"},"a":1}"#,
        )
        .await;
        let other = read("/_matrix/client/v3/x", r#"{"a":1,"b":3}"#).await;

        let (first, second) = (first.expect("read"), second.expect("read"));
        assert_eq!(first.digest, second.digest);
        assert_eq!(first.endpoint, second.endpoint);
        assert_ne!(first.digest, other.expect("read").digest);
        assert!(first.auth.is_none());
        assert_eq!(
            second.auth.and_then(|auth| auth.session).as_deref(),
            Some("s")
        );
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in "\\PC{0,60}|\\{\"auth\":\\PC{0,20}\\}") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let read = runtime.expect("a runtime").block_on(read("/x", &body));
            if let Ok(auth) = read {
                prop_assert_eq!(auth.digest.len(), 64);
            }
        }
    }
}
