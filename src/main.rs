//! The binary: arguments and configuration in, an exit code out.

use std::path::Path;

use anyhow::Context;
use clap::Parser;
use gantry::{
    Config, Deps, admin,
    cli::{AdminCommand, Cli, Command, ConfigCommand, ServeArgs},
    config, greeting, shutdown,
    shutdown::StdinEof,
    telemetry,
};

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let file = cli.config.as_deref();
    match cli.command.unwrap_or(Command::Serve(ServeArgs::default())) {
        Command::Serve(args) => run(serve(load(file)?, args)),
        Command::Admin(command) => run(administer(load(file)?, command)),
        Command::Config(ConfigCommand::Check) => {
            load(file)?;
            print("The configuration is valid.\n");
            Ok(())
        }
        Command::Config(ConfigCommand::Example) => {
            print(&config::example());
            Ok(())
        }
    }
}

fn load(file: Option<&Path>) -> anyhow::Result<Config> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Config::load(file, environment)?)
}

fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?
        .block_on(work)
}

async fn serve(config: Config, args: ServeArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.telemetry)?;
    let metrics = match config.listeners.metrics {
        Some(_) => Some(telemetry::start_metrics()?),
        None => None,
    };
    let deps = Deps {
        metrics,
        ..Deps::default()
    };
    let running = gantry::start(config.clone(), deps).await?;
    greeting::print(&config, &running);
    let stdin = if args.exit_on_stdin_eof {
        StdinEof::Ends
    } else {
        StdinEof::Ignored
    };
    shutdown::requested(stdin).await?;
    running.stop().await;
    Ok(())
}

async fn administer(config: Config, command: AdminCommand) -> anyhow::Result<()> {
    telemetry::start_log(&config.telemetry)?;
    print(&admin::run(&config, &Deps::default(), command).await?);
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the answer to a command goes to the standard output"
)]
fn print(text: &str) {
    print!("{text}");
}
