//! Where things lie: the repository, and the target folder that takes all writes.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders every step works with.
#[derive(Debug)]
pub(crate) struct Layout {
    root: PathBuf,
    target: PathBuf,
}

impl Layout {
    /// Finds the repository from the variables that cargo sets for a running program.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .context("CARGO_MANIFEST_DIR is not set: call this program as `cargo xtask`")?;
        let root = manifest
            .parent()
            .context("the xtask folder has no parent")?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(folder).context("CARGO_TARGET_DIR is no path")?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The root of the repository.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that takes all writes.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The black-box tests in Python and the lists of what they need.
    pub(crate) fn one_room(&self) -> PathBuf {
        self.root.join("tests/one_room")
    }

    /// The check of every operation against the specification's OpenAPI.
    pub(crate) fn schema(&self) -> PathBuf {
        self.root.join("tests/schema")
    }

    /// The page that says what of the specification is there.
    pub(crate) fn conformance_page(&self) -> PathBuf {
        self.root.join("docs/CONFORMANCE.md")
    }

    /// Other programs that the tests talk to, one Python environment each.
    pub(crate) fn peers(&self) -> PathBuf {
        self.target.join("peers")
    }

    /// Logs and data of the servers that the black-box tests start.
    pub(crate) fn one_room_output(&self) -> PathBuf {
        self.target.join("one_room")
    }

    /// Programs that are built from crates.io for the tests.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// What the fuzzer builds and finds.
    pub(crate) fn fuzz(&self) -> PathBuf {
        self.target.join("fuzz")
    }

    /// The report of the check of every operation.
    pub(crate) fn schema_output(&self) -> PathBuf {
        self.target.join("schema")
    }

    /// Data of the MongoDB server that lives as long as the run.
    pub(crate) fn mongod_data(&self) -> PathBuf {
        self.target.join("mongod")
    }

    /// The server as built by `cargo build`.
    pub(crate) fn gantry(&self) -> PathBuf {
        self.target.join("debug/gantry")
    }
}
