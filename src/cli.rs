//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use gantry_model::id::OwnedRoomId;

/// One server for Matrix and Rocket.Chat clients.
#[derive(Debug, Parser)]
#[command(name = "gantry", version, about)]
pub struct Cli {
    /// The configuration file (TOML). Without it, defaults and the environment count.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Without a command, the server runs.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    Serve(ServeArgs),
    /// Administer a server.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// How to run.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Stop when the standard input ends.
    #[arg(long)]
    pub exit_on_stdin_eof: bool,
}

/// What an administrator can do.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Accounts and registration tokens.
    #[command(flatten)]
    Account(AccountCommand),
    /// Retire the signing key and make a new one, used from the next start on.
    RotateKey,
    /// Compute everything anew that is stored of rooms (hashes, chains, states, projections) and say
    /// where it differs. Nothing is written; the exit code is 1 if something was found.
    Check,
    /// Make everything anew that follows from the logs of the rooms, and replace what is stored
    /// where it differs. The server must not run meanwhile.
    RebuildProjections,
    /// Write everything that is stored into a folder, also while the server runs.
    Backup {
        /// The folder; it must be new or empty.
        folder: PathBuf,
    },
    /// Rooms: list, block, purge, delete; also while the server runs.
    #[command(subcommand)]
    Rooms(RoomsCommand),
    /// Put a backup into an empty store, of either engine. All clients sync anew afterwards.
    Restore {
        /// The folder of the backup.
        folder: PathBuf,
    },
    /// Write a room as lines of JSON: events in the order of its log. With the embedded engine, the
    /// server must not run meanwhile.
    ExportRoom {
        /// The room's id.
        #[arg(value_parser = crate::admin::parse_room)]
        room: OwnedRoomId,
    },
}

/// What an administrator can do with rooms.
#[derive(Debug, Subcommand)]
pub enum RoomsCommand {
    /// One line per room: id, version, joined members, log entries, last change, blocked or not.
    List,
    /// Let nobody of this server enter a room.
    Block {
        /// The room's id.
        #[arg(value_parser = crate::admin::parse_room)]
        room: OwnedRoomId,
    },
    /// Lift a block.
    Unblock {
        /// The room's id.
        #[arg(value_parser = crate::admin::parse_room)]
        room: OwnedRoomId,
    },
    /// Take the messages of a room away that were sent before a time; states stay.
    PurgeHistory {
        /// The room's id.
        #[arg(value_parser = crate::admin::parse_room)]
        room: OwnedRoomId,
        /// Messages older than so many days go.
        #[arg(long, value_name = "DAYS")]
        older_than_days: u32,
    },
    /// Take a room away with everything that is stored of it. Members of this server leave first.
    Delete {
        /// The room's id.
        #[arg(value_parser = crate::admin::parse_room)]
        room: OwnedRoomId,
        /// Let nobody enter it again.
        #[arg(long)]
        block: bool,
    },
}

/// What an administrator can do with accounts and registration tokens. With the embedded engine, the
/// server must not run meanwhile.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Create a user.
    CreateUser(NewUser),
    /// List the users.
    ListUsers,
    /// Set another password, and end all sessions of the user.
    ResetPassword(NewPassword),
    /// End an account for good; the user leaves all rooms.
    Deactivate(EndUser),
    /// Make a user an administrator of the server.
    MakeAdmin(ChangeAdmin),
    /// Create a registration token.
    CreateToken(NewToken),
    /// List the registration tokens.
    ListTokens,
    /// Delete a registration token.
    DeleteToken(OldToken),
}

/// Another password.
#[derive(Debug, Clone, Args)]
pub struct NewPassword {
    /// The user id, or the part of it between `@` and `:`.
    pub user: String,
    /// The password. Without it, one is made up and printed.
    #[arg(long)]
    pub password: Option<String>,
    /// Leave the user's sessions as they are.
    #[arg(long)]
    pub keep_sessions: bool,
}

/// The end of an account.
#[derive(Debug, Clone, Args)]
pub struct EndUser {
    /// The user id, or the part of it between `@` and `:`.
    pub user: String,
    /// Do not give the user's events to others any more.
    #[arg(long)]
    pub erase: bool,
}

/// Whether a user administers the server.
#[derive(Debug, Clone, Args)]
pub struct ChangeAdmin {
    /// The user id, or the part of it between `@` and `:`.
    pub user: String,
    /// Take the right away instead.
    #[arg(long)]
    pub revoke: bool,
}

/// A registration token.
#[derive(Debug, Clone, Args)]
pub struct NewToken {
    /// The token. Without it, one is made up.
    #[arg(long)]
    pub token: Option<String>,
    /// How many may register with it; without it, any number.
    #[arg(long)]
    pub uses: Option<i64>,
    /// For how many hours it is valid; without it, for ever.
    #[arg(long)]
    pub hours: Option<i64>,
}

/// A registration token that goes.
#[derive(Debug, Clone, Args)]
pub struct OldToken {
    /// The token.
    pub token: String,
}

/// A user to be created.
#[derive(Debug, Clone, Args)]
pub struct NewUser {
    /// The name: the part of the user id between `@` and `:`.
    pub name: String,
    /// The password. Without it, one is made up and printed.
    #[arg(long)]
    pub password: Option<String>,
    /// Whether the user may administer the server.
    #[arg(long)]
    pub admin: bool,
}

/// What can be asked about the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is valid.
    Check,
    /// Print an example with all keys and their defaults.
    Example,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_file_can_stand_before_and_behind_the_command() {
        let before = Cli::parse_from(["gantry", "--config", "f", "serve"]);
        let behind = Cli::parse_from(["gantry", "serve", "--config", "f", "--exit-on-stdin-eof"]);

        assert_eq!(before.config, Some(PathBuf::from("f")));
        assert_eq!(behind.config, Some(PathBuf::from("f")));
        assert!(matches!(
            behind.command,
            Some(Command::Serve(ServeArgs {
                exit_on_stdin_eof: true
            }))
        ));
        assert!(Cli::parse_from(["gantry"]).command.is_none());
    }
}
