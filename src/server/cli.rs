//! What the program is asked to do: to serve, or one of its commands. `main` is the caller.

mod health;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use self::health::Health;
use super::{
    config::{AFTER_HELP, Config, environment},
    exit::BadSetting,
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
    /// Ask the server on this machine whether it is ready: ends with 0 if it is, for health checks
    Health(Health),
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
    /// Reads the flags and the environment. Ends the program with a message and code 2 where they cannot be read.
    pub fn read() -> Self {
        let matches = environment::without_empty(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Does it, and returns when it is done.
    pub async fn run(self) -> anyhow::Result<()> {
        let is_health = matches!(self.command, Some(Command::Health(_)));
        let complaint = environment::complaint(&Self::command(), std::env::vars_os());
        // A health check would say it again every few seconds.
        if let Some(complaint) = complaint.filter(|_| !is_health) {
            tracing::warn!("{complaint}");
        }
        match self.command {
            None => super::run(self.config).await,
            Some(Command::Migrate(migrate)) => migrate.run(&self.config).await,
            Some(Command::Health(health)) => health.run().await,
        }
    }
}

impl Migrate {
    async fn run(&self, config: &Config) -> anyhow::Result<()> {
        let from = Location::of(Some(&self.from), &config.data)?;
        let to = Location::of(Some(&self.to), &config.data)?.signed_by(self.database_ca.clone());
        let (Location::File(file), Location::Server(address)) = (&from, &to) else {
            let form = "a history is moved --from sqlite:PATH --to postgres://USER:PASSWORD@HOST/DATABASE";
            return Err(BadSetting(form.to_owned()).into());
        };
        let copied = transfer::copy(file, address).await;
        let copied =
            copied.with_context(|| format!("{from} cannot be copied to {to}; nothing was changed"))?;
        let Copied { topics, entries, past_client_ids, rooms, documents } = copied;
        tracing::info!(topics, entries, past_client_ids, rooms, documents, "copied {from} to {to}");
        Ok(())
    }
}
