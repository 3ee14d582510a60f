//! The binary: arguments and configuration in, an exit code out.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use gantry::{
    Config, Deps,
    admin::{self, Request, RoomsRequest},
    arenas,
    cli::{AdminCommand, Cli, Command, ConfigCommand, RoomsCommand, ServeArgs},
    config, greeting, open_files, shutdown,
    shutdown::StdinEof,
    telemetry, wiring,
};

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let file = cli.config.as_deref();
    match cli.command.unwrap_or(Command::Serve(ServeArgs::default())) {
        Command::Serve(args) => {
            arenas::limit();
            run(serve(load(file)?, args))?;
        }
        Command::Admin(command) => return run(administer(load(file)?, command)),
        Command::Config(ConfigCommand::Check) => {
            load(file)?;
            print("The configuration is valid.\n");
        }
        Command::Config(ConfigCommand::Example) => print(&config::example()),
    }
    Ok(ExitCode::SUCCESS)
}

fn load(file: Option<&Path>) -> anyhow::Result<Config> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Config::load(file, environment)?)
}

fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?
        .block_on(work)
}

async fn serve(config: Config, args: ServeArgs) -> anyhow::Result<()> {
    telemetry::start_log(&config.telemetry)?;
    open_files::raise_limit();
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
    let is_broken = tokio::select! {
        requested = shutdown::requested(stdin) => {
            requested?;
            false
        }
        () = running.broken() => true,
    };
    running.stop().await;
    // Whoever started the server may start it again, which repairs what can be repaired.
    anyhow::ensure!(!is_broken, "the storage engine has failed");
    Ok(())
}

async fn administer(config: Config, command: AdminCommand) -> anyhow::Result<ExitCode> {
    telemetry::start_log(&config.telemetry)?;
    match command {
        AdminCommand::Account(command) => {
            print(&admin::accounts::run(&config, &Deps::default(), command).await?);
        }
        AdminCommand::RotateKey => {
            let key_id = wiring::rotate_key(&config, &Deps::default()).await?;
            print(&format!(
                "the key is now {key_id}; old ones stay published for what they signed\n"
            ));
        }
        AdminCommand::Check => return ask(&config, Request::Check).await,
        AdminCommand::Backup { folder } => {
            let folder = std::path::absolute(folder)?;
            return ask(&config, Request::Backup { folder }).await;
        }
        AdminCommand::Rooms(command) => {
            let now_ms = Deps::default().clock.now_ms();
            return ask(&config, Request::Rooms(rooms_request(command, now_ms))).await;
        }
        AdminCommand::Restore { folder } => {
            let clock = Deps::default().clock;
            print(&admin::restore(&config, &folder, &*clock).await?);
        }
        AdminCommand::ExportRoom { room } => {
            admin::export_room(&config, &room, &mut std::io::stdout()).await?;
        }
        AdminCommand::RebuildProjections => print(&admin::rebuild_projections(&config).await?),
    }
    Ok(ExitCode::SUCCESS)
}

fn rooms_request(command: RoomsCommand, now_ms: i64) -> RoomsRequest {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    match command {
        RoomsCommand::List => RoomsRequest::List,
        RoomsCommand::Block { room } => RoomsRequest::Block(room),
        RoomsCommand::Unblock { room } => RoomsRequest::Unblock(room),
        RoomsCommand::PurgeHistory {
            room,
            older_than_days,
        } => RoomsRequest::PurgeHistory {
            room,
            before_ms: now_ms - i64::from(older_than_days) * DAY_MS,
        },
        RoomsCommand::Delete { room, block } => RoomsRequest::Delete { room, block },
    }
}

async fn ask(config: &Config, request: Request) -> anyhow::Result<ExitCode> {
    let answer = admin::run(config, request).await?;
    print(&answer.text);
    Ok(match answer.is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

#[expect(
    clippy::print_stdout,
    reason = "the answer to a command goes to the standard output"
)]
fn print(text: &str) {
    print!("{text}");
}
