//! Bounds the size of the WAL. SQLite restarts the WAL once all of it is in the database and no connection reads from
//! it; another program that holds a read transaction keeps it growing until the disk is full. Past the bound nothing is
//! written until that reader has ended, which the next attempt notices.
//!
//! `guard` calls this on the writer's thread.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::BUSY_TIMEOUT;
use crate::server::store::StoreError;

/// Wait of one attempt for readers: ours take milliseconds.
const PATIENCE: Duration = Duration::from_millis(100);
/// Pause between attempts; meanwhile callers are rejected at once.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The limit of one database's WAL.
pub(super) struct WalBound {
    database: PathBuf,
    wal: PathBuf,
    max_bytes: u64,
    /// Time of the last failed attempt; `None` while the WAL is within its limit.
    full_since: Mutex<Option<Instant>>,
    erasure: Mutex<Erasure>,
}

/// The need to truncate the WAL because erased texts are in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Erasure {
    #[default]
    NotDue,
    Due {
        /// Time of the last failed attempt.
        tried: Option<Instant>,
    },
}

impl WalBound {
    /// Limits the WAL of the database at this path to `max_bytes`, plus one batch.
    pub(super) fn new(database: PathBuf, max_bytes: u64) -> Self {
        let wal = super::fault::wal_of(&database);
        Self { database, wal, max_bytes, full_since: Mutex::default(), erasure: Mutex::default() }
    }

    /// Erased texts are in the WAL: it is truncated before the next batch, or as soon as no reader prevents it.
    pub(super) fn request_erasure(&self) {
        *self.erasure.lock() = Erasure::Due { tried: None };
    }

    /// Returns true if erased texts may still be in the WAL.
    pub(super) fn is_erasure_due(&self) -> bool {
        *self.erasure.lock() != Erasure::NotDue
    }

    /// Truncates the WAL if erased texts are in it. A reader that prevents it delays no batch for long: the next attempts
    /// wait for their turn.
    fn erase(&self, connection: &Connection) -> Result<(), StoreError> {
        let Erasure::Due { tried } = *self.erasure.lock() else { return Ok(()) };
        if tried.is_none_or(|tried| tried.elapsed() >= RETRY_AFTER) {
            let is_done = truncate(connection)?;
            *self.erasure.lock() =
                if is_done { Erasure::NotDue } else { Erasure::Due { tried: Some(Instant::now()) } };
        }
        Ok(())
    }

    /// Truncates the WAL if it is too large or has erased texts. Fails with [`StoreError::WalFull`] if a reader prevents that. `seen_bytes`
    /// is the length if the caller has just read it, which saves one system call per post.
    pub(super) fn make_room(
        &self,
        connection: &Connection,
        seen_bytes: Option<u64>,
    ) -> Result<(), StoreError> {
        self.erase(connection)?;
        let mut full_since = self.full_since.lock();
        let bytes = seen_bytes.unwrap_or_else(|| bytes_of(&self.wal));
        if bytes > self.max_bytes && full_since.is_some_and(|tried| tried.elapsed() < RETRY_AFTER) {
            return Err(self.refusal(bytes));
        }
        if bytes <= self.max_bytes || truncate(connection)? {
            if full_since.take().is_some() {
                tracing::info!(
                    "the reader has ended and the database's log is small again: posts are accepted"
                );
            }
            return Ok(());
        }
        if full_since.replace(Instant::now()).is_none() {
            tracing::error!("{}", self.refusal(bytes));
        }
        Err(self.refusal(bytes))
    }

    /// Returns true if the last attempt to truncate failed.
    pub(super) fn is_full(&self) -> bool {
        self.full_since.lock().is_some()
    }

    fn refusal(&self, bytes: u64) -> StoreError {
        StoreError::WalFull { path: self.database.clone(), bytes, max_bytes: self.max_bytes }
    }
}

/// Moves the WAL into the database and truncates it. Returns false if a reader was in the way.
fn truncate(connection: &Connection) -> Result<bool, StoreError> {
    connection.busy_timeout(PATIENCE)?;
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!is_busy?)
}

fn bytes_of(wal: &Path) -> u64 {
    fs::metadata(wal).map_or(0, |metadata| metadata.len())
}
