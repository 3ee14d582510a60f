//! Who sent a request: the `X-Matrix` header.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#request-authentication>.

mod x_matrix;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use gantry_model::{
    ErrorKind, JsonError, Object, Value, canonical_json::object_to_bytes, id::OwnedServerName,
};
use gantry_web::{MAX_BODY_TIME, MAX_JSON_DEPTH, Reader};
use http::{HeaderMap, Method, header::AUTHORIZATION};

use crate::{
    Error, Federation, Result, auth::x_matrix::XMatrix, budget::Slot, client::signed_object,
    parser::Parser, wire::into_object,
};

/// What a request may be: a transaction of 50 events of 64 KiB fits twice.
const READER: Reader = Reader {
    max_bytes: 8 * 1024 * 1024,
    max_depth: MAX_JSON_DEPTH,
    max_time: MAX_BODY_TIME,
};
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
        let content = read_body(federation.parser(), &parts.method, body).await?;
        let mut signed = signed_object(parts.method.as_str(), uri, &header.origin, federation.us());
        if let Some(content) = content {
            signed.insert("content", content.into());
        }
        key.verify_bytes(&object_to_bytes(&signed), &header.signature)
            .map_err(|_| Error::Unauthorized("the signature does not match"))?;
        let content = signed.remove("content").and_then(into_object);
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

async fn read_body(parser: &Parser, method: &Method, body: Body) -> Result<Option<Object>> {
    let bytes = READER.read(body).await.map_err(|refusal| {
        if refusal.kind == ErrorKind::TooLarge {
            Error::TooLarge("the body is too large")
        } else {
            Error::BadRequest("the body broke off or took too long")
        }
    })?;
    if bytes.is_empty() {
        return Ok(None);
    }
    match parser.parse(bytes).await {
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
