//! A server to ask, with nothing in it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use super::http;
use crate::layout::Layout;

const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// A running server; dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the built server on a free loopback port, with an empty folder.
    pub(crate) fn start(layout: &Layout) -> Result<Self> {
        let data = layout.target().join("conformance");
        if data.exists() {
            fs::remove_dir_all(&data)
                .with_context(|| format!("cannot empty {}", data.display()))?;
        }
        let address = free_address()?;
        let process = Command::new(layout.gantry())
            .arg("serve")
            .env("GANTRY_SERVER__DATA_DIR", &data)
            .env("GANTRY_LISTENERS__PLAIN", address.to_string())
            // Without these, the files are not there.
            .env(
                "GANTRY_SERVER__WELL_KNOWN_CLIENT",
                "https://matrix.example.org",
            )
            .env("GANTRY_SERVER__WELL_KNOWN_SERVER", "matrix.example.org:443")
            .env("GANTRY_LIMITS__ENABLED", "false")
            .env("GANTRY_TELEMETRY__FILTER", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{} does not start", layout.gantry().display()))?;
        let mut server = Self { process, address };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        for _ in 0..LOOKS {
            if let Some(status) = self.process.try_wait()? {
                bail!("the server ended: {status}");
            }
            let answer = http::ask(self.address, "GET", "/_matrix/client/versions");
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("the server does not answer on {}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // There is nothing in it that could be lost.
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait()) {
            eprintln!("cannot end the server: {error}");
        }
    }
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}
