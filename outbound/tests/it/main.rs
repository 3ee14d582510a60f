//! The client against real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use gantry_model::MockClock;
use gantry_outbound::{
    Destination, Discovery, Error, Outbound, OutboundConfig, OutboundRequest, Redirects,
    StaticResolver,
};
use http::{Method, StatusCode};
use ruma::server_name;

use server::TestServer;

fn outbound(server: &TestServer, resolver: StaticResolver) -> Outbound {
    let config = OutboundConfig {
        extra_ca: Some(server.ca_file()),
        allowed_private_ranges: vec!["127.0.0.0/8".parse().unwrap()],
        timeout: Duration::from_secs(20),
        ..OutboundConfig::default()
    };
    Outbound::new(config, Arc::new(resolver)).unwrap()
}

fn get(server: &TestServer, host_header: &str, tls_name: &str) -> OutboundRequest {
    to(server.address(), host_header, tls_name, "/echo")
}

fn to(addr: SocketAddr, host_header: &str, tls_name: &str, path: &str) -> OutboundRequest {
    let url = format!("https://{host_header}{path}").parse().unwrap();
    OutboundRequest::new(Method::GET, url).to_destination(&Destination {
        addrs: vec![addr],
        host_header: host_header.to_owned(),
        tls_name: tls_name.to_owned(),
    })
}

#[tokio::test]
async fn a_request_goes_to_the_address_under_the_names_it_was_given() {
    let server = TestServer::start("matrix.test").await;
    let outbound = outbound(&server, StaticResolver::new());

    let response = outbound
        .request(get(&server, "example.test:99", "matrix.test"))
        .await
        .unwrap();

    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.body, "GET example.test:99 /echo");
}

#[tokio::test]
async fn connections_are_kept() {
    let server = TestServer::start("matrix.test").await;
    let outbound = outbound(&server, StaticResolver::new());

    for _ in 0..3 {
        let request = get(&server, "matrix.test", "matrix.test");
        outbound.request(request).await.unwrap();
    }

    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_certificate_of_another_name_or_issuer_is_refused() {
    let server = TestServer::start("matrix.test").await;
    let trusting = outbound(&server, StaticResolver::new());
    let distrusting = Outbound::new(
        OutboundConfig {
            allowed_private_ranges: vec!["127.0.0.0/8".parse().unwrap()],
            ..OutboundConfig::default()
        },
        Arc::new(StaticResolver::new()),
    )
    .unwrap();

    let other_name = trusting.request(get(&server, "a.test", "other.test")).await;
    let other_issuer = distrusting
        .request(get(&server, "a.test", "matrix.test"))
        .await;

    assert!(matches!(other_name, Err(Error::Unreachable { .. })));
    assert!(matches!(other_issuer, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn a_denied_address_is_never_connected_to() {
    let server = TestServer::start("matrix.test").await;
    let config = OutboundConfig {
        extra_ca: Some(server.ca_file()),
        ..OutboundConfig::default()
    };
    let resolver = StaticResolver::new().with_host("matrix.test", &["127.0.0.1".parse().unwrap()]);
    let outbound = Outbound::new(config, Arc::new(resolver)).unwrap();

    let pinned = outbound
        .request(get(&server, "matrix.test", "matrix.test"))
        .await;
    let url = format!("https://matrix.test:{}/", server.address().port());
    let resolved = outbound
        .request(OutboundRequest::new(Method::GET, url.parse().unwrap()))
        .await;

    assert!(matches!(pinned, Err(Error::Denied { .. })));
    assert!(matches!(resolved, Err(Error::Denied { .. })));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_announced_or_not() {
    let server = TestServer::start("matrix.test").await;
    let outbound = outbound(&server, StaticResolver::new());

    for path in ["/long", "/long-chunked"] {
        let request = to(server.address(), "matrix.test", "matrix.test", path).max_bytes(1000);

        let response = outbound.request(request).await;

        assert!(
            matches!(response, Err(Error::TooLarge { max_bytes: 1000 })),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let server = TestServer::start("matrix.test").await;
    let outbound = outbound(&server, StaticResolver::new());
    let request = to(server.address(), "matrix.test", "matrix.test", "/silent");

    let response = outbound
        .request(request.timeout(Duration::from_millis(200)))
        .await;

    assert!(matches!(response, Err(Error::Timeout { .. })));
}

#[tokio::test]
async fn redirects_are_followed_only_when_asked_and_each_hop_is_checked() {
    let server = TestServer::start("matrix.test").await;
    let outbound = outbound(&server, StaticResolver::new());
    let request = |path: &str, redirects| {
        let mut request = to(server.address(), "matrix.test", "matrix.test", path);
        request.redirects = redirects;
        request
    };

    let not_followed = outbound.request(request("/to/127.0.0.1", Redirects::None));
    let denied = outbound.request(request("/to/10.1.1.1", Redirects::Follow(3)));
    let unknown = outbound.request(request("/to/nowhere.test", Redirects::Follow(3)));

    assert_eq!(not_followed.await.unwrap().status, StatusCode::FOUND);
    assert!(matches!(denied.await, Err(Error::Denied { .. })));
    assert!(matches!(unknown.await, Err(Error::Resolve { .. })));
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let server = TestServer::start("matrix.test").await;
    let loopback = "127.0.0.1".parse().unwrap();
    let outbound = outbound(
        &server,
        StaticResolver::new().with_host("matrix.test", &[loopback]),
    );
    let url = format!("https://matrix.test:{}/loop", server.address().port());
    let mut request = OutboundRequest::new(Method::GET, url.parse().unwrap());
    request.redirects = Redirects::Follow(4);

    let response = outbound.request(request).await;

    assert!(matches!(response, Err(Error::Redirect("too many hops"))));
    assert_eq!(server.requests(), 5);
}

/// Steps 3.1 to 3.4 of server discovery. The well-known file is asked for at port 443, which a test
/// cannot listen at; an override of the port leads it to the server.
#[tokio::test]
async fn a_well_known_file_delegates_and_is_remembered() {
    let server = TestServer::start("delegating.test").await;
    let port = server.address().port();
    let config = OutboundConfig {
        hosts: vec![
            format!("delegating.test:443=127.0.0.1:{port}")
                .parse()
                .unwrap(),
        ],
        extra_ca: Some(server.ca_file()),
        allowed_private_ranges: vec!["127.0.0.0/8".parse().unwrap()],
        ..OutboundConfig::default()
    };
    let resolver = StaticResolver::new().with_host("matrix.test", &["1.1.1.1".parse().unwrap()]);
    let outbound = Outbound::new(config, Arc::new(resolver)).unwrap();
    let clock = Arc::new(MockClock::new(0));
    let discovery = Discovery::new(outbound, clock.clone());
    server.delegate_to("matrix.test:77");

    let found = discovery.resolve(server_name!("delegating.test")).await;
    let again = discovery.resolve(server_name!("delegating.test")).await;
    let asked = server.requests();
    clock.advance(25 * 3600 * 1000);
    server.delegate_to("1.1.1.2");
    let later = discovery.resolve(server_name!("delegating.test")).await;

    let expected = Destination {
        addrs: vec!["1.1.1.1:77".parse().unwrap()],
        host_header: "matrix.test:77".to_owned(),
        tls_name: "matrix.test".to_owned(),
    };
    assert_eq!(found.unwrap(), expected);
    assert_eq!(again.unwrap(), expected);
    assert_eq!(asked, 1);
    assert_eq!(later.unwrap().addrs, ["1.1.1.2:8448".parse().unwrap()]);
}
