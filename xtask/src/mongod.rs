//! A MongoDB replica set of one node that lives as long as its guard.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::layout::Layout;
use crate::peers::Peer;

/// A running mongod; dropping it ends the server.
///
/// The Python script that started the server ends it as soon as its standard input closes, so it
/// does not outlive this process however that ends.
#[derive(Debug)]
pub(crate) struct Mongod {
    supervisor: Child,
    uri: String,
}

impl Mongod {
    /// Starts the server on a free loopback port and waits until it takes writes.
    pub(crate) fn start(layout: &Layout) -> Result<Self> {
        let mut supervisor = Command::new(Peer::Mongod.python(layout))
            .arg("-B")
            .arg(layout.one_room().join("mongod.py"))
            .arg("--folder")
            .arg(layout.mongod_data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("mongod.py does not start")?;
        let stdout = supervisor
            .stdout
            .take()
            .context("mongod.py has no standard output")?;
        let mut mongod = Self {
            supervisor,
            uri: String::new(),
        };

        BufReader::new(stdout)
            .read_line(&mut mongod.uri)
            .context("cannot read mongod's URI")?;
        mongod.uri.truncate(mongod.uri.trim_end().len());
        ensure!(
            !mongod.uri.is_empty(),
            "mongod does not start; see the messages above"
        );
        Ok(mongod)
    }

    /// The connection string of the replica set.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        if let Err(error) = self.supervisor.wait() {
            eprintln!("cannot wait for mongod to end: {error}");
        }
    }
}
