//! What the program is asked to do: to serve, or one of its commands. `main` is the caller.

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
    /// Without one it serves.
    #[command(subcommand)]
    command: Option<Command>,

    /// How it serves.
    #[command(flatten)]
    pub config: Config,
}

/// What else it can do.
#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Copy a history from SQLite to an empty PostgreSQL database
    ///
    /// With its epochs, offsets and times: readers resume across the move. No server may run on either. The file stays
    /// as it is.
    Migrate(Migrate),
    /// Ask the server on this machine whether it is ready: ends with 0 if it is, for health checks
    Health(Health),

    /// Copy the database and its keys into one file, while the server runs or not
    ///
    /// The copy is that of one moment: everything that was acknowledged before it began is in it. It is an SQLite file;
    /// keep it as safe as the data folder, because the keys are in it.
    Backup(BackupCommand),

    /// Put a backup in the place of the database, with its keys; no server may run on the folder
    ///
    /// What is there is moved into a folder `replaced-…`, nothing is deleted. Readers are told that history went back.
    Restore(RestoreCommand),
}

impl Cli {
    /// Reads the flags and the environment. Ends the program with a message and code 2 where they cannot be read.
    pub fn read() -> Self {
        let matches = environment::without_empty(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Does it, and returns when it is done. `log_complaint` is what there is to say about the log's settings.
    pub async fn run(self, log_complaint: Option<String>) -> anyhow::Result<()> {
        signals::outlive_full_files()?;
        let is_health = matches!(self.command, Some(Command::Health(_)));
        let complaint = environment::complaint(&Self::command(), std::env::vars_os());
        // A health check would say it again every few seconds.
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

/// Tells the outcome of a command. A reader that has gone takes nothing with it.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
