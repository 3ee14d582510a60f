//! What goes out and what comes back.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::{budget::Held, discovery::Destination};

/// Whether redirects are followed. Every hop is resolved and checked anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Redirects {
    /// A redirect is an answer like any other.
    #[default]
    None,
    /// At most so many hops, never from https to http.
    Follow(u8),
}

/// A request to another server.
#[derive(Debug, Clone)]
pub struct OutboundRequest {
    /// The method.
    pub method: Method,
    /// Where to: an absolute `https` or `http` URL.
    pub url: Uri,
    /// The name and port in the `Host` header, if it is not that of the URL.
    pub host_header: Option<String>,
    /// The name that the certificate must bear, if it is not that of the URL.
    pub tls_name: Option<String>,
    /// The addresses to connect to, in order, instead of resolving the URL's host. Addresses in
    /// denied ranges are left out.
    pub connect_to: Option<Vec<SocketAddr>>,
    /// Further headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The longest this may take, if not what is configured.
    pub timeout: Option<Duration>,
    /// Whether redirects are followed.
    pub redirects: Redirects,
    /// The largest answer, if not what is configured.
    pub max_bytes: Option<usize>,
}

impl OutboundRequest {
    /// A request without headers and body.
    pub fn new(method: Method, url: Uri) -> Self {
        Self {
            method,
            url,
            host_header: None,
            tls_name: None,
            connect_to: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: None,
            redirects: Redirects::None,
            max_bytes: None,
        }
    }

    /// Sends this to a Matrix server that [`Discovery`](crate::Discovery) found. The host of the
    /// URL no longer matters.
    #[must_use]
    pub fn to_destination(mut self, destination: &Destination) -> Self {
        self.host_header = Some(destination.host_header.clone());
        self.tls_name = Some(destination.tls_name.clone());
        self.connect_to = Some(destination.addrs.clone());
        self
    }

    /// With another limit of time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// With another limit of the answer's size, in bytes.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }
}

/// As ruma's typed requests come out of `try_into_http_request`.
impl<B: Into<Bytes>> From<http::Request<B>> for OutboundRequest {
    fn from(request: http::Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        let mut outbound = Self::new(parts.method, parts.uri);
        outbound.headers = parts.headers;
        outbound.body = body.into();
        outbound
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct OutboundResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What it takes of what large answers may take together.
    pub held: Held,
}

impl OutboundResponse {
    /// The answer in the form that ruma's `try_from_http_response` takes.
    pub fn to_http(&self) -> http::Response<&[u8]> {
        let mut response = http::Response::new(&self.body[..]);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}
