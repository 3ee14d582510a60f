//! Extractors for the requests that ruma's types do not fit; the others use
//! [`gantry_web::Matrix`], with the same answers to malformed input.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use gantry_model::ErrorKind;
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
