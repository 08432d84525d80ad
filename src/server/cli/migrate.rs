//! `idobata migrate`: copies a history from SQLite to PostgreSQL. `cli` runs it; the file must stay as it is.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::print_line;
use crate::server::{
    config::{BadSetting, Config, DatabaseUrl},
    store::{
        location::Location,
        transfer::{self, Copied},
    },
};

/// The arguments of `migrate`.
#[derive(Clone, Debug, Args)]
pub(super) struct Migrate {
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

impl Migrate {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        let from = Location::of(Some(&self.from), &config.data)?;
        let to = Location::of(Some(&self.to), &config.data)?.signed_by(self.database_ca.clone());
        let (Location::File(file), Location::Server(address)) = (&from, &to) else {
            let form = "a history is moved --from sqlite:PATH --to postgres://USER:PASSWORD@HOST/DATABASE";
            return Err(BadSetting(form.to_owned()).into());
        };
        let copied = transfer::copy(file, address).await;
        let copied = copied.with_context(|| format!("cannot copy {from} to {to}; nothing was changed"))?;
        let Copied { topics, entries, rooms, .. } = copied;
        print_line(&format!("copied {from} to {to}: {entries} entries of {topics} topics, {rooms} rooms"));
        Ok(())
    }
}
