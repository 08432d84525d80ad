//! The command line: the program serves, or runs one of its commands. `main` is the caller. No other part may read
//! the arguments. The commands for programs and people who use a server stand in `client`.

mod backup;
mod client;
mod contents;
pub mod exit;
mod folder;
mod health;
mod migrate;
mod progress;
mod restore;
pub(crate) mod signals;

use std::{ffi::OsString, io::Write};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use self::{
    backup::BackupCommand, client::ClientCommand, health::Health, migrate::Migrate, restore::RestoreCommand,
};
use super::{
    config::{AFTER_HELP, Config, environment},
    observability::logging,
};

/// The name of the command that serves.
const SERVE: &str = "serve";

/// A self-hosted live event feed with chat rooms beside it.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "idobata",
    version,
    about,
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// `None`: serve.
    #[command(subcommand)]
    command: Option<Command>,

    /// The settings.
    #[command(flatten)]
    pub config: Config,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Serve, as without a command; takes the same settings
    #[command(after_help = AFTER_HELP)]
    Serve(Box<Config>),

    #[command(flatten)]
    Client(Box<ClientCommand>),

    /// Copy a history from SQLite to an empty PostgreSQL database
    ///
    /// Epochs, offsets and times stay the same: readers resume across the move. No server may run on either. The file
    /// is not changed. The contents of uploaded files stay where they are, unless --files names another folder.
    Migrate(Migrate),
    /// Check that the server on this machine is ready; the exit code is 0 if it is
    Health(Health),

    /// Copy the database, its keys and the contents of files; the server may be running
    ///
    /// The copy is a snapshot: it has everything that was acknowledged before it began. It is an SQLite file; keep it
    /// as safe as the data folder, because the keys are in it. The contents of uploaded files are in the folder FILE.files.
    Backup(BackupCommand),

    /// Replace the database, its keys and the contents of files with a backup; no server may be running on the folder
    ///
    /// The present files are moved into a folder `replaced-…`, nothing is deleted. Readers are told that history went
    /// back.
    Restore(RestoreCommand),
}

impl Cli {
    /// Parses the flags and the environment. Ends the program with a message and code 2 if they cannot be parsed.
    pub fn read() -> Self {
        let (command, arguments) = (environment::without_empty(Self::command()), std::env::args_os());
        let matches = matches(&command, &arguments.collect::<Vec<_>>()).unwrap_or_else(|error| error.exit());
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if let Some(Command::Serve(config)) = cli.command {
            cli = Self { command: None, config: *config };
        }
        cli
    }

    /// Returns true for a command that talks to a server: it needs no log and no threads of its own.
    pub fn is_client(&self) -> bool {
        matches!(self.command, Some(Command::Client(_)))
    }

    /// Serves or runs the command, and returns the exit code when that has ended. `log_complaint` is a warning about
    /// `RUST_LOG`, to be logged.
    pub async fn run(self, log_complaint: Option<String>) -> anyhow::Result<u8> {
        let complaint = environment::complaint(&Self::command(), std::env::vars_os());
        signals::ignore_file_size_signal()?;
        let command = match self.command {
            Some(Command::Client(client)) => {
                complaint.iter().for_each(|complaint| logging::tell(complaint));
                return client.run(Self::command()).await;
            }
            command => command,
        };
        let is_health = matches!(command, Some(Command::Health(_)));
        // A health check would repeat it every few seconds.
        for complaint in [log_complaint, complaint].into_iter().flatten().filter(|_| !is_health) {
            tracing::warn!("{complaint}");
        }
        match command {
            None => super::run(self.config).await?,
            Some(Command::Serve(config)) => super::run(*config).await?,
            Some(Command::Migrate(migrate)) => migrate.run(&self.config).await?,
            Some(Command::Backup(backup)) => {
                progress::until_stopped(|is_stopped| backup.run(is_stopped)).await?;
            }
            Some(Command::Restore(restore)) => {
                progress::until_stopped(|is_stopped| restore.run(is_stopped)).await?;
            }
            Some(Command::Health(health)) => health.run().await?,
            Some(Command::Client(_)) => unreachable!("it was run above"),
        }
        Ok(0)
    }
}

/// Parses the arguments. The settings of the server may stand before `serve` as well as behind it.
fn matches(command: &clap::Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let parsed = command.clone().try_get_matches_from(arguments);
    parsed.or_else(|error| {
        let places = (1..arguments.len()).filter(|place| arguments[*place] == SERVE);
        let without = |place| {
            let rest = arguments.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, text)| text);
            command.clone().try_get_matches_from(rest).ok()
        };
        // One of them may be the value of a setting: then the rest cannot be parsed without it.
        let serves = |matches: &ArgMatches| matches.subcommand_name().is_none();
        places.filter_map(without).find(serves).ok_or(error)
    })
}

/// Prints the outcome of a command. A reader that has gone is no error.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &str) -> Result<Cli, clap::Error> {
        let arguments = ["idobata"].into_iter().chain(arguments.split_whitespace()).map(OsString::from);
        Cli::from_arg_matches(&matches(&Cli::command(), &arguments.collect::<Vec<_>>())?)
    }

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_of_the_server_stand_before_serve_and_behind_it() {
        for line in ["--data a", "serve --data a", "--data a serve", "--data a serve --no-measure"] {
            let cli = parsed(line).expect(line);
            let config = match cli.command {
                Some(Command::Serve(config)) => *config,
                None => cli.config,
                other => panic!("{line}: {other:?}"),
            };
            assert_eq!(config.data.to_str(), Some("a"), "{line}");
        }
        let named = parsed("--data serve serve --node-name n").expect("a folder of that name");
        assert_eq!(named.config.data.to_str(), Some("serve"));
        for line in ["--data a health", "health serve", "--data a publish serve", "serve --port 80"] {
            parsed(line).expect_err(line);
        }
    }
}
