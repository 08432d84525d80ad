//! Opens a database's file for writing: not used by another process, undamaged, of this program, and with every write
//! that was acknowledged. The store and the move to another store are the callers; both get the same errors.
//!
//! Nothing is inspected before the lock is held, and nothing is changed before everything was inspected.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};

use super::{
    fault::{self, with_suffix},
    high_water_mark::{HighWaterMark, Marked},
    schema, set_up,
    stamp::Stamp,
    writes,
};
use crate::server::store::{StoreError, new_epoch, private_file};

/// Size to which SQLite truncates the WAL when all of it was moved into the database. Without a limit the file stays as
/// large as it ever was.
const WAL_KEPT_BYTES: u64 = 64 * 1024 * 1024;

/// Permission to go on if the database is missing or has lost writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lenience {
    /// Creates a missing database. Otherwise it is an error: a mistyped name must not lead to a copy of nothing.
    pub(super) make: bool,
    /// Accepts a loss of acknowledged writes; every topic gets a new epoch.
    pub(super) accept_loss: bool,
}

/// Opens the database and brings its schema up to date. The high-water mark stays locked until
/// [`HighWaterMark::release`].
pub(super) fn open(path: &Path, lenience: Lenience) -> Result<(Connection, HighWaterMark), StoreError> {
    let mark = HighWaterMark::lock(path)?;
    match open_locked(path, &mark, lenience) {
        Ok(connection) => Ok((connection, mark)),
        Err(error) => {
            mark.discard();
            Err(error)
        }
    }
}

fn open_locked(path: &Path, mark: &HighWaterMark, lenience: Lenience) -> Result<Connection, StoreError> {
    let is_there = fault::inspect(path)?;
    let marked = mark.read()?;
    if !is_there {
        expect_no_loss(path, marked, 0, lenience)?;
        if !lenience.make {
            return Err(fault::fault(path, "is not there: nothing to read"));
        }
        private_file::create(path, b"").map_err(|error| fault::unusable(path, &error))?;
    }
    let aside = put_strange_log_aside(path, marked)?;
    let connection = connect(path, mark, marked, lenience).map_err(|error| {
        // Put the WAL back: whoever restores the right database needs it.
        if let Some(aside) = &aside {
            drop(std::fs::rename(aside, fault::wal_of(path)));
        }
        fault::of_sqlite(path, error)
    })?;
    if let Some(aside) = aside {
        tracing::warn!("the database was replaced: the old one's log is now {}", aside.display());
    }
    close_to_everybody(path);
    Ok(connection)
}

fn connect(
    path: &Path,
    mark: &HighWaterMark,
    marked: Marked,
    lenience: Lenience,
) -> Result<Connection, StoreError> {
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set_up(&connection)?;
    if !schema::is_ours(&connection)? {
        return Err(fault::foreign(path));
    }
    let written = writes::count(&connection)?;
    expect_no_loss(path, marked, written, lenience)?;
    // secure_delete: a deleted text is overwritten with zeros, not only unlinked.
    // FULL: acknowledged entries survive a power cut, not only a crash. Group commit pays for it.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = {WAL_KEPT_BYTES};"
    ))?;
    schema::migrate(&mut connection)?;
    if marked.is_copy && written > 0 || marked.writes.map_or(written > 0, |marked| marked > written) {
        renew_epochs(&mut connection)?;
        tell_new_epochs(marked, written);
    }
    mark.begin(written, None)?;
    Ok(connection)
}

fn tell_new_epochs(marked: Marked, written: u64) {
    match marked.writes {
        Some(_) if marked.is_copy => tracing::warn!(
            written,
            "the data folder is a copy of unknown age: new epochs, readers get a reset"
        ),
        Some(marked) => tracing::warn!(
            marked,
            written,
            "continuing without the lost writes (--accept-loss): new epochs, readers get a reset"
        ),
        None => tracing::warn!(
            written,
            "the database has no high-water mark, so it was copied here: new epochs, readers get a reset"
        ),
    }
}

/// Fails with [`StoreError::Behind`] if the database has fewer writes than were acknowledged and the loss is not
/// accepted.
pub(super) fn expect_no_loss(
    path: &Path,
    marked: Marked,
    written: u64,
    lenience: Lenience,
) -> Result<(), StoreError> {
    match marked.writes {
        Some(marked) if marked > written && !lenience.accept_loss => Err(StoreError::Behind {
            path: path.to_owned(),
            mark: HighWaterMark::path_of(path),
            marked,
            written,
        }),
        _ => Ok(()),
    }
}

/// Restricts the files to their owner. Earlier versions created them readable by everyone.
fn close_to_everybody(path: &Path) {
    for file in [path.to_owned(), fault::wal_of(path), fault::shm_of(path), HighWaterMark::path_of(path)] {
        if let Err(error) = private_file::close_to_everybody(&file) {
            let file = file.display();
            tracing::warn!(
                "other users of this machine can read {file}, and its permissions cannot be changed: {error}"
            );
        }
    }
}

/// Moves the WAL of another database aside and returns its new path. A WAL that a crash left belongs to the database
/// that was there then. If another database was copied over that one, SQLite would still play the WAL back and damage
/// the database.
fn put_strange_log_aside(path: &Path, marked: Marked) -> Result<Option<PathBuf>, StoreError> {
    if !has_strange_log(path, marked) {
        return Ok(None);
    }
    let wal = fault::wal_of(path);
    let aside = private_file::unused(with_suffix(&wal, ".of-another-database"));
    std::fs::rename(&wal, &aside).map_err(|error| fault::unusable(&wal, &error))?;
    // SQLite creates the index again.
    drop(std::fs::remove_file(fault::shm_of(path)));
    Ok(Some(aside))
}

/// Returns true if the WAL beside the database belongs to another one. SQLite must not have the database open.
pub(super) fn has_strange_log(path: &Path, marked: Marked) -> bool {
    let Some(stamp) = marked.stamp else { return false };
    let has_log = fault::wal_of(path).metadata().is_ok_and(|log| log.len() > 0);
    has_log && !Stamp::at(path).is_ok_and(|found| found == stamp)
}

/// Gives every topic a new epoch. Readers with a cursor of the old epoch are then told by a reset.
pub(super) fn renew_epochs(connection: &mut Connection) -> Result<(), StoreError> {
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
