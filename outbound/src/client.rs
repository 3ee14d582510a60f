//! The client.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Uri, header, uri::Authority};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use rustls_pki_types::ServerName;
use tokio::time::timeout;

use crate::{
    budget::{Budget, Held},
    config::OutboundConfig,
    error::{Error, Result},
    guard::AddressGuard,
    hosts::Hosts,
    pool::{Pool, PoolKey},
    redirect,
    request::{OutboundRequest, OutboundResponse, Redirects},
    resolver::Resolver,
    tls,
};

/// Addresses of one host that are tried at most.
const MAX_ADDRS: usize = 8;

/// The one HTTP client that leaves the server. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    hosts: Hosts,
    guard: AddressGuard,
    resolver: Arc<dyn Resolver>,
    pool: Pool,
    timeout: Duration,
    max_response_bytes: usize,
    budget: Budget,
    user_agent: header::HeaderValue,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbound").finish_non_exhaustive()
    }
}

impl Outbound {
    /// A client. Fails if the file of extra certificate authorities or the user agent is unusable.
    pub fn new(config: OutboundConfig, resolver: Arc<dyn Resolver>) -> Result<Self> {
        let user_agent = config
            .user_agent
            .parse()
            .map_err(|_| Error::InvalidRequest("the user agent is no header value"))?;
        Ok(Self(Arc::new(Inner {
            hosts: Hosts::new(&config.hosts),
            guard: AddressGuard::new(config.allowed_private_ranges),
            resolver,
            pool: Pool::new(tls::client_config(config.extra_ca.as_deref())?),
            timeout: config.timeout,
            max_response_bytes: config.max_response_bytes,
            budget: Budget::new(config.max_held_bytes),
            user_agent,
        })))
    }

    /// Sends a request and reads the whole answer, within the limits of time and size.
    ///
    /// An answer of any status is an answer.
    pub async fn request(&self, request: OutboundRequest) -> Result<OutboundResponse> {
        let limit = request.timeout.unwrap_or(self.0.timeout);
        let host = request.url.host().unwrap_or_default().to_owned();
        timeout(limit, self.follow(request))
            .await
            .unwrap_or(Err(Error::Timeout { host }))
    }

    /// The addresses of a host that may be connected to: an override, a literal, or DNS.
    ///
    /// A port that an override names counts only if `port` is `None`; then `default_port` does
    /// where nothing names one.
    pub async fn resolve_host(
        &self,
        host: &str,
        port: Option<u16>,
        default_port: u16,
    ) -> Result<Vec<SocketAddr>> {
        let bare = bare_host(host);
        let effective = port.unwrap_or(default_port);
        let with_port = self.0.hosts.find(&format!("{host}:{effective}"));
        let (addresses, port) = if let Some((address, exact)) = with_port {
            (vec![address], exact.or(port))
        } else if let Some((address, suggested)) = self.0.hosts.find(bare) {
            (vec![address], port.or(suggested))
        } else if let Ok(literal) = bare.parse() {
            (vec![literal], port)
        } else {
            let found = self.0.resolver.lookup_ip(bare).await;
            let found = found.map_err(|source| Error::Resolve {
                host: host.to_owned(),
                source,
            })?;
            (found, port)
        };
        let port = port.unwrap_or(default_port);
        let addrs = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port));
        self.permitted(host, addrs.collect())
    }

    pub(crate) fn resolver(&self) -> &dyn Resolver {
        &*self.0.resolver
    }

    pub(crate) fn has_override(&self, name: &str) -> bool {
        self.0.hosts.find(name).is_some()
    }

    fn permitted(&self, host: &str, mut addrs: Vec<SocketAddr>) -> Result<Vec<SocketAddr>> {
        addrs.retain(|addr| self.0.guard.permits(addr.ip()));
        addrs.truncate(MAX_ADDRS);
        if addrs.is_empty() {
            return Err(Error::Denied {
                host: host.to_owned(),
            });
        }
        Ok(addrs)
    }

    async fn follow(&self, mut request: OutboundRequest) -> Result<OutboundResponse> {
        let mut hops = match request.redirects {
            Redirects::None => return self.send_once(&request).await,
            Redirects::Follow(hops) => hops,
        };
        loop {
            let response = self.send_once(&request).await?;
            let Some(next) = redirect::next_request(&request, &response)? else {
                return Ok(response);
            };
            if hops == 0 {
                return Err(Error::Redirect("too many hops"));
            }
            hops -= 1;
            request = next;
        }
    }

    async fn send_once(&self, request: &OutboundRequest) -> Result<OutboundResponse> {
        let host = request
            .url
            .host()
            .ok_or(Error::InvalidRequest("the URL has no host"))?;
        let max_bytes = request.max_bytes.unwrap_or(self.0.max_response_bytes);
        let key = self.pool_key(request, host).await?;
        let client = self.0.pool.client(&key);

        let response = client
            .request(self.http_request(request)?)
            .await
            .map_err(|error| unreachable(host, error))?;
        let (parts, body) = response.into_parts();
        let (body, held) = self.read_body(host, body, max_bytes).await?;
        Ok(OutboundResponse {
            status: parts.status,
            headers: parts.headers,
            body,
            held,
        })
    }

    async fn read_body(
        &self,
        host: &str,
        body: Incoming,
        max_bytes: usize,
    ) -> Result<(Bytes, Held)> {
        let announced = body.size_hint().lower();
        if announced > max_bytes as u64 {
            return Err(Error::TooLarge { max_bytes });
        }
        let mut body = Limited::new(body, max_bytes);
        let mut share = self.0.budget.share();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|source| {
                if source.is::<http_body_util::LengthLimitError>() {
                    return Error::TooLarge { max_bytes };
                }
                let host = host.to_owned();
                Error::Unreachable { host, source }
            })?;
            if let Ok(data) = frame.into_data() {
                share.grow_to(bytes.len() + data.len()).await;
                bytes.extend_from_slice(&data);
            }
        }
        Ok((bytes.freeze(), share.hold()))
    }

    /// Resolves and checks the addresses; from here on nothing is looked up again.
    async fn pool_key(&self, request: &OutboundRequest, host: &str) -> Result<PoolKey> {
        let is_tls = match request.url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Error::InvalidRequest("the URL is not https or http")),
        };
        let addrs = if let Some(addrs) = &request.connect_to {
            self.permitted(host, addrs.clone())?
        } else {
            let default_port = if is_tls { 443 } else { 80 };
            self.resolve_host(host, request.url.port_u16(), default_port)
                .await?
        };
        let tls_name = is_tls
            .then(|| {
                let name = request.tls_name.as_deref().unwrap_or(host);
                ServerName::try_from(bare_host(name).to_owned())
                    .map_err(|_| Error::InvalidRequest("not a name that a certificate can bear"))
            })
            .transpose()?;
        Ok(PoolKey { tls_name, addrs })
    }

    fn http_request(&self, request: &OutboundRequest) -> Result<http::Request<Full<Bytes>>> {
        let mut http = http::Request::new(Full::new(request.body.clone()));
        *http.method_mut() = request.method.clone();
        *http.uri_mut() = wire_url(request)?;
        let headers = http.headers_mut();
        headers.extend(request.headers.clone());
        remove_framing(headers);
        headers
            .entry(header::USER_AGENT)
            .or_insert_with(|| self.0.user_agent.clone());
        if request.body.is_empty() && matches!(request.method, Method::POST | Method::PUT) {
            headers.insert(
                header::CONTENT_LENGTH,
                header::HeaderValue::from_static("0"),
            );
        }
        Ok(http)
    }
}

/// The URL with the authority that the other side is to see, as `Host` or `:authority`.
fn wire_url(request: &OutboundRequest) -> Result<Uri> {
    let Some(host) = &request.host_header else {
        return Ok(request.url.clone());
    };
    let mut parts = request.url.clone().into_parts();
    let authority = Authority::try_from(host.as_str())
        .map_err(|_| Error::InvalidRequest("the host header is no authority"))?;
    parts.authority = Some(authority);
    Uri::from_parts(parts).map_err(|_| Error::InvalidRequest("the URL is not absolute"))
}

/// The transport decides about these.
fn remove_framing(headers: &mut HeaderMap) {
    for name in [
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// The host without the brackets of an IPv6 literal.
fn bare_host(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
}

fn unreachable(host: &str, error: hyper_util::client::legacy::Error) -> Error {
    Error::Unreachable {
        host: host.to_owned(),
        source: Box::new(error),
    }
}
