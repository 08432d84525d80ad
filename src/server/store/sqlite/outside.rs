//! What others do to a database while a server has it: a program that writes to it through SQLite (a shell's `.restore`),
//! and one that writes past SQLite into the same files (`cp` over them, a log that is cut). Neither changes which files
//! there are. The guard asks before each batch and notes what the files look like after each commit.
//!
//! A checkpoint or a small repair by somebody's shell is no loss and must not be taken for one.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use rusqlite::Connection;

use super::{fault, mark::Mark, schema, stamp::Stamp, writes};
use crate::server::store::StoreError;

/// The part of the log's index (`-shm`) that changes with every commit and every checkpoint, whoever makes it: both
/// copies of its header and how far the log was moved into the database ("WAL-Index File Format", www.sqlite.org).
const INDEX_BYTES: usize = 100;

/// What was done to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Another program wrote into the database's file, past SQLite.
    Overwritten,
    /// The log was made shorter, past SQLite.
    LogCut,
    /// Another program wrote through SQLite, and what was acknowledged is not there any more.
    PutBack,
}

/// The files of a database that is open. They stay open for as long: closing one would end SQLite's locks on it.
pub(super) struct Outside {
    index: File,
    mark: Arc<Mark>,
    last: Mutex<Last>,
}

/// What is compared with.
#[derive(Default)]
struct Last {
    look: Option<Look>,
    /// SQLite's count before the batch that is under way. Our own commits do not change it, so it is not asked twice.
    version: i64,
}

/// What the files look like. Of each member only a change means something.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    /// SQLite's count of what other connections committed.
    version: i64,
    seen: Seen,
    index: [u8; INDEX_BYTES],
}

/// What the guard saw of the files when it looked whether they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// When the database's file was last written to.
    pub(super) modified: SystemTime,
    /// How long the log is.
    pub(super) log_bytes: u64,
}

impl Outside {
    /// To be made after the last write that is not the writer's own.
    pub(super) fn of(database: &Path, mark: Arc<Mark>) -> io::Result<Self> {
        let index = File::open(fault::shm_of(database))?;
        Ok(Self { index, mark, last: Mutex::default() })
    }

    /// What was done since the last commit of ours. Looks closer only where something changed.
    pub(super) fn find_damage(
        &self,
        connection: &Connection,
        seen: Option<Seen>,
    ) -> Result<Option<Damage>, StoreError> {
        let mut known = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        known.version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        // A file that cannot be looked at is gone, which the guard tells by itself.
        let (Some(last), Some(now)) = (known.look, self.look(known.version, seen)) else { return Ok(None) };
        // First: the closer look at the log would write into the database.
        if now.seen.modified != last.seen.modified && now.index == last.index {
            self.disown_log()?;
            return Ok(Some(Damage::Overwritten));
        }
        if now.seen.log_bytes < last.seen.log_bytes && is_log_damaged(connection) {
            return Ok(Some(Damage::LogCut));
        }
        if now.version != last.version && self.is_behind(connection)? {
            return Ok(Some(Damage::PutBack));
        }
        Ok(None)
    }

    /// Whether acknowledged writes are lacking. Where tables are, jobs fail by themselves, until these are there again.
    fn is_behind(&self, connection: &Connection) -> Result<bool, StoreError> {
        let is_whole = schema::has_topics(connection)? && schema::has_changes(connection)?;
        Ok(is_whole && writes::count(connection)? < self.mark.writes())
    }

    /// Notes what the files look like after a commit.
    pub(super) fn note(&self, seen: Option<Seen>) {
        let mut known = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        known.look = self.look(known.version, seen);
    }

    fn look(&self, version: i64, seen: Option<Seen>) -> Option<Look> {
        let mut index = [0; INDEX_BYTES];
        self.index.read_exact_at(&mut index, 0).ok()?;
        Some(Look { version, seen: seen?, index })
    }

    /// The log belongs to what was overwritten. What stands there now may have the same stamp, being a copy from the
    /// same run; the next start must not play the log back into it.
    fn disown_log(&self) -> Result<(), StoreError> {
        self.mark.stamped(Some(Stamp::new()))
    }
}

/// Whether what is in the log cannot be moved into the database, because it is not there. A log that a checkpoint of
/// somebody else has emptied has nothing to move.
fn is_log_damaged(connection: &Connection) -> bool {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).is_err()
}
