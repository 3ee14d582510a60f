//! What must hold between the values, and what follows from them.

use gantry_model::RoomVersion;

use super::{Config, ConfigError, ListenersConfig, StorageEngine};

/// Checks a configuration and decides what it leaves to be decided.
pub(super) fn completed(mut config: Config) -> Result<Config, ConfigError> {
    let listeners = &mut config.listeners;
    match (&listeners.tls_certificate, &listeners.tls_private_key) {
        (Some(_), Some(_)) if listeners.tls.is_empty() => {
            listeners.tls.push(ListenersConfig::DEFAULT_TLS);
        }
        (Some(_), Some(_)) => {}
        (None, None) if listeners.tls.is_empty() => {}
        (None, None) => {
            return rule("listeners.tls needs listeners.tls_certificate and tls_private_key");
        }
        _ => return rule("listeners.tls_certificate and tls_private_key go together"),
    }
    if listeners.plain.is_empty() && listeners.tls.is_empty() {
        return rule("there is no listener: listeners.plain and listeners.tls are empty");
    }
    let is_loopback_only = listeners.is_loopback_only();
    if !is_loopback_only && config.server.name.is_none() {
        return rule("server.name is required, because a listener leaves the loopback interface");
    }
    config.registration.open.get_or_insert(is_loopback_only);
    if config.storage.engine == StorageEngine::Mongodb && config.storage.uri.is_none() {
        return rule("storage.engine \"mongodb\" needs storage.uri");
    }
    for (key, version) in [
        ("server", &config.server.default_room_version),
        ("rocketchat", &config.rocketchat.default_room_version),
    ] {
        if version.parse::<RoomVersion>().is_err() {
            return rule(&format!(
                "{key}.default_room_version {version:?} is unknown"
            ));
        }
    }
    if config.mail.host.is_some() && config.mail.from.is_none() {
        return rule("mail.host needs mail.from");
    }
    if config.registration.email_required && config.mail.host.is_none() {
        return rule("registration.email_required needs mail.host");
    }
    if let Err(text) = config.registration.parsed_terms() {
        return rule(&format!("registration.terms: {text:?} is not five parts"));
    }
    if config.accounts.access_token_lifetime_ms == 0 {
        return rule("accounts.access_token_lifetime_ms must not be 0");
    }
    if config.federation.retry_min_ms == 0
        || config.federation.retry_min_ms > config.federation.retry_max_ms
    {
        return rule("federation.retry_min_ms must be between 1 and federation.retry_max_ms");
    }
    Ok(config)
}

fn rule(text: &str) -> Result<Config, ConfigError> {
    Err(ConfigError::Rule(text.to_owned()))
}
