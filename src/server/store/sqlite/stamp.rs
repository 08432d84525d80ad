//! A random number that each run writes into the header of the database file, in SQLite's `application_id` field. It
//! detects a file that was overwritten in place (`cp backup.db data/idobata.db`), which keeps its inode, and a WAL that
//! does not belong to the database beside it. `guard` writes and checks it; `opening` checks it before a start.

use std::{fmt, fs::File, io, os::unix::fs::FileExt, path::Path, str::FromStr};

use rusqlite::Connection;

use crate::server::store::StoreError;

/// Byte offset of `application_id` (SQLite's file format, 1.3). No write of a page changes it except our own.
const PLACE: u64 = 68;

/// The four bytes of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp([u8; 4]);

impl Stamp {
    /// Length of the stamp's text.
    pub(super) const DIGITS: usize = 8;

    /// A random stamp; it repeats an earlier one with a chance of one in four thousand million.
    pub(super) fn new() -> Self {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        Self(bytes)
    }

    /// Reads the stamp of a file. Fails if the file is too short to have one.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, PLACE)?;
        Ok(Self(bytes))
    }

    /// Reads the stamp of the file at `path`. SQLite must not have the file open, because this opens and closes it.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        Self::of(&File::open(path)?)
    }

    /// Writes the stamp, and moves the whole WAL into the database file if no other connection is reading.
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
