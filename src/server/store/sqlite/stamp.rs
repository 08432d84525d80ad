//! A random number that each run leaves in the header of the database's file, at the place of SQLite's
//! `application_id`. It tells a file that was overwritten in place (`cp backup.db data/idobata.db`), which keeps its
//! inode, and a log (`-wal`) that does not belong to the database beside it. `opening` writes it, `guard` looks for it.

use std::{fmt, fs::File, io, os::unix::fs::FileExt, path::Path, str::FromStr};

use rusqlite::Connection;

use crate::server::store::StoreError;

/// Where SQLite keeps `application_id` (its file format, 1.3). No page that is written ever changes it but ours.
const PLACE: u64 = 68;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp([u8; 4]);

impl Stamp {
    /// How long its text is.
    pub(super) const DIGITS: usize = 8;

    /// Another one than all before, but for one chance in four thousand million.
    pub(super) fn new() -> Self {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        Self(bytes)
    }

    /// What stands in a file. Fails when it is shorter than that.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, PLACE)?;
        Ok(Self(bytes))
    }

    /// What stands in the file at `path`, which SQLite must not have open: this opens and closes it.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Self::of(&File::open(path)?)
    }

    /// Writes it, and moves the whole log into the file if nobody reads there.
    pub(super) fn write(self, connection: &Connection) -> Result<(), StoreError> {
        connection.pragma_update(None, "application_id", i32::from_be_bytes(self.0))?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl FromStr for Stamp {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(u32::from_str_radix(text, 16)?.to_be_bytes()))
    }
}
