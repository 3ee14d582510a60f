//! `cargo xtask test`: everything that CI checks, in one order.

mod report;
mod step;

use std::thread;

use anyhow::{Result, anyhow};

use crate::layout::Layout;
use crate::mongod::Mongod;
use crate::peers::{self, Peer};
use report::Report;
pub(crate) use step::build_server;
use step::{Step, Surroundings};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run a single step and what it needs.
    #[arg(long, value_name = "STEP")]
    only: Option<Step>,
    /// Run the long variants of the black-box tests.
    #[arg(long)]
    long: bool,
}

impl Options {
    fn steps(&self) -> Vec<Step> {
        match self.only {
            Some(step) => vec![step],
            None if self.long => Step::ALL.into_iter().chain(Step::LONG).collect(),
            None => Step::ALL.to_vec(),
        }
    }
}

/// Runs the steps until one fails, and tells in any case how long each took.
pub(crate) fn run(options: &Options) -> Result<()> {
    let layout = Layout::find()?;
    let mut report = Report::default();
    let outcome = run_steps(&layout, options, &mut report);
    eprintln!("{report}");
    outcome
}

fn run_steps(layout: &Layout, options: &Options, report: &mut Report) -> Result<()> {
    let (early, late): (Vec<Step>, Vec<Step>) = options
        .steps()
        .into_iter()
        .partition(|step| step.is_static());

    let mut wanted: Vec<Peer> = Vec::new();
    for peer in late.iter().flat_map(|step| step.peers()) {
        if !wanted.contains(peer) {
            wanted.push(*peer);
        }
    }

    // Downloads keep the network busy while the compiler keeps the processors busy.
    thread::scope(|scope| {
        let installation =
            (!wanted.is_empty()).then(|| scope.spawn(|| peers::install(layout, &wanted)));
        for step in early {
            report.measure(step.name(), || step.run(&Surroundings::bare(layout)))?;
        }
        match installation {
            Some(running) => report.measure("peers", || {
                running
                    .join()
                    .map_err(|_| anyhow!("the installation panicked"))?
            }),
            None => Ok(()),
        }
    })?;

    let mongod = if late.iter().any(|step| step.needs_mongod()) {
        Some(report.measure("mongod", || Mongod::start(layout))?)
    } else {
        None
    };
    let surroundings = Surroundings {
        layout,
        mongodb_uri: mongod.as_ref().map(Mongod::uri),
        long: options.long,
    };
    if late.iter().any(|step| step.needs_binary()) {
        report.measure("build", || step::build(layout))?;
    }
    for step in late {
        report.measure(step.name(), || step.run(&surroundings))?;
    }
    Ok(())
}
