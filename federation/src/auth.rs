//! Who sent a request: the `X-Matrix` header.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#request-authentication>.

mod x_matrix;

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use gantry_model::{
    Object, Value,
    canonical_json::{JsonError, object_to_bytes},
    id::OwnedServerName,
};
use http::{HeaderMap, Method, header::AUTHORIZATION};
use http_body_util::{BodyExt, Limited};

use crate::{
    Error, Federation, Result, auth::x_matrix::XMatrix, budget::Slot, client::signed_object,
};

/// The largest body of a request, in bytes: a transaction of 50 events of 64 KiB fits twice.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// How long its body may take to come.
const MAX_BODY_TIME: Duration = Duration::from_mins(1);
/// The most `Authorization` headers that are looked at.
const MAX_HEADERS: usize = 4;

/// A request whose sender is proven.
#[derive(Debug)]
pub(crate) struct ServerOrigin {
    /// The server that sent it.
    pub(crate) origin: OwnedServerName,
    /// Its body, which the signature covers; empty if there was none.
    pub(crate) body: Object,
}

impl FromRequest<Federation> for ServerOrigin {
    type Rejection = Error;

    async fn from_request(request: Request, federation: &Federation) -> Result<Self> {
        if !federation.config().enabled {
            return Err(Error::Disabled);
        }
        let (parts, body) = request.into_parts();
        let uri = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let header = find_header(&parts.headers, federation)?;
        if !federation.peers().allows(&header.origin) {
            return Err(Error::Forbidden("this server does not talk to yours"));
        }
        // Only for whom we know the body is read.
        let key = federation
            .keys()
            .find_caller(&header.origin, &header.key_id)
            .await
            .ok_or(Error::Unauthorized("the signing key is not known"))?;
        let content = read_body(&parts.method, body).await?;
        let request = (parts.method.as_str(), uri);
        let signed = signed_bytes(federation, &header, request, content.as_ref());
        key.verify_bytes(&signed, &header.signature)
            .map_err(|_| Error::Unauthorized("the signature does not match"))?;
        if let Some(slot) = parts.extensions.get::<Slot>() {
            federation.requests().begin(&header.origin, slot)?;
        }
        federation.outbox().note_alive(&header.origin);
        Ok(Self {
            origin: header.origin,
            body: content.unwrap_or_default(),
        })
    }
}

async fn read_body(method: &Method, body: Body) -> Result<Option<Object>> {
    let read = Limited::new(body, MAX_BODY_BYTES).collect();
    let bytes = tokio::time::timeout(MAX_BODY_TIME, read)
        .await
        .map_err(|_| Error::BadRequest("the body took too long"))?
        .map_err(|_| Error::TooLarge("the body is too large"))?
        .to_bytes();
    if bytes.is_empty() {
        return Ok(None);
    }
    match Value::parse(&bytes) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        // Nothing is asked for in the body of a GET; whatever stands there is not signed.
        _ if method == Method::GET => Ok(None),
        Ok(_) | Err(JsonError::NotObject | JsonError::Number) => {
            Err(Error::BadRequest("the body is no object"))
        }
        Err(JsonError::TooMany) => Err(Error::TooLarge("the body has too many values")),
        Err(JsonError::Syntax(_)) => Err(Error::NotJson),
    }
}

/// What the sender of a request has signed: method, URI and content among it.
fn signed_bytes(
    federation: &Federation,
    header: &XMatrix,
    (method, uri): (&str, &str),
    content: Option<&Object>,
) -> Vec<u8> {
    let mut signed = signed_object(method, uri, &header.origin, federation.us());
    if let Some(content) = content {
        signed.insert("content".to_owned(), content.clone().into());
    }
    object_to_bytes(&signed)
}

/// The header to check: one by a key whose algorithm we know.
fn find_header(headers: &HeaderMap, federation: &Federation) -> Result<XMatrix> {
    let us = federation.us();
    let found = headers
        .get_all(AUTHORIZATION)
        .iter()
        .take(MAX_HEADERS)
        .filter_map(|header| header.to_str().ok().and_then(XMatrix::parse))
        .find(|header| header.key_id.starts_with("ed25519:"));
    let header = found.ok_or(Error::Unauthorized("no usable X-Matrix authorization"))?;
    if header
        .destination
        .as_ref()
        .is_some_and(|destination| destination != us)
    {
        return Err(Error::Unauthorized("the request is for another server"));
    }
    if header.origin == us {
        return Err(Error::Unauthorized(
            "the request claims to come from this server",
        ));
    }
    Ok(header)
}
