//! What the program is asked to do: to serve, or one of its commands. `main` is the caller.

mod backup;
mod folder;
mod migrate;
mod progress;
mod restore;

use std::io::Write;

use clap::{Parser, Subcommand};

use self::{backup::BackupCommand, migrate::Migrate, restore::RestoreCommand};
use super::config::{AFTER_HELP, Config};

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
    /// Does it, and returns when it is done.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            None => super::run(self.config).await,
            Some(Command::Migrate(migrate)) => migrate.run(&self.config).await,
            // They block, and nothing else is done meanwhile.
            Some(Command::Backup(backup)) => backup.run(),
            Some(Command::Restore(restore)) => restore.run(),
        }
    }
}

/// Tells the outcome of a command. A reader that has gone takes nothing with it.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
