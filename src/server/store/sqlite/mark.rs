//! The high-water mark: how many entries were ever acknowledged, kept outside of the database. A database that has
//! fewer is a backup that was put back, or lost its end: its numbering goes on from an earlier place, so offsets
//! that readers have seen would be given out anew. Then every topic gets a new epoch, and readers are told.
//!
//! Raised after each commit and before the acknowledgement. It is not synchronized to the disk: after a power cut it
//! may be lower than the database, which is harmless. The file is locked while a process has the database: the
//! readers of one would not hear what is said at another.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use rusqlite::{Connection, params};

use crate::server::store::{StoreError, new_epoch};

/// The file beside the database.
pub(super) struct Mark {
    file: File,
    entries: AtomicU64,
}

impl Mark {
    /// Opens or makes the mark of `database` and compares the two. A database without a mark came from elsewhere.
    pub(super) fn open(database: &Path, connection: &mut Connection) -> Result<Self, StoreError> {
        let path = database.with_extension("mark");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let fault = |error| StoreError::Mark { path: path.clone(), error };
        let file = file.map_err(fault)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse),
            Err(TryLockError::Error(error)) => return Err(fault(error)),
            Ok(()) => {}
        }
        let marked = read(&file).map_err(fault)?;
        let entries: u64 =
            connection.query_row("SELECT coalesce(sum(head), 0) FROM topics", [], |row| row.get(0))?;
        let is_restored = marked.map_or(entries > 0, |marked| marked > entries);
        if is_restored {
            tracing::warn!(
                marked,
                entries,
                "the database is not the one of the last run: it was restored or copied; readers are told"
            );
            renew_epochs(connection)?;
        }
        let mark = Self { file, entries: AtomicU64::new(entries) };
        mark.write(entries);
        // Once: an empty file after a power cut would be taken for none.
        mark.file.sync_all().map_err(fault)?;
        Ok(mark)
    }

    /// Lets another process have the database.
    pub(super) fn release(&self) {
        // The end of the process does the same.
        drop(self.file.unlock());
    }

    /// So many entries more were committed. Called in the order of the commits, by the writer's thread.
    pub(super) fn raise(&self, entries: usize) {
        self.write(self.entries.fetch_add(entries as u64, Relaxed) + entries as u64);
    }

    fn write(&self, entries: u64) {
        // Of one width, so that each writing covers the one before.
        if let Err(error) = self.file.write_all_at(format!("{entries:020}\n").as_bytes(), 0) {
            tracing::error!(%error, "the mark beside the database cannot be written");
        }
    }
}

fn read(mut file: &File) -> io::Result<Option<u64>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).ok().and_then(|text| text.trim().parse().ok()))
}

fn renew_epochs(connection: &mut Connection) -> Result<(), StoreError> {
    let all = connection.transaction()?;
    let topics = all
        .prepare("SELECT id FROM topics")?
        .query_map([], |row| row.get::<_, i64>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for topic in topics {
        all.execute("UPDATE topics SET epoch = ?2 WHERE id = ?1", params![topic, new_epoch()])?;
    }
    Ok(all.commit()?)
}
