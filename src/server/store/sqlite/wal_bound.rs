//! Bounds the database's log (`-wal`). SQLite begins it anew when all of it is in the database and nobody reads from it;
//! another program that holds a read transaction keeps it growing, until the disk is full. Past the bound nothing is
//! written until that reader has ended, which is noticed by the next who asks.
//!
//! `guard` is the caller, on the writer's thread.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::BUSY_TIMEOUT;
use crate::server::store::StoreError;

/// How long one attempt waits for readers: ours take milliseconds.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often it is tried again; meanwhile callers are refused at once.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// See the module.
pub(super) struct WalBound {
    database: PathBuf,
    wal: PathBuf,
    max_bytes: u64,
    /// When it was last tried in vain; `None` when all is well.
    full_since: Mutex<Option<Instant>>,
}

impl WalBound {
    /// The log of the database at this path may have so many bytes, and one batch more.
    pub(super) fn new(database: PathBuf, max_bytes: u64) -> Self {
        let wal = super::fault::wal_of(&database);
        Self { database, wal, max_bytes, full_since: Mutex::default() }
    }

    /// Makes the log small again if it is too large, or says who is in the way. `seen_bytes` is its length, where the
    /// caller has just looked: that is once less for each post.
    pub(super) fn make_room(
        &self,
        connection: &Connection,
        seen_bytes: Option<u64>,
    ) -> Result<(), StoreError> {
        let mut full_since = self.full_since.lock();
        let bytes = seen_bytes.unwrap_or_else(|| bytes_of(&self.wal));
        if bytes > self.max_bytes && full_since.is_some_and(|tried| tried.elapsed() < RETRY_AFTER) {
            return Err(self.refusal(bytes));
        }
        if bytes <= self.max_bytes || truncate(connection)? {
            if full_since.take().is_some() {
                tracing::info!("the reader has ended, the database's log is small again: posts are taken");
            }
            return Ok(());
        }
        if full_since.replace(Instant::now()).is_none() {
            tracing::error!("{}", self.refusal(bytes));
        }
        Err(self.refusal(bytes))
    }

    /// Whether the last attempt to make room was in vain.
    pub(super) fn is_full(&self) -> bool {
        self.full_since.lock().is_some()
    }

    fn refusal(&self, bytes: u64) -> StoreError {
        StoreError::WalFull { path: self.database.clone(), bytes, max_bytes: self.max_bytes }
    }
}

/// Whether all of the log was moved into the database and cut off.
fn truncate(connection: &Connection) -> Result<bool, StoreError> {
    connection.busy_timeout(PATIENCE)?;
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!is_busy?)
}

fn bytes_of(wal: &Path) -> u64 {
    fs::metadata(wal).map_or(0, |metadata| metadata.len())
}
