//! Signed requests to other servers.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#request-authentication>.

use std::{fmt, sync::Arc, time::Duration};

use gantry_model::{
    Object, Value, canonical_json::object_to_bytes, id::ServerName, sign::signatures_of,
};
use gantry_outbound::{Discovery, Held, Outbound, OutboundRequest, OutboundResponse};
use gantry_rooms::Identity;
use http::{
    HeaderValue, Method, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
};

use crate::{
    Error, Result,
    parser::Parser,
    peers::Peers,
    wire::{into_object, object, text},
};

/// The largest answer unless a call allows more.
const MAX_BYTES: usize = 10 * 1024 * 1024;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    /// Path and query, percent-encoded.
    path: String,
    body: Option<Object>,
    timeout: Option<Duration>,
    max_bytes: usize,
}

impl Call {
    /// A request without a body.
    pub(crate) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: None,
            timeout: None,
            max_bytes: MAX_BYTES,
        }
    }

    /// A request that stores something.
    pub(crate) fn put(path: String, body: Object) -> Self {
        Self {
            method: Method::PUT,
            body: Some(body),
            ..Self::get(path)
        }
    }

    /// A request that asks with a body.
    pub(crate) fn post(path: String, body: Object) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path)
        }
    }

    /// With another limit of time.
    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    /// With another limit of the answer's size.
    pub(crate) fn max_bytes(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }
}

/// Sends requests in our name. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client(Arc<Inner>);

struct Inner {
    identity: Identity,
    outbound: Outbound,
    discovery: Discovery,
    timeout: Duration,
    peers: Arc<Peers>,
    parser: Parser,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(
        identity: Identity,
        outbound: Outbound,
        discovery: Discovery,
        timeout: Duration,
        peers: Arc<Peers>,
        parser: Parser,
    ) -> Self {
        Self(Arc::new(Inner {
            identity,
            outbound,
            discovery,
            timeout,
            peers,
            parser,
        }))
    }

    /// Our server name.
    pub(crate) fn us(&self) -> &ServerName {
        self.0.identity.server_name()
    }

    /// Sends a signed request. Any status but 200 is [`Error::Refused`].
    pub(crate) async fn call(&self, server: &ServerName, call: Call) -> Result<Value> {
        let (answer, _) = self.send_signed(server, call).await?;
        Ok(answer)
    }

    /// The same, for endpoints that answer with an object.
    pub(crate) async fn call_object(&self, server: &ServerName, call: Call) -> Result<Object> {
        match self.call(server, call).await? {
            Value::Object(object) => Ok(object),
            _ => Err(bad(server, "no object")),
        }
    }

    /// The same, for answers that may be large: keep what comes with it for as long as the answer.
    pub(crate) async fn call_large(
        &self,
        server: &ServerName,
        call: Call,
    ) -> Result<(Object, Held)> {
        match self.send_signed(server, call).await? {
            (Value::Object(object), held) => Ok((object, held)),
            _ => Err(bad(server, "no object")),
        }
    }

    /// Sends a request that needs no signature.
    pub(crate) async fn call_unsigned(&self, server: &ServerName, call: Call) -> Result<Object> {
        match self.send(server, call, None).await? {
            (Value::Object(object), _) => Ok(object),
            _ => Err(bad(server, "no object")),
        }
    }

    async fn send_signed(&self, server: &ServerName, mut call: Call) -> Result<(Value, Held)> {
        let header = self.authorization(server, &mut call);
        self.send(server, call, Some(header)).await
    }

    async fn send(
        &self,
        server: &ServerName,
        call: Call,
        authorization: Option<String>,
    ) -> Result<(Value, Held)> {
        let unreachable = |source| Error::Unreachable {
            server: server.to_owned(),
            source,
        };
        if !self.0.peers.allows(server) {
            return Err(Error::Excluded {
                server: server.to_owned(),
            });
        }
        let destination = self
            .0
            .discovery
            .resolve(server)
            .await
            .map_err(unreachable)?;
        let url: Uri = format!("https://{}{}", destination.host_header, call.path)
            .parse()
            .map_err(|_| bad(server, "its name makes no URL"))?;
        let request = OutboundRequest::new(call.method.clone(), url).to_destination(&destination);
        self.exchange(server, request, call, authorization).await
    }

    /// Sends a request to a host that is no Matrix server: an identity server, with a user's token.
    pub(crate) async fn call_host(
        &self,
        host: &ServerName,
        call: Call,
        token: &str,
    ) -> Result<Object> {
        let url: Uri = format!("https://{host}{}", call.path)
            .parse()
            .map_err(|_| bad(host, "its name makes no URL"))?;
        let request = OutboundRequest::new(call.method.clone(), url);
        let header = Some(format!("Bearer {token}"));
        match self.exchange(host, request, call, header).await? {
            (Value::Object(object), _) => Ok(object),
            _ => Err(bad(host, "no object")),
        }
    }

    async fn exchange(
        &self,
        server: &ServerName,
        request: OutboundRequest,
        call: Call,
        authorization: Option<String>,
    ) -> Result<(Value, Held)> {
        let mut request = request
            .timeout(call.timeout.unwrap_or(self.0.timeout))
            .max_bytes(call.max_bytes);
        if let Some(body) = &call.body {
            request
                .headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.body = object_to_bytes(body).into();
        }
        if let Some(header) = authorization {
            let header = header
                .try_into()
                .map_err(|_| bad(server, "its name makes no header"))?;
            request.headers.insert(AUTHORIZATION, header);
        }
        let response = self.0.outbound.request(request).await;
        let response = response.map_err(|source| Error::Unreachable {
            server: server.to_owned(),
            source,
        })?;
        let OutboundResponse {
            status, body, held, ..
        } = response;
        let body = self.0.parser.parse(body).await;
        if status.is_success() {
            return Ok((body.map_err(|_| bad(server, "no JSON"))?, held));
        }
        Err(refused(server, status, body.ok().as_ref()))
    }

    /// The `X-Matrix` header of a request.
    fn authorization(&self, server: &ServerName, call: &mut Call) -> String {
        let key = self.0.identity.key();
        let us = self.us();
        let mut signed = signed_object(call.method.as_str(), &call.path, us, server);
        if let Some(body) = call.body.take() {
            signed.insert("content", body.into());
        }
        key.sign_object(us.as_str(), &mut signed);
        call.body = signed.remove("content").and_then(into_object);
        let signature = signatures_of(&signed, us.as_str())
            .find(|(id, _)| *id == key.id())
            .map_or(String::new(), |(_, signature)| signature.to_owned());
        format!(
            "X-Matrix origin=\"{us}\",destination=\"{server}\",key=\"{}\",sig=\"{signature}\"",
            key.id()
        )
    }
}

/// What is signed of a request, without `content`.
pub(crate) fn signed_object(
    method: &str,
    uri: &str,
    origin: &ServerName,
    destination: &ServerName,
) -> Object {
    object([
        ("method", method.into()),
        ("uri", uri.into()),
        ("origin", origin.as_str().into()),
        ("destination", destination.as_str().into()),
    ])
}

/// What a server says that does not do what it is asked.
fn refused(server: &ServerName, status: StatusCode, body: Option<&Value>) -> Error {
    let field = |key: &str| {
        let object = body.and_then(Value::as_object)?;
        text(object, key).map(|text| text.chars().take(64).collect::<String>())
    };
    Error::Refused {
        server: server.to_owned(),
        status: status.as_u16(),
        errcode: field("errcode").unwrap_or_default(),
        room_version: field("room_version"),
    }
}

/// An answer that is not what the specification says.
pub(crate) fn bad(server: &ServerName, reason: &'static str) -> Error {
    Error::BadAnswer {
        server: server.to_owned(),
        reason,
    }
}
