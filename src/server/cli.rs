//! What the program is asked to do: to serve, or one of its commands. `main` is the caller.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};

use super::{
    config::{AFTER_HELP, Config},
    file_limit,
    store::{
        location::{DatabaseUrl, Location},
        transfer::{self, Copied},
    },
};

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
}

#[derive(Clone, Debug, Args)]
struct Migrate {
    /// The file, such as `sqlite:data/idobata.db`
    #[arg(long, value_name = "URL")]
    from: DatabaseUrl,

    /// The database, `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    to: DatabaseUrl,

    /// File with the certificates (PEM) of the authorities that sign PostgreSQL's, instead of the system's
    #[arg(long, env = "IDOBATA_DATABASE_CA", value_name = "FILE")]
    database_ca: Option<PathBuf>,
}

impl Cli {
    /// Does it, and returns when it is done.
    pub async fn run(self) -> anyhow::Result<()> {
        file_limit::fail_writes_past_it().context("the system takes no signal handler")?;
        match self.command {
            None => super::run(self.config).await,
            Some(Command::Migrate(migrate)) => migrate.run(&self.config).await,
        }
    }
}

impl Migrate {
    async fn run(&self, config: &Config) -> anyhow::Result<()> {
        let from = Location::of(Some(&self.from), &config.data)?;
        let to = Location::of(Some(&self.to), &config.data)?.signed_by(self.database_ca.clone());
        let (Location::File(file), Location::Server(address)) = (&from, &to) else {
            bail!("a history is moved --from sqlite:PATH --to postgres://USER:PASSWORD@HOST/DATABASE");
        };
        let copied = transfer::copy(file, address).await;
        let copied =
            copied.with_context(|| format!("{from} cannot be copied to {to}; nothing was changed"))?;
        let Copied { topics, entries, past_client_ids, rooms, documents } = copied;
        tracing::info!(topics, entries, past_client_ids, rooms, documents, "copied {from} to {to}");
        Ok(())
    }
}
