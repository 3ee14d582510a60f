//! `cargo xtask conformance`: what of the specification is there, as a page of documentation.
//!
//! A started server is asked, so the page cannot say what the route tables do not: an operation is
//! there unless the answer is `M_UNRECOGNIZED`.

mod http;
mod operations;
mod page;
mod server;

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::layout::Layout;
use operations::Operation;
use server::Server;

/// What to do with the page.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Fail if the committed page is stale, instead of writing it.
    #[arg(long)]
    check: bool,
}

/// Builds the server and writes the page, or checks it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let layout = Layout::find()?;
    crate::test::build_server(&layout)?;
    if options.check {
        check(&layout)
    } else {
        let page = make(&layout)?;
        fs::write(layout.conformance_page(), page).context("cannot write docs/CONFORMANCE.md")
    }
}

/// Fails if the committed page is stale. The server has been built.
pub(crate) fn check(layout: &Layout) -> Result<()> {
    let committed = fs::read_to_string(layout.conformance_page()).unwrap_or_default();
    ensure!(
        committed == make(layout)?,
        "docs/CONFORMANCE.md is stale: run `cargo xtask conformance`"
    );
    Ok(())
}

fn make(layout: &Layout) -> Result<String> {
    let list = layout.root().join("complement/operations.txt");
    let text =
        fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let mut operations = operations::parse(&text)?;
    let server = Server::start(layout)?;
    for operation in &mut operations {
        operation.served = is_served(&server, operation)?;
    }
    Ok(page::render(&operations))
}

fn is_served(server: &Server, operation: &Operation) -> Result<bool> {
    let answer = http::ask(
        server.address(),
        &operation.method,
        &operation.unknown_place(),
    )?;
    let is_unrecognized =
        matches!(answer.status, 404 | 405) && answer.body.contains("M_UNRECOGNIZED");
    Ok(!is_unrecognized)
}
