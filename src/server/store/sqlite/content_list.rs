//! The contents that the files of a database need, for commands that copy them with it. It reads, and must never open or
//! change a content.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use crate::server::store::StoreError;

/// Contents that are read at once.
const PAGE_ROWS: usize = 500;

/// The contents of the files in a database, each once.
pub struct ContentList<'a> {
    connection: &'a Connection,
    /// A database of an earlier version has no files.
    has_files: bool,
    /// The hashes of those that were removed while the backup was made.
    gone: HashSet<String>,
}

/// A content that a file needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContent {
    /// Its SHA-256, in hexadecimal digits.
    pub hash: String,
    /// The name of a file that has it, as its owner gave it.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// A message names such a file. Without one its upload may not have ended yet.
    pub is_named: bool,
}

impl<'a> ContentList<'a> {
    pub(super) fn of(connection: &'a Connection) -> Result<Self, StoreError> {
        let select = "SELECT count(*) = 1 FROM sqlite_schema WHERE type = 'table' AND name = 'files'";
        let has_files = connection.query_row(select, [], |row| row.get(0))?;
        Ok(Self { connection, has_files, gone: HashSet::new() })
    }

    /// The list of a backup from which these are missing rightly.
    pub(super) fn without(self, gone: HashSet<String>) -> Self {
        Self { gone, ..self }
    }

    /// Returns true for a content that was removed while the backup was made, and is missing in it rightly.
    pub fn is_gone(&self, hash: &str) -> bool {
        self.gone.contains(hash)
    }

    /// The next contents after this hash, in the order of their hashes.
    pub fn after(&self, hash: &str) -> Result<Vec<StoredContent>, StoreError> {
        if !self.has_files {
            return Ok(Vec::new());
        }
        let mut select = self.connection.prepare_cached(
            "SELECT hash, min(name), max(size), max(offset IS NOT NULL) FROM files
             WHERE hash > ?1 GROUP BY hash ORDER BY hash LIMIT ?2",
        )?;
        let rows = select.query_map(params![hash, PAGE_ROWS], |row| {
            let (hash, name, size, is_named) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(StoredContent { hash, name, size, is_named })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns true if a file has this content.
    pub fn has(&self, hash: &str) -> Result<bool, StoreError> {
        if !self.has_files {
            return Ok(false);
        }
        let mut select =
            self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM files WHERE hash = ?1)")?;
        Ok(select.query_row([hash], |row| row.get(0))?)
    }

    /// The size of all contents together, in bytes.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        if !self.has_files {
            return Ok(0);
        }
        let sum = "SELECT coalesce(sum(size), 0) FROM (SELECT max(size) AS size FROM files GROUP BY hash)";
        Ok(self.connection.query_row(sum, [], |row| row.get(0))?)
    }
}
