//! The high-water mark: the number of writes (see [`super::writes`]) that were ever acknowledged, in a file beside the
//! database. A database with fewer writes has lost its end or is an older copy: it would give out offsets again that
//! readers have already seen. `opening` compares the two and rejects such a database.
//!
//! The mark is raised after each commit and before the acknowledgement. It is not synchronized to the disk: after a
//! power cut it may be lower than the database, which is harmless. The file is locked while a process uses the
//! database, because the readers of one process would not hear of the appends of another.
//!
//! A mark that was copied together with its database may be of any age, and the original may have gone on since. The
//! mark contains the inode number of its own file, which tells a copy from a moved file.
//!
//! It also contains the stamp that the last run wrote into the database (see [`super::stamp`]), which tells whether a
//! WAL that a crash left behind belongs to the database beside it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{fault, stamp::Stamp};
use crate::server::store::StoreError;

/// Digits of the count in the file, so that each write covers the one before.
const DIGITS: usize = 20;
/// Bytes read from the file: a count, a stamp, the inode number, and their line ends.
const MAX_BYTES: usize = 96;

/// The mark's file, locked.
pub(super) struct HighWaterMark {
    path: PathBuf,
    file: File,
    is_new: bool,
    writes: AtomicU64,
    failed: OnceLock<()>,
}

/// The content of a mark, as the last run left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked {
    /// Number of acknowledged writes. `None` if the mark is new or was truncated.
    pub(super) writes: Option<u64>,
    /// The stamp in the database's file.
    pub(super) stamp: Option<Stamp>,
    /// True if this file is a copy of a mark, of unknown age.
    pub(super) is_copy: bool,
}

impl HighWaterMark {
    /// Path of a database's mark.
    pub(super) fn path_of(database: &Path) -> PathBuf {
        database.with_extension("mark")
    }

    /// Opens or creates the mark of `database`, and locks out every other process. Fails with [`StoreError::InUse`] if
    /// one has the lock.
    pub(super) fn lock(database: &Path) -> Result<Self, StoreError> {
        let path = Self::path_of(database);
        loop {
            let is_new = !path.exists();
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path);
            let file = file.map_err(|error| fault::unusable(&path, &error))?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(StoreError::InUse),
                Err(TryLockError::Error(error)) => return Err(fault::unusable(&path, &error)),
                Ok(()) => {}
            }
            // Another start may have removed the file before the lock was taken; then the lock protects nothing.
            let ours = file.metadata().map_err(|error| fault::unusable(&path, &error))?;
            if fs::metadata(&path).is_ok_and(|there| there.ino() == ours.ino()) {
                return Ok(Self { path, file, is_new, writes: AtomicU64::new(0), failed: OnceLock::new() });
            }
        }
    }

    /// Reads the mark as the last run left it.
    pub(super) fn read(&self) -> Result<Marked, StoreError> {
        let mut bytes = [0; MAX_BYTES];
        let count = self.file.read_at(&mut bytes, 0).map_err(|error| fault::unusable(&self.path, &error))?;
        let inode = self.file.metadata().map_err(|error| fault::unusable(&self.path, &error))?.ino();
        Ok(parse(&bytes[..count], inode))
    }

    /// Writes the database's number of writes and its stamp. Durable when it returns.
    pub(super) fn begin(&self, writes: u64, stamp: Option<Stamp>) -> Result<(), StoreError> {
        self.writes.store(writes, Relaxed);
        let stamp = stamp.map_or_else(|| "-".repeat(Stamp::DIGITS), |stamp| stamp.to_string());
        let text =
            self.file.metadata().map(|file| format!("{writes:0DIGITS$}\n{stamp}\n{:0DIGITS$}\n", file.ino()));
        let written = text.and_then(|text| self.file.write_all_at(text.as_bytes(), 0));
        written.and_then(|()| self.file.sync_all()).map_err(|error| fault::unusable(&self.path, &error))
    }

    /// Records the stamp that the database's file has now.
    pub(super) fn stamped(&self, stamp: Option<Stamp>) -> Result<(), StoreError> {
        self.begin(self.writes.load(Relaxed), stamp)
    }

    /// Number of acknowledged writes.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Relaxed)
    }

    /// Counts further committed writes. The writer's thread calls it in commit order.
    pub(super) fn raise(&self, count: usize) {
        let writes = self.writes.fetch_add(count as u64, Relaxed) + count as u64;
        if let Err(error) = self.file.write_all_at(format!("{writes:0DIGITS$}\n").as_bytes(), 0)
            && self.failed.set(()).is_ok()
        {
            // Logged once: the mark stays too low until it can be written again, which loses nothing.
            tracing::error!(%error, "cannot write the high-water mark");
        }
    }

    /// Unlocks the mark for other processes.
    pub(super) fn release(&self) {
        // The end of the process does the same.
        drop(self.file.unlock());
    }

    /// Removes the mark if [`HighWaterMark::lock`] created it, because the database was not opened after all.
    pub(super) fn discard(self) {
        if self.is_new {
            // If the removal fails, the empty mark counts as none.
            drop(fs::remove_file(&self.path));
        }
    }
}

fn parse(bytes: &[u8], inode: u64) -> Marked {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n'));
    // A truncated count would read as a smaller number.
    let writes = lines.next().flatten().filter(|count| count.len() == DIGITS);
    let stamp = lines.next().flatten().and_then(|stamp| stamp.parse().ok());
    // Marks of earlier versions have no inode number.
    let written_in = lines.next().flatten().and_then(|inode| inode.parse::<u64>().ok());
    let is_copy = written_in.is_some_and(|written_in| written_in != inode);
    Marked { writes: writes.and_then(|count| count.parse().ok()), stamp, is_copy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_a_cut_one_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = HighWaterMark::lock(&folder.path().join("test.db")).expect("locked");
        assert_eq!(mark.read().expect("read"), Marked::default());
        let stamp = Some(Stamp::new());
        mark.begin(7, stamp).expect("written");
        mark.raise(3);
        assert_eq!(mark.read().expect("read"), Marked { writes: Some(10), stamp, is_copy: false });
        // The format of the first versions.
        let marked = Marked { writes: Some(10), stamp: None, is_copy: false };
        assert_eq!(parse(b"00000000000000000010\n", 7), marked);
        let copied = b"00000000000000000010\n--------\n00000000000000000008\n";
        assert_eq!(parse(copied, 7), Marked { is_copy: true, ..marked });
        assert_eq!(parse(copied, 8), marked);
        for cut in [&b"0000000000000"[..], b"00000000000000000010", b"", b"\0\0\0\0"] {
            assert_eq!(parse(cut, 7), Marked::default());
        }
        assert!(matches!(HighWaterMark::lock(&folder.path().join("test.db")), Err(StoreError::InUse)));
    }
}
