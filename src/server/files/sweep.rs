//! Removes what nobody needs: files that no message named within a day, contents without a record, and what a crash left.
//! The server runs it for as long as it lives; every step may end anywhere and is done again.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{FileError, Files, contents::Aside};

/// The time between two sweeps, unless a removal wakes it.
const INTERVAL: Duration = Duration::from_secs(60);
/// The time after a sweep in which something failed, because what was deleted is not to wait for long. It doubles as long as
/// sweeps fail, up to the other.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Age at which a file that no message names is removed: somebody who writes a message next to it has posted it by then.
const UNNAMED_AGE_MS: i64 = 24 * 3_600_000;
/// The time between two looks through all contents: for what the notes of removed records do not tell, such as contents
/// that are newer than a restored database.
const SEARCH_INTERVAL: Duration = Duration::from_secs(24 * 3_600);
/// Hashes that are asked for at once.
const BATCH: usize = 500;

impl Files {
    /// Sweeps at intervals until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let (mut search_due, mut retry_after) = (Instant::now(), RETRY_AFTER);
        while !stop.is_cancelled() {
            let is_search = Instant::now() >= search_due;
            let Some(done) = stop.run_until_cancelled(self.sweep(is_search)).await else { return };
            let pause = if let Err(error) = done {
                // The next sweep does the failed steps again.
                tracing::error!(%error, "cannot remove files that nobody needs");
                let pause = retry_after;
                retry_after = INTERVAL.min(pause * 2);
                pause
            } else {
                retry_after = RETRY_AFTER;
                if is_search {
                    search_due = Instant::now() + SEARCH_INTERVAL;
                }
                INTERVAL
            };
            let _ = stop.run_until_cancelled(tokio::time::timeout(pause, self.wake.notified())).await;
        }
    }

    /// One sweep at a time; a search looks through all contents as well. A step that fails does not keep the next ones from
    /// being done; the last failure is returned.
    pub async fn sweep(&self, is_search: bool) -> Result<(), FileError> {
        let _turn = self.sweeping.lock().await;
        let expired = self.hub.store().expire_files(self.clock.settled_ms() - UNNAMED_AGE_MS).await;
        let steps = [
            expired.map(|count| usize::try_from(count).unwrap_or(usize::MAX)).map_err(FileError::from),
            self.contents.remove_left_uploads().await,
            self.remove_expired_uploads().await,
            self.end_removals().await,
            self.remove_noted().await,
            if is_search { self.remove_unknown().await } else { Ok(0) },
        ];
        let mut done = Ok(());
        for step in steps {
            match step {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "removed what nobody needs of the files"),
                Err(error) => done = Err(error),
            }
        }
        done
    }

    /// Ends removals that did not end. Returns how many contents are gone by it.
    async fn end_removals(&self) -> Result<usize, FileError> {
        let (mut removed, mut done) = (0, Ok(()));
        for aside in self.contents.left_aside().await? {
            match self.end_left_removal(&aside).await {
                Ok(is_gone) => removed += usize::from(is_gone),
                Err(error) => done = Err(error),
            }
        }
        done.map(|()| removed)
    }

    async fn end_left_removal(&self, aside: &Aside) -> Result<bool, FileError> {
        // Another node may have looked in vain for a content that was put back here a moment later.
        Ok(self.end_removal(aside).await? || self.remove(&aside.hash).await?)
    }

    /// Removes the contents that lost their last record.
    async fn remove_noted(&self) -> Result<usize, FileError> {
        let mut removed = 0;
        loop {
            let noted = self.hub.store().removed_contents(BATCH).await?;
            let (count, mut failed) = (noted.len(), None);
            for hash in noted {
                match self.remove_one_noted(&hash).await {
                    Ok(is_gone) => removed += usize::from(is_gone),
                    Err(error) => failed = Some(error),
                }
            }
            match failed {
                // Those that failed stay noted.
                Some(error) => return Err(error),
                None if count == 0 => return Ok(removed),
                None => {}
            }
        }
    }

    async fn remove_one_noted(&self, hash: &str) -> Result<bool, FileError> {
        let is_gone = self.remove(hash).await?;
        self.hub.store().forget_removed_content(hash).await?;
        // A record that was there a moment ago may have gone since, and found the note.
        Ok(is_gone || self.remove(hash).await?)
    }

    /// Removes the contents that no record has.
    async fn remove_unknown(&self) -> Result<usize, FileError> {
        let mut removed = 0;
        for first in 0..=u8::MAX {
            self.contents.remove_left_thumbnails(first).await?;
            for hashes in self.contents.hashes_in(first).await?.chunks(BATCH) {
                let known = self.hub.store().known_contents(hashes).await?;
                for hash in hashes.iter().filter(|hash| !known.contains(hash)) {
                    removed += usize::from(self.remove(hash).await?);
                }
            }
        }
        Ok(removed)
    }

    /// Removes a content unless a record has it. Returns true if it is gone now.
    async fn remove(&self, hash: &str) -> Result<bool, FileError> {
        if self.is_known(hash).await? {
            return Ok(false);
        }
        let Some(aside) = self.contents.set_aside(hash).await? else { return Ok(false) };
        self.end_removal(&aside).await
    }

    /// Ends the removal of a content that was moved aside, unless an upload has come in between: `contents` has the argument.
    /// Returns true if it is gone now.
    async fn end_removal(&self, aside: &Aside) -> Result<bool, FileError> {
        let is_needed = self.is_known(&aside.hash).await?;
        self.contents.settle(aside, is_needed).await?;
        Ok(!is_needed)
    }

    async fn is_known(&self, hash: &str) -> Result<bool, FileError> {
        Ok(!self.hub.store().known_contents(&[hash.to_owned()]).await?.is_empty())
    }
}
