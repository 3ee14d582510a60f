//! What a person reads who starts the server.

use std::fmt::Write;

use crate::{config::Config, running::Running};

/// Prints where the server is and how to log in.
#[expect(
    clippy::print_stdout,
    reason = "this is for the person at the terminal, not for the log"
)]
pub fn print(config: &Config, running: &Running) {
    println!("{}", text(config, running));
}

fn text(config: &Config, running: &Running) -> String {
    let mut out = format!("Gantry serves {}\n", config.server.server_name());
    for address in &running.plain {
        line(&mut out, &format!("  listening on http://{address}"));
    }
    for address in &running.tls {
        line(&mut out, &format!("  listening on https://{address}"));
    }
    if let Some(address) = running.metrics {
        line(
            &mut out,
            &format!("  metrics on   http://{address}/metrics"),
        );
    }
    let url = base_url(config, running);
    line(
        &mut out,
        &format!("\nWith a Matrix client: homeserver {url}"),
    );
    if config.rocketchat.enabled {
        line(
            &mut out,
            &format!("With a Rocket.Chat client: server {url}"),
        );
    }
    let how = if config.registration.is_open() {
        "Register in either client; the account serves both."
    } else {
        "Create an account: gantry admin create-user NAME"
    };
    out + how + "\n"
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("writing to a string does not fail");
}

/// The URL that a client is given.
fn base_url(config: &Config, running: &Running) -> String {
    if let Some(url) = &config.server.well_known_client {
        return url.clone();
    }
    match (running.plain.first(), running.tls.first()) {
        (Some(address), _) if address.ip().is_loopback() => format!("http://{address}"),
        (_, Some(address)) => format!(
            "https://{}:{}",
            config.server.server_name().host(),
            address.port()
        ),
        _ => format!("https://{}", config.server.server_name()),
    }
}
