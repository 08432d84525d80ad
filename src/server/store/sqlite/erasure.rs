//! Erases what deletions leave in the files: the WAL has the texts in its older pages, and the database has copies of rows
//! that SQLite has moved (see `page_gaps`). The store asks for it after each commit that erased something; one task
//! does the work, and goes on after a restart, because the database itself says what is still to be done.
//!
//! It must never hold up posts: it works in short steps, and rests nine times as long as it worked.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::Notify;

use super::{Readers, guard::Guard, page_gaps, writer::Writer};
use crate::server::store::StoreError;

/// Interval between attempts to truncate the WAL after a deletion, and the shortest rest after the pages were cleared.
const INTERVAL: Duration = Duration::from_millis(600);
/// Rest after an error: it is mostly the disk's, which does not mend in seconds.
const INTERVAL_AFTER_ERROR: Duration = Duration::from_secs(60);
/// Pages of one step: a megabyte, which takes a millisecond or two.
const STEP_PAGES: u32 = 256;
/// Rest, in times of the work.
const REST: u32 = 9;

/// The handle of the task, which ends when this is dropped or the store is closed.
pub(super) struct Erasure {
    eraser: Arc<Eraser>,
    wake: Arc<Notify>,
}

struct Eraser {
    writer: Writer,
    readers: Arc<Readers>,
    guard: Arc<Guard>,
}

impl Drop for Erasure {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

impl Erasure {
    /// Starts the task, which first does what an earlier run could not finish. Call it in a Tokio runtime.
    pub(super) fn start(writer: Writer, readers: Arc<Readers>, guard: Arc<Guard>) -> Self {
        let (eraser, wake) = (Arc::new(Eraser { writer, readers, guard }), Arc::new(Notify::new()));
        wake.notify_one();
        // It does not keep the writer alive while it waits.
        tokio::spawn(run(Arc::downgrade(&eraser), wake.clone()));
        Self { eraser, wake }
    }

    /// Erases after a commit: moves the WAL into the database and truncates it, once, before it returns; the rest follows.
    /// While another program reads the database the WAL cannot be truncated: then the task tries again until that program
    /// has ended.
    pub(super) async fn erase(&self) {
        drop(self.eraser.try_truncate().await);
        self.wake.notify_one();
    }
}

async fn run(eraser: Weak<Eraser>, wake: Arc<Notify>) {
    loop {
        wake.notified().await;
        let Some(eraser) = eraser.upgrade() else { return };
        let outcome = eraser.erase_all().await;
        drop(eraser);
        let rest = match outcome {
            Ok(worked) => (worked * REST).max(INTERVAL),
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "deleted texts are not erased from the files yet");
                wake.notify_one();
                INTERVAL_AFTER_ERROR
            }
        };
        tokio::time::sleep(rest).await;
    }
}

impl Eraser {
    /// Erases what was deleted so far. Returns the time that it took.
    async fn erase_all(&self) -> Result<Duration, StoreError> {
        self.truncate().await?;
        let began = Instant::now();
        let Some(count) = self.readers.read(find_due).await? else { return Ok(Duration::ZERO) };
        self.clear_gaps().await?;
        let worked = began.elapsed();
        self.writer.run(move |connection| note_finished(connection, count), |()| ()).await?;
        self.guard.request_erasure();
        self.truncate().await?;
        Ok(worked)
    }

    /// Clears the gap of every page, step by step. Rows that are moved meanwhile leave no deleted text behind.
    async fn clear_gaps(&self) -> Result<(), StoreError> {
        let Some(count) = self.readers.read(page_gaps::count_pages).await? else {
            tracing::warn!(
                "copies of deleted texts may stay in the database, which is too large to look for them"
            );
            return Ok(());
        };
        for first in (page_gaps::FIRST_PAGE..=count).step_by(STEP_PAGES as usize) {
            let step = first..(first + STEP_PAGES).min(count + 1);
            let used = self.readers.read(move |connection| page_gaps::find_used(connection, step)).await?;
            if !used.is_empty() {
                self.writer.run(move |connection| page_gaps::clear(connection, &used), |()| ()).await?;
            }
        }
        Ok(())
    }

    async fn truncate(&self) -> Result<(), StoreError> {
        while self.guard.is_erasure_due() {
            self.try_truncate().await?;
            if self.guard.is_erasure_due() {
                tokio::time::sleep(INTERVAL).await;
            }
        }
        Ok(())
    }

    /// Each batch of the writer begins with the attempt. Fails only if the store is closed.
    async fn try_truncate(&self) -> Result<(), StoreError> {
        match self.writer.run(|_| Ok(()), |()| ()).await {
            Err(StoreError::Closed) => Err(StoreError::Closed),
            // The store's health tells of what makes batches fail.
            _ => Ok(()),
        }
    }
}

/// Notes, in the transaction that erases, that copies may be left.
pub(super) fn note_due(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE erasures SET count = count + 1")?.execute([])?;
    Ok(())
}

/// The number of erasures so far; `None` if nothing is left of any of them.
fn find_due(connection: &Connection) -> Result<Option<u64>, StoreError> {
    let mut select = connection.prepare_cached("SELECT count, finished FROM erasures")?;
    let (count, finished) = select.query_row([], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?)))?;
    Ok((count > finished).then_some(count))
}

fn note_finished(connection: &Connection, count: u64) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE erasures SET finished = ?1")?.execute([count])?;
    Ok(())
}
