//! The command line: the program serves, or runs one of its commands. `main` is the caller. No other part may read
//! the arguments.

mod backup;
pub mod exit;
mod folder;
mod health;
mod migrate;
mod progress;
mod restore;
pub(crate) mod signals;

use std::io::Write;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::{backup::BackupCommand, health::Health, migrate::Migrate, restore::RestoreCommand};
use super::config::{AFTER_HELP, Config, environment};

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
    /// Copy a history from SQLite to an empty PostgreSQL database
    ///
    /// Epochs, offsets and times stay the same: readers resume across the move. No server may run on either. The file
    /// is not changed.
    Migrate(Migrate),
    /// Check that the server on this machine is ready; the exit code is 0 if it is
    Health(Health),

    /// Copy the database and its keys into one file; the server may be running
    ///
    /// The copy is a snapshot: it has everything that was acknowledged before it began. It is an SQLite file; keep it
    /// as safe as the data folder, because the keys are in it.
    Backup(BackupCommand),

    /// Replace the database and its keys with a backup; no server may be running on the folder
    ///
    /// The present files are moved into a folder `replaced-…`, nothing is deleted. Readers are told that history went
    /// back.
    Restore(RestoreCommand),
}

impl Cli {
    /// Parses the flags and the environment. Ends the program with a message and code 2 if they cannot be parsed.
    pub fn read() -> Self {
        let matches = environment::without_empty(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Serves or runs the command, and returns when that has ended. `log_complaint` is a warning about `RUST_LOG`, to
    /// be logged.
    pub async fn run(self, log_complaint: Option<String>) -> anyhow::Result<()> {
        signals::ignore_file_size_signal()?;
        let is_health = matches!(self.command, Some(Command::Health(_)));
        let complaint = environment::complaint(&Self::command(), std::env::vars_os());
        // A health check would repeat it every few seconds.
        for complaint in [log_complaint, complaint].into_iter().flatten().filter(|_| !is_health) {
            tracing::warn!("{complaint}");
        }
        match self.command {
            None => super::run(self.config).await,
            Some(Command::Migrate(migrate)) => migrate.run(&self.config).await,
            Some(Command::Backup(backup)) => {
                progress::until_stopped(|is_stopped| backup.run(is_stopped)).await
            }
            Some(Command::Restore(restore)) => {
                progress::until_stopped(|is_stopped| restore.run(is_stopped)).await
            }
            Some(Command::Health(health)) => health.run().await,
        }
    }
}

/// Prints the outcome of a command. A reader that has gone is no error.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
