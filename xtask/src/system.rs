//! Debian packages without which a peer cannot run.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Something the system has to provide, and the packages that provide it.
pub(crate) struct Requirement<'a> {
    /// What a person would call it.
    pub(crate) what: &'a str,
    /// The Debian packages to install when it is missing.
    pub(crate) packages: &'a [&'a str],
}

impl Requirement<'_> {
    /// Makes sure that `probe` succeeds: root installs the packages, others are told their names.
    pub(crate) fn ensure(&self, probe: impl Fn() -> Command) -> Result<()> {
        let Err(missing) = shell::run_quietly(&mut probe()) else {
            return Ok(());
        };
        let packages = self.packages.join(" ");
        if !is_root()? {
            bail!(
                "{} is missing; as root run: apt-get install {packages}\n{missing:#}",
                self.what
            );
        }
        self.install()?;
        shell::run_quietly(&mut probe())
            .map(drop)
            .with_context(|| format!("{} is missing even with {packages} installed", self.what))
    }

    fn install(&self) -> Result<()> {
        shell::run(apt_get().args(["update", "--quiet"]))?;
        let mut install = apt_get();
        install
            .args(["install", "--yes", "--no-install-recommends"])
            .args(self.packages);
        shell::run(&mut install)
    }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> Result<bool> {
    Ok(shell::run_quietly(Command::new("id").arg("-u"))?.trim() == "0")
}
