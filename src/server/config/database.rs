//! The settings of the database, a part of [`super::Config`]: its address, and how the embedded one is used. `store`
//! goes by them. An address has a password in it and must never be shown.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use clap::Args;

use super::values::within;

/// The database, and how it is used.
#[derive(Clone, Debug, Args)]
pub struct DatabaseSettings {
    /// Database: `postgres://USER:PASSWORD@HOST/DATABASE`, or `sqlite:` for the file in the data folder
    ///
    /// Prefer the environment for the password: other users of the machine can see a program's flags.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<DatabaseUrl>,

    /// Start although the database lost acknowledged entries, and continue without them; readers get a reset
    ///
    /// For one start, after the database lost its newest writes or was replaced by an older copy. Not by the environment: a
    /// server that always accepts a loss does not notice one.
    #[arg(long)]
    pub accept_loss: bool,

    /// Maximum size of the log (-wal) beside the database, such as 512MiB; beyond it nothing is stored
    ///
    /// It grows only while another program reads the database, such as a backup. What is written meanwhile has to fit:
    /// at full speed some 10 MB a second.
    #[arg(long, env = "IDOBATA_MAX_WAL", default_value = "4GiB", value_name = "SIZE", value_parser = wal_bytes)]
    pub max_wal: u64,

    /// File with the certificates (PEM) of the authorities that sign PostgreSQL's, instead of the system's
    ///
    /// With it the connection to a PostgreSQL on the network always uses TLS; without it `sslmode` in the URL decides.
    #[arg(long, env = "IDOBATA_DATABASE_CA", value_name = "FILE")]
    pub database_ca: Option<PathBuf>,

    /// Connections to PostgreSQL at the same time; those of all nodes together must fit into its `max_connections`
    ///
    /// Each topic that is posted to holds one while it commits, each page that is read one for a moment.
    #[arg(long, env = "IDOBATA_DATABASE_CONNECTIONS", default_value_t = 10, value_name = "N", value_parser = database_connections)]
    pub database_connections: usize,
}

impl DatabaseSettings {
    /// The settings of the embedded database.
    pub fn file_settings(&self) -> FileSettings {
        FileSettings { max_wal_bytes: self.max_wal, accept_loss: self.accept_loss }
    }
}

/// A database's address as it was written. It has a password in it, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// With the password.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    /// Any text is taken and checked when it is used: clap repeats a value that it rejects.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

/// Largest log (`-wal`) beside the database: at full speed a server writes some 10 MB of it a second, and a backup of
/// a large history on a slow disk, which keeps it from being begun anew, takes minutes. Six of them.
pub const DEFAULT_MAX_WAL_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// The use of a database file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// Largest log (`-wal`) beside it, in bytes; past it nothing is written.
    pub max_wal_bytes: u64,
    /// A database that lost entries goes on, with new epochs. Else it is rejected.
    pub accept_loss: bool,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self { max_wal_bytes: DEFAULT_MAX_WAL_BYTES, accept_loss: false }
    }
}

/// Smallest bound of the log: a few batches must fit.
const WAL_BYTES_MIN: u64 = 1024 * 1024;

/// A size: a number and `MiB` or `GiB`.
fn wal_bytes(text: &str) -> Result<u64, String> {
    let units = [("MiB", 1024 * 1024), ("GiB", 1024 * 1024 * 1024)];
    let bytes = units.into_iter().find_map(|(unit, bytes)| {
        let number: u64 = text.trim().strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(bytes).filter(|bytes| *bytes >= WAL_BYTES_MIN)
    });
    bytes.ok_or_else(|| "write a whole number from 1 on and MiB or GiB, such as 512MiB or 4GiB".to_owned())
}

/// One to look into the database while the other one waits for a lock.
const CONNECTIONS_MIN: usize = 2;
/// One PostgreSQL accepts far fewer from all nodes together.
const CONNECTIONS_MAX: usize = 1_000;

fn database_connections(text: &str) -> Result<usize, String> {
    within(text, CONNECTIONS_MIN..=CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::server::config::Config;

    #[test]
    fn the_logs_bound_is_a_number_and_a_unit_and_by_default_that_of_the_store() {
        assert_eq!(wal_bytes("1MiB"), Ok(1_048_576));
        assert_eq!(wal_bytes("2 GiB"), Ok(2_147_483_648));
        for text in ["", "0MiB", "1", "1GB", "MiB", "-1MiB", "99999999999GiB", "1KiB"] {
            wal_bytes(text).expect_err(text);
        }
        let config = Config::try_parse_from(["idobata"]).expect("the defaults");
        assert_eq!(config.database.file_settings(), FileSettings::default());
    }
}
