use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_text(text, environment).map_err(|error| error.to_string())
}

#[test]
fn nothing_at_all_is_a_server_for_this_machine() {
    let config = load("", &[]).unwrap();

    assert_eq!(config.server.server_name(), "localhost");
    assert_eq!(config.listeners.plain, ["127.0.0.1:8008".parse().unwrap()]);
    assert!(config.listeners.tls.is_empty());
    assert_eq!(config.storage.engine, StorageEngine::Redb);
    assert!(config.registration.is_open());
}

#[test]
fn a_listener_beyond_loopback_needs_a_name_and_closes_registration() {
    let unnamed = load("listeners.plain = ['0.0.0.0:8008']", &[]);
    let named = load(
        "server.name = 'example.org'\nlisteners.plain = ['[::]:8008']",
        &[],
    );
    let opened = load(
        "server.name = 'example.org'\nlisteners.plain = ['[::]:8008']\nregistration.open = true",
        &[],
    );

    assert!(unnamed.unwrap_err().contains("server.name is required"));
    assert!(!named.unwrap().registration.is_open());
    assert!(opened.unwrap().registration.is_open());
}

#[test]
fn a_certificate_opens_the_federation_port() {
    let files = "listeners.tls_certificate = 'c.pem'\nlisteners.tls_private_key = 'k.pem'";

    let config = load(&format!("server.name = 'example.org'\n{files}"), &[]).unwrap();

    assert_eq!(config.listeners.tls, ["[::]:8448".parse().unwrap()]);
    assert!(load(files, &[]).unwrap_err().contains("server.name"));
    assert!(load("listeners.tls_certificate = 'c.pem'", &[]).is_err());
    assert!(load("listeners.tls = ['127.0.0.1:8448']", &[]).is_err());
}

#[test]
fn the_environment_overlays_the_file() {
    let config = load(
        "[limits]\nenabled = true\nmax_body_bytes = 5\n[telemetry]\nfilter = 'warn'",
        &[
            ("GANTRY_LIMITS__ENABLED", "false"),
            ("GANTRY_SERVER__NAME", "example.org:8448"),
            ("GANTRY_LISTENERS__PLAIN", "127.0.0.1:1, [::1]:2"),
            ("GANTRY_LISTENERS__METRICS", "127.0.0.1:9000"),
            ("GANTRY_LISTENERS__TRUSTED_PROXIES", "10.0.0.0/8,::1/128"),
            ("GANTRY_OUTBOUND__HOSTS", "hs1=127.41.3.1:8448,hs2=::1"),
            ("GANTRY_STORAGE__ENGINE", "mongodb"),
            ("GANTRY_STORAGE__URI", "mongodb://localhost"),
            ("GANTRY_REGISTRATION__OPEN", "false"),
            ("GANTRY_TELEMETRY__FORMAT", "json"),
            ("GANTRY_PORT", "tcp://10.0.0.1:8008"),
            ("OTHER__KEY", "x"),
        ],
    )
    .unwrap();

    assert!(!config.limits.enabled);
    assert_eq!(config.limits.max_body_bytes, 5);
    assert_eq!(config.server.server_name(), "example.org:8448");
    assert_eq!(
        config.listeners.plain,
        ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()]
    );
    assert_eq!(
        config.listeners.metrics,
        Some("127.0.0.1:9000".parse().unwrap())
    );
    assert_eq!(config.listeners.trusted_proxies.len(), 2);
    assert_eq!(config.outbound.hosts.len(), 2);
    assert_eq!(config.storage.engine, StorageEngine::Mongodb);
    assert!(!config.registration.is_open());
    assert_eq!(config.telemetry.filter, "warn");
    assert_eq!(config.telemetry.format, TelemetryFormat::Json);
}

#[test]
fn an_unknown_key_is_an_error_that_names_it() {
    let unknown = |text: &str, environment: &[(&str, &str)]| load(text, environment).unwrap_err();

    assert!(unknown("[server]\nnmae = 'x'", &[]).starts_with("server.nmae: unknown field"));
    assert!(unknown("[sever]\nname = 'x'", &[]).starts_with("sever: unknown field"));
    assert!(unknown("", &[("GANTRY_SERVER__NMAE", "x")]).starts_with("server.nmae: unknown field"));
    assert!(unknown("", &[("GANTRY_SEVER__NAME", "x")]).starts_with("sever: unknown field"));
}

#[test]
fn a_wrong_value_is_an_error_that_names_its_key() {
    for (name, value) in [
        ("limits.enabled", "perhaps"),
        ("limits.max_body_bytes", "-1"),
        ("listeners.plain", "127.0.0.1"),
        ("server.name", "not a name"),
        ("outbound.hosts", "hs1"),
        ("storage.engine", "sqlite"),
    ] {
        let variable = format!("GANTRY_{}", name.replace('.', "__").to_uppercase());

        let error = load("", &[(&variable, value)]).unwrap_err();

        assert!(error.starts_with(name), "{error}");
    }
    assert!(load("server.default_room_version = '99'", &[]).is_err());
    assert!(load("storage.engine = 'mongodb'", &[]).is_err());
    assert!(load("listeners.plain = []", &[]).is_err());
    assert!(load("no toml", &[]).is_err());
}

#[test]
fn secrets_are_not_shown() {
    let config = load("registration.shared_secret = 'hidden'", &[]).unwrap();

    assert!(!format!("{config:?}").contains("hidden"));
    let secret = config.registration.shared_secret.unwrap();
    assert_eq!(secret.reveal(), "hidden");
}

proptest! {
    #[test]
    fn any_environment_is_read_or_refused(
        variables in prop::collection::hash_map(
            "GANTRY_(SERVER|LIMITS|LISTENERS|STORAGE)__(NAME|ENABLED|PLAIN|ENGINE|URI)",
            "[ -~]{0,20}",
            0..4,
        )
    ) {
        let variables: HashMap<String, String> = variables;

        if let Ok(config) = Config::from_text("", variables) {
            prop_assert!(config.registration.open.is_some());
        }
    }
}
