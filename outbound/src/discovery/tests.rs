use gantry_model::MockClock;
use ruma::server_name;

use super::*;
use crate::{
    config::OutboundConfig,
    resolver::{Srv, StaticResolver},
};

fn ip(text: &str) -> std::net::IpAddr {
    text.parse().unwrap()
}

fn srv(target: &str, port: u16, priority: u16, weight: u16) -> Srv {
    Srv {
        target: target.to_owned(),
        port,
        priority,
        weight,
    }
}

/// Nothing answers in these tests, so that no well-known file is ever found: the addresses belong
/// to documentation and are never connected to, because they are denied.
fn discovery(hosts: &[&str], allowed: &[&str], resolver: StaticResolver) -> Discovery {
    let config = OutboundConfig {
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        allowed_private_ranges: allowed.iter().map(|range| range.parse().unwrap()).collect(),
        ..OutboundConfig::default()
    };
    let outbound = Outbound::new(config, Arc::new(resolver)).unwrap();
    Discovery::new(outbound, Arc::new(MockClock::new(0)))
}

fn destination(addrs: &[&str], host_header: &str, tls_name: &str) -> Destination {
    Destination {
        addrs: addrs.iter().map(|addr| addr.parse().unwrap()).collect(),
        host_header: host_header.to_owned(),
        tls_name: tls_name.to_owned(),
    }
}

#[tokio::test]
async fn step_1_an_ip_literal_is_the_address() {
    let discovery = discovery(&[], &[], StaticResolver::new());

    assert_eq!(
        discovery.resolve(server_name!("1.1.1.1")).await.unwrap(),
        destination(&["1.1.1.1:8448"], "1.1.1.1", "1.1.1.1")
    );
    assert_eq!(
        discovery
            .resolve(server_name!("[2606:4700::1111]:443"))
            .await
            .unwrap(),
        destination(
            &["[2606:4700::1111]:443"],
            "[2606:4700::1111]:443",
            "2606:4700::1111"
        )
    );
}

#[tokio::test]
async fn step_2_an_explicit_port_needs_addresses_only() {
    let resolver = StaticResolver::new()
        .with_host("example.org", &[ip("1.1.1.1"), ip("2606:4700::1")])
        .with_srv("_matrix-fed._tcp.example.org", &[srv("other", 1, 0, 0)]);

    let found = discovery(&[], &[], resolver)
        .resolve(server_name!("example.org:99"))
        .await;

    assert_eq!(
        found.unwrap(),
        destination(
            &["1.1.1.1:99", "[2606:4700::1]:99"],
            "example.org:99",
            "example.org"
        )
    );
}

#[tokio::test]
async fn step_4_service_records_are_used_in_their_order() {
    let resolver = StaticResolver::new()
        .with_host("a.example.org", &[ip("1.1.1.1")])
        .with_host("b.example.org", &[ip("1.1.1.2")])
        .with_host("c.example.org", &[ip("1.1.1.3")])
        .with_srv(
            "_matrix-fed._tcp.example.org",
            &[
                srv("a.example.org.", 1, 20, 0),
                srv("b.example.org.", 2, 10, 1),
                srv("c.example.org.", 3, 10, 5),
            ],
        )
        .with_srv("_matrix._tcp.example.org", &[srv("d.example.org", 4, 0, 0)]);

    let found = discovery(&[], &[], resolver)
        .resolve(server_name!("example.org"))
        .await;

    assert_eq!(
        found.unwrap(),
        destination(
            &["1.1.1.3:3", "1.1.1.2:2", "1.1.1.1:1"],
            "example.org",
            "example.org"
        )
    );
}

#[tokio::test]
async fn step_5_the_deprecated_service_comes_second() {
    let resolver = StaticResolver::new()
        .with_host("a.example.org", &[ip("1.1.1.1")])
        .with_srv("_matrix._tcp.example.org", &[srv("a.example.org", 4, 0, 0)]);

    let found = discovery(&[], &[], resolver)
        .resolve(server_name!("example.org"))
        .await;

    assert_eq!(
        found.unwrap(),
        destination(&["1.1.1.1:4"], "example.org", "example.org")
    );
}

#[tokio::test]
async fn step_6_the_name_itself_at_the_default_port_comes_last() {
    // Only the well-known request goes through the denied first address; see `discovery`.
    let resolver = StaticResolver::new().with_host("example.org", &[ip("127.0.0.1")]);
    let found = discovery(&[], &[], resolver)
        .resolve(server_name!("example.org"))
        .await;
    assert!(matches!(found, Err(crate::Error::Denied { .. })));

    // Nobody listens at port 443 of this loopback address.
    let resolver = StaticResolver::new().with_host("example.org", &[ip("127.83.1.9")]);
    let found = discovery(&[], &["127.83.1.9/32"], resolver)
        .resolve(server_name!("Example.ORG"))
        .await;
    assert_eq!(
        found.unwrap(),
        destination(&["127.83.1.9:8448"], "example.org", "example.org")
    );
}

#[tokio::test]
async fn an_override_comes_before_everything() {
    let resolver = StaticResolver::new()
        .with_host("hs1", &[ip("1.1.1.1")])
        .with_srv("_matrix-fed._tcp.hs1", &[srv("other", 1, 0, 0)]);
    let discovery = discovery(
        &["hs1=10.0.0.1", "hs2=10.0.0.2:99", "hs3:5=10.0.0.3:6"],
        &["10.0.0.0/8"],
        resolver,
    );
    let found = async |name: &str| {
        let server = OwnedServerName::try_from(name).unwrap();
        discovery.resolve(&server).await.ok()
    };

    assert_eq!(
        found("hs1").await,
        Some(destination(&["10.0.0.1:8448"], "hs1", "hs1"))
    );
    assert_eq!(
        found("hs2").await,
        Some(destination(&["10.0.0.2:99"], "hs2", "hs2"))
    );
    assert_eq!(
        found("hs2:7").await,
        Some(destination(&["10.0.0.2:7"], "hs2:7", "hs2"))
    );
    assert_eq!(
        found("hs3:5").await,
        Some(destination(&["10.0.0.3:6"], "hs3:5", "hs3"))
    );
    assert_eq!(found("hs3").await, None);
}

#[tokio::test]
async fn private_addresses_are_denied_however_they_are_named() {
    let resolver = StaticResolver::new()
        .with_host("inner.example.org", &[ip("10.0.0.1")])
        .with_srv(
            "_matrix-fed._tcp.example.org",
            &[srv("inner.example.org", 1, 0, 0)],
        );
    let discovery = discovery(&["hs1=10.0.0.1"], &[], resolver);

    for name in [
        "10.0.0.1",
        "[::1]:80",
        "inner.example.org:1",
        "example.org",
        "hs1",
    ] {
        let server = OwnedServerName::try_from(name).unwrap();

        let found = discovery.resolve(&server).await;

        assert!(matches!(found, Err(crate::Error::Denied { .. })), "{name}");
    }
}
