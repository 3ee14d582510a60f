//! Who asks: the address of the client, through proxies that are trusted to tell.

mod forwarded;

use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Extensions, HeaderMap, request::Parts};
use ipnet::IpNet;

/// The address of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The address that [`edge`](crate::edge) found; `0.0.0.0` without it.
    pub fn of(extensions: &Extensions) -> Self {
        let found = extensions.get::<Self>().copied();
        found.unwrap_or(Self(Ipv4Addr::UNSPECIFIED.into()))
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The networks whose word about the client is taken.
pub(crate) type TrustedProxies = Arc<[IpNet]>;

pub(crate) async fn find_client_address(
    State(trusted): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    if let Some(peer) = peer {
        let address = client_address(peer, request.headers(), &trusted);
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

/// Each proxy appends whom it was asked by. So the list is read from its end, for as long as the
/// one who wrote the entry is trusted.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| {
        let address = address.to_canonical();
        trusted.iter().any(|range| range.contains(&address))
    };
    let mut address = peer.to_canonical();
    if !is_trusted(address) {
        return address;
    }
    for hop in forwarded::hops(headers).into_iter().rev() {
        let Some(hop) = hop else {
            break;
        };
        address = hop.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded_for: &str) -> String {
        let headers = HeaderMap::from_iter([(
            "x-forwarded-for".parse().unwrap(),
            forwarded_for.parse().unwrap(),
        )]);
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(seen("8.8.8.8", "1.1.1.1"), "8.8.8.8");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, 8.8.8.8"), "8.8.8.8");
    }

    #[test]
    fn trusted_proxies_are_passed_over() {
        assert_eq!(seen("10.0.0.1", "8.8.8.8, 10.0.0.2"), "8.8.8.8");
        assert_eq!(seen("::1", "2001:db8::1"), "2001:db8::1");
        assert_eq!(seen("::ffff:10.0.0.1", "8.8.8.8"), "8.8.8.8");
    }

    #[test]
    fn what_cannot_be_read_ends_the_search() {
        assert_eq!(seen("10.0.0.1", "8.8.8.8, unknown, 10.0.0.2"), "10.0.0.2");
        assert_eq!(seen("10.0.0.1", ""), "10.0.0.1");
    }
}
