//! The steps of a test run, what each needs and what each calls.

use std::process::Command;
use std::{env, fs};

use anyhow::Result;

use crate::conformance;
use crate::fuzz;
use crate::layout::Layout;
use crate::model;
use crate::peers::Peer;
use crate::shell;

/// One step, named as on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Step {
    /// The formatting of the Rust code.
    Fmt,
    /// The lints, with warnings as errors.
    Clippy,
    /// All tests and doctests of the workspace, with a MongoDB server.
    Unit,
    /// The documentation, with warnings as errors.
    Doc,
    /// The page that says what of the specification is there, against the server.
    Conformance,
    /// Every operation of the specification, against its OpenAPI.
    Schema,
    /// The black-box tests with a real Synapse and real client libraries.
    #[value(name = "one_room")]
    OneRoom,
    /// Hostile events against the authorization rules and state resolution, for two minutes.
    Fuzz,
    /// Matrix's own conformance tests, against the recorded results.
    Complement,
    /// The model of the event log on several nodes. Only by hand and in a long run.
    Model,
}

/// What has been started for the steps.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// The folders.
    pub(crate) layout: &'a Layout,
    /// The connection string of the MongoDB server, if one runs.
    pub(crate) mongodb_uri: Option<&'a str>,
    /// Whether the long variants were asked for.
    pub(crate) long: bool,
}

impl<'a> Surroundings<'a> {
    /// Nothing has been started.
    pub(crate) fn bare(layout: &'a Layout) -> Self {
        Self {
            layout,
            mongodb_uri: None,
            long: false,
        }
    }
}

impl Step {
    /// Every step of a run, in their order.
    pub(crate) const ALL: [Self; 9] = [
        Self::Fmt,
        Self::Clippy,
        Self::Unit,
        Self::Doc,
        Self::Conformance,
        Self::Schema,
        Self::OneRoom,
        Self::Fuzz,
        Self::Complement,
    ];

    /// What a long run has beside them.
    pub(crate) const LONG: [Self; 1] = [Self::Model];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Unit => "unit",
            Self::Doc => "doc",
            Self::Conformance => "conformance",
            Self::Schema => "schema",
            Self::OneRoom => "one_room",
            Self::Fuzz => "fuzz",
            Self::Complement => "complement",
            Self::Model => "model",
        }
    }

    /// True for a step that only reads code, so that it can run while peers are being installed.
    pub(crate) fn is_static(self) -> bool {
        matches!(self, Self::Fmt | Self::Clippy)
    }

    /// The Python environments that have to be there.
    pub(crate) fn peers(self) -> &'static [Peer] {
        match self {
            Self::Unit => &[Peer::Mongod],
            Self::OneRoom => &[Peer::Synapse, Peer::Mongod, Peer::Clients],
            Self::Schema => &[Peer::Schema],
            Self::Fmt
            | Self::Clippy
            | Self::Doc
            | Self::Conformance
            | Self::Fuzz
            | Self::Complement
            | Self::Model => &[],
        }
    }

    /// True if a MongoDB server has to run.
    pub(crate) fn needs_mongod(self) -> bool {
        matches!(self, Self::Unit | Self::OneRoom)
    }

    /// True if the workspace has to be built beforehand.
    pub(crate) fn needs_binary(self) -> bool {
        !matches!(
            self,
            Self::Fmt | Self::Clippy | Self::Doc | Self::Fuzz | Self::Model
        )
    }

    /// Runs the step.
    pub(crate) fn run(self, surroundings: &Surroundings<'_>) -> Result<()> {
        let layout = surroundings.layout;
        match self {
            Self::Fmt => shell::run(cargo(layout).args(["fmt", "--all", "--check"])),
            Self::Clippy => shell::run(cargo(layout).args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])),
            Self::Unit => shell::run(
                cargo(layout).args(["test", "--workspace"]).envs(
                    surroundings
                        .mongodb_uri
                        .map(|uri| ("GANTRY_TEST_MONGODB_URI", uri)),
                ),
            ),
            Self::Doc => shell::run(
                cargo(layout)
                    .args(["doc", "--workspace", "--no-deps"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
            Self::Conformance => conformance::check(layout),
            Self::Schema => shell::run(&mut schema(layout)),
            Self::OneRoom => shell::run(&mut one_room(surroundings)),
            Self::Fuzz => fuzz::run(surroundings.layout, surroundings.long),
            Self::Complement => complement(layout),
            Self::Model => model::run(layout),
        }
    }
}

/// Builds the server that the later steps run.
pub(crate) fn build(layout: &Layout) -> Result<()> {
    // With the tests and so with their features: they, and the server, need no second build.
    shell::run(cargo(layout).args(["build", "--workspace", "--lib", "--bins", "--tests"]))
}

/// Builds the server alone.
pub(crate) fn build_server(layout: &Layout) -> Result<()> {
    shell::run(cargo(layout).arg("build"))
}

fn cargo(layout: &Layout) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(layout.root())
        .env("CARGO_TARGET_DIR", layout.target());
    cargo
}

fn one_room(surroundings: &Surroundings<'_>) -> Command {
    let layout = surroundings.layout;
    let mut pytest = Command::new(Peer::Clients.python(layout));
    pytest
        .current_dir(layout.root())
        .args(["-B", "-m", "pytest", "--durations=10"])
        .arg(layout.one_room())
        .env("GANTRY_TEST_BINARY", layout.gantry())
        .env("GANTRY_TEST_PEERS", layout.peers())
        .env("GANTRY_TEST_OUTPUT", layout.one_room_output())
        .envs(
            surroundings
                .mongodb_uri
                .map(|uri| ("GANTRY_TEST_MONGODB_URI", uri)),
        )
        .envs(surroundings.long.then_some(("GANTRY_LONG", "1")));
    pytest
}

fn schema(layout: &Layout) -> Command {
    let mut script = Command::new(Peer::Schema.python(layout));
    script
        .current_dir(layout.root())
        .arg("-B")
        .arg(layout.schema().join("run.py"))
        .env("GANTRY_TEST_BINARY", layout.gantry())
        .env("GANTRY_TEST_OUTPUT", layout.schema_output());
    script
}

/// Does nothing until there is a recorded result to compare with.
fn complement(layout: &Layout) -> Result<()> {
    let folder = layout.root().join("complement");
    let has_baseline =
        fs::metadata(folder.join("baseline.jsonl")).is_ok_and(|baseline| baseline.len() > 0);
    let run = folder.join("run");
    if !run.is_file() || !has_baseline {
        eprintln!("complement: there is no baseline yet");
        return Ok(());
    }
    shell::run(
        Command::new(run)
            .arg("--ci")
            .current_dir(layout.root())
            .env("CARGO_TARGET_DIR", layout.target()),
    )
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_step_is_called_by_its_name() {
        for step in Step::ALL.into_iter().chain(Step::LONG) {
            assert_eq!(Step::from_str(step.name(), false), Ok(step));
        }
    }
}
