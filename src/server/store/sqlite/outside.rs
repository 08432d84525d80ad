//! What others do to a database while a server has it: a program that writes to it through SQLite (a shell's `.restore`),
//! and one that writes past SQLite into the same files (`cp` over them, a log that is cut). Neither changes which files
//! there are. The guard asks before each batch and notes what the files look like after each commit.
//!
//! A checkpoint or a small repair by somebody's shell is no loss and must not be taken for one.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use rusqlite::{Connection, ErrorCode, ffi};

use super::{fault, mark::Mark, schema, stamp::Stamp, writes};
use crate::server::store::StoreError;

/// The start of the log's index (`-shm`): both copies of its header, and how far the log was moved into the database and
/// is to be moved by the checkpoint under way ("WAL-Index File Format", www.sqlite.org).
const INDEX_BYTES: usize = 132;
/// The part that changes with every commit and every checkpoint, whoever makes it. What follows are the readers' marks.
const CHANGING: Range<usize> = 0..100;
/// How many frames were moved (`nBackfill`), and how many a checkpoint set out to move (`nBackfillAttempted`).
const MOVED: Range<usize> = 96..100;
const ATTEMPTED: Range<usize> = 128..132;

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

/// A database that is open. The index stays open for as long: closing it would end SQLite's locks on it.
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
#[derive(Clone, Copy)]
struct Look {
    /// SQLite's count of what other connections committed.
    version: i64,
    seen: Seen,
    index: Index,
}

/// The first bytes of the log's index.
#[derive(Clone, Copy)]
pub(super) struct Index([u8; INDEX_BYTES]);

impl Index {
    /// Whether nobody committed or ended a checkpoint between the two.
    fn is_unchanged_since(&self, earlier: &Self) -> bool {
        self.0[CHANGING] == earlier.0[CHANGING]
    }

    /// Whether a checkpoint is moving the log, or ended before it had moved what it wanted. It writes into the database
    /// before it says how far it came.
    fn has_open_checkpoint(&self) -> bool {
        self.0[MOVED] != self.0[ATTEMPTED]
    }
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
        let (Some(last), Some(now)) = (known.look, look(known.version, seen, self.index())) else {
            return Ok(None);
        };
        // First: the closer look at the log would write into the database.
        if now.is_written_past_sqlite(&last) {
            self.disown_log();
            return Ok(Some(Damage::Overwritten));
        }
        if now.seen.log_bytes < last.seen.log_bytes && is_log_damaged(connection)? {
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

    /// Notes what the files look like after a commit. The index has to be read before the files are looked at: of a
    /// checkpoint that ends in between, only the file's new time is noted, and the index changes once more.
    pub(super) fn note(&self, index: Option<Index>, seen: Option<Seen>) {
        let mut known = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        known.look = look(known.version, seen, index);
    }

    /// What the log's index says now.
    pub(super) fn index(&self) -> Option<Index> {
        let mut bytes = [0; INDEX_BYTES];
        self.index.read_exact_at(&mut bytes, 0).ok()?;
        Some(Index(bytes))
    }

    /// The log belongs to what was overwritten. What stands there now may have the same stamp, being a copy from the
    /// same run; the next start must not play the log back into it.
    fn disown_log(&self) {
        if let Err(error) = self.mark.stamped(Some(Stamp::new())) {
            tracing::error!(%error, "the log (-wal) is not the database's any more, and that cannot be written down");
        }
    }
}

impl Look {
    /// Whether the database's file changed, and SQLite did not change it.
    fn is_written_past_sqlite(&self, earlier: &Self) -> bool {
        self.seen.modified != earlier.seen.modified
            && self.index.is_unchanged_since(&earlier.index)
            && !self.index.has_open_checkpoint()
    }
}

fn look(version: i64, seen: Option<Seen>, index: Option<Index>) -> Option<Look> {
    Some(Look { version, seen: seen?, index: index? })
}

/// Whether what is in the log cannot be moved into the database, because it is not there. A log that a checkpoint of
/// somebody else has emptied has nothing to move. That the disk fails now is another fault, and no damage.
fn is_log_damaged(connection: &Connection) -> Result<bool, StoreError> {
    let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) else {
        return Ok(false);
    };
    match error.sqlite_error() {
        Some(cause) if cause.extended_code == ffi::SQLITE_IOERR_SHORT_READ => Ok(true),
        Some(cause) if matches!(cause.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Ok(true),
        _ => Err(error.into()),
    }
}
