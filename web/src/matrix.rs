//! Ruma's typed requests and answers as an extractor and a reply.

use std::{borrow::Cow, fmt};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, OriginalUri, RawPathParams, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use gantry_model::ErrorKind;
use http::{HeaderMap, Method, Uri, request::Parts};
use ruma::api::{
    IncomingRequest, IncomingRequestExt, OutgoingResponse, OutgoingResponseExt,
    error::{DeserializationError, FromHttpRequestError, HeaderDeserializationError},
};

use crate::{
    access_token::find_access_token,
    body::Reader,
    client_address::ClientAddress,
    error::{Rejection, matrix_error},
};

/// A JSON object as it came.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// A request in ruma's type, with what else a handler may need of it.
///
/// A body must be a JSON object; an empty one counts as `{}`. Bodies of `GET` and `HEAD` are not
/// read.
pub struct Matrix<T> {
    /// The typed request: path, query and body.
    pub body: T,
    /// The access token, if there is one.
    pub access_token: Option<String>,
    /// Who asks, as far as trusted proxies tell.
    pub origin_address: ClientAddress,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
    json: JsonObject,
}

impl<T> Matrix<T> {
    /// The body as a JSON object, with the fields that the type does not know.
    pub fn json(&self) -> &JsonObject {
        &self.json
    }

    /// The body, byte for byte.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Path and query as they were sent, also inside of nested routers.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// Shows the path only: a query may bear a token, and a body may bear anything.
impl<T> fmt::Debug for Matrix<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Matrix")
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .finish_non_exhaustive()
    }
}

impl<T, S> FromRequest<S> for Matrix<T>
where
    T: IncomingRequest,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let (mut parts, body) = request.into_parts();
        let path_args = path_args(&mut parts, state).await?;
        let reader = Reader::of(&parts.extensions);
        let bytes = read(&reader, &parts, body).await?;
        let json = if bytes.is_empty() {
            JsonObject::new()
        } else {
            reader.json(&bytes)?
        };
        let body = parse(&parts, &bytes, &path_args)?;
        Ok(Self {
            body,
            access_token: find_access_token(&parts.headers, parts.uri.query()),
            origin_address: ClientAddress::of(&parts.extensions),
            uri: original_uri(&parts),
            method: parts.method,
            headers: parts.headers,
            bytes,
            json,
        })
    }
}

async fn path_args<S: Sync + Send>(parts: &mut Parts, state: &S) -> Result<Vec<String>, Rejection> {
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Rejection::new(ErrorKind::InvalidParam, "The path is not valid UTF-8"))?;
    Ok(params.iter().map(|(_, value)| value.to_owned()).collect())
}

async fn read(reader: &Reader, parts: &Parts, body: Body) -> Result<Bytes, Rejection> {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(Bytes::new());
    }
    reader.read(body).await
}

fn original_uri(parts: &Parts) -> Uri {
    parts
        .extensions
        .get::<OriginalUri>()
        .map_or_else(|| parts.uri.clone(), |original| original.0.clone())
}

fn parse<T: IncomingRequest>(
    parts: &Parts,
    bytes: &Bytes,
    path_args: &[String],
) -> Result<T, Rejection> {
    let body: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    let mut request = http::Request::new(body);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    let path_args: Vec<&str> = path_args.iter().map(String::as_str).collect();
    T::try_from_http_request(request, &path_args).map_err(|error| rejection(&error))
}

fn rejection(error: &FromHttpRequestError) -> Rejection {
    match error {
        FromHttpRequestError::Deserialization(error) => {
            let (kind, message) = describe(error);
            Rejection::new(kind, message)
        }
        _ => Rejection::new(ErrorKind::Unrecognized, "Unrecognized request"),
    }
}

fn describe(error: &DeserializationError) -> (ErrorKind, Cow<'static, str>) {
    match error {
        DeserializationError::Json(error) => {
            let rejection = Rejection::of_json(error);
            (rejection.kind, rejection.message)
        }
        // Path arguments fail as query parameters do.
        DeserializationError::Query(error) => {
            let message = error.to_string();
            let kind = if message.starts_with("missing field") {
                ErrorKind::MissingParam
            } else {
                ErrorKind::InvalidParam
            };
            (kind, message.into())
        }
        DeserializationError::Header(HeaderDeserializationError::MissingHeader(name)) => (
            ErrorKind::MissingParam,
            format!("Missing header {name}").into(),
        ),
        error => (ErrorKind::InvalidParam, error.to_string().into()),
    }
}

/// An answer in ruma's type.
#[derive(Debug, Clone)]
pub struct MatrixReply<R>(pub R);

impl<R: OutgoingResponse> IntoResponse for MatrixReply<R> {
    fn into_response(self) -> Response {
        match self.0.try_into_http_response::<Vec<u8>>() {
            Ok(response) => response.map(Body::from),
            Err(error) => {
                tracing::error!(%error, "an answer could not be serialized");
                matrix_error(&ErrorKind::Internal, "Internal server error")
            }
        }
    }
}

#[cfg(test)]
mod tests;
