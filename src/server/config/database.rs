//! Settings of the database: its address, and how the embedded one is used. `store` goes by them.

use std::{convert::Infallible, fmt, str::FromStr};

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
    /// Whatever it is, it is looked at when it is used: what refuses a setting repeats it.
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

/// How a file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// Largest log (`-wal`) beside it, in bytes; past it nothing is written.
    pub max_wal_bytes: u64,
    /// A database that lost entries goes on, with new epochs. Else it is refused.
    pub accept_loss: bool,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self { max_wal_bytes: DEFAULT_MAX_WAL_BYTES, accept_loss: false }
    }
}
