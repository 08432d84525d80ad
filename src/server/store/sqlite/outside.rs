//! Detects changes that other programs make to a database while a server uses it: through SQLite (a shell's
//! `.restore`), or past SQLite into the same files (`cp` over them, a WAL that is truncated). Neither changes the
//! files' identity. The guard calls this before each batch and in its transaction, and records the state of the files
//! after each commit.
//!
//! A checkpoint or a small repair by someone's shell loses nothing and must not be reported as damage.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, ErrorCode, ffi};
use rustix::fs::{self, AtFlags, StatxFlags};

use super::{fault, high_water_mark::HighWaterMark, schema, stamp::Stamp, writes};
use crate::server::store::StoreError;

/// Bytes at the start of the WAL index (`-shm`): both copies of its header, and the progress and the goal of a
/// checkpoint ("WAL-Index File Format", www.sqlite.org).
const INDEX_BYTES: usize = 132;
/// Number of frames in the WAL (`mxFrame`).
const FRAMES: Range<usize> = 16..20;
/// Salt that changes when the WAL is restarted (`aSalt`).
const SALT: Range<usize> = 32..40;
/// Number of frames that were moved into the database (`nBackfill`), and that a checkpoint set out to move
/// (`nBackfillAttempted`).
const MOVED: Range<usize> = 96..100;
const ATTEMPTED: Range<usize> = 128..132;

/// The kind of change that was detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Another program wrote into the database file, bypassing SQLite.
    Overwritten,
    /// Another program truncated the WAL, bypassing SQLite.
    LogCut,
    /// Another program wrote through SQLite, and acknowledged writes are gone.
    PutBack,
}

/// The state of an open database after the last commit, for comparison. The index file stays open as long as SQLite has
/// it open: closing it would drop SQLite's locks.
pub(super) struct Outside {
    index: File,
    mark: Arc<HighWaterMark>,
    last: Mutex<Last>,
}

/// The state to compare with.
#[derive(Default)]
struct Last {
    look: Option<Look>,
    /// SQLite's `data_version`, which changes with commits of other connections. Only a difference has a meaning.
    version: Option<i64>,
}

/// The state of the files at one time.
#[derive(Clone, Copy)]
struct Look {
    seen: Seen,
    index: Index,
}

/// The first bytes of the WAL index.
#[derive(Clone, Copy)]
struct Index([u8; INDEX_BYTES]);

impl Index {
    /// Returns true if no checkpoint moved a frame since `earlier`, and the WAL was not restarted after one.
    fn has_moved_nothing_since(&self, earlier: &Self) -> bool {
        self.0[MOVED] == earlier.0[MOVED] && self.0[SALT] == earlier.0[SALT]
    }

    /// Returns true if a checkpoint is moving frames, or ended before its goal. It writes into the database before it
    /// records its progress.
    fn has_open_checkpoint(&self) -> bool {
        self.0[MOVED] != self.0[ATTEMPTED]
    }

    /// Returns true if the compared fields can only change together with the database file: no checkpoint has progress
    /// left to record, and the next commit does not restart the WAL.
    fn stays_as_it_is(&self) -> bool {
        !self.has_open_checkpoint() && self.0[MOVED] != self.0[FRAMES]
    }
}

/// The state of the open files, as the guard sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    database: Times,
    /// Length of the WAL.
    pub(super) log_bytes: u64,
    /// True if neither file was deleted.
    is_linked: bool,
}

/// Timestamps of the database file, in seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    /// Time of the last write.
    modified: (i64, i64),
    /// Time of the last write, move or change of permissions. No program can set it.
    changed: (i64, i64),
}

impl Seen {
    pub(super) fn of(database: &File, log: &File) -> Option<Self> {
        let (database, log) = (database.metadata().ok()?, Extent::of(log)?);
        let times = Times {
            modified: (database.mtime(), database.mtime_nsec()),
            changed: (database.ctime(), database.ctime_nsec()),
        };
        Some(Self { database: times, log_bytes: log.bytes, is_linked: database.nlink() > 0 && log.is_linked })
    }
}

/// The attributes that are read of the WAL.
struct Extent {
    bytes: u64,
    /// False if the file was deleted.
    is_linked: bool,
}

impl Extent {
    /// Reads size and link count, but no timestamps: once a program has asked for a file's timestamps, Linux 6.13 and
    /// later record a new one at the file's next write ("Multigrain timestamps", docs.kernel.org), and each commit
    /// would wait for that.
    fn of(file: &File) -> Option<Self> {
        let asked = StatxFlags::SIZE | StatxFlags::NLINK;
        let seen = fs::statx(file, "", AtFlags::EMPTY_PATH, asked).ok()?;
        Some(Self { bytes: seen.stx_size, is_linked: seen.stx_nlink > 0 })
    }
}

impl Outside {
    /// Opens the WAL index. Call it after the last write that is not the writer's own.
    pub(super) fn of(database: &Path, mark: Arc<HighWaterMark>) -> io::Result<Self> {
        let index = File::open(fault::shm_of(database))?;
        Ok(Self { index, mark, last: Mutex::default() })
    }

    /// Returns true if neither file was deleted and nobody has touched the database file since our last commit.
    pub(super) fn is_as_noted(&self, seen: Option<Seen>) -> bool {
        let noted = self.known().look.map(|last| last.seen.database);
        seen.is_some_and(|seen| seen.is_linked && noted == Some(seen.database))
    }

    /// Looks for changes past SQLite since our last commit. Inspects further only if an attribute differs.
    pub(super) fn find_damage(
        &self,
        connection: &Connection,
        seen: Option<Seen>,
    ) -> Result<Option<Damage>, StoreError> {
        // A file that cannot be inspected is gone, which the guard reports.
        let (Some(last), Some(seen)) = (self.known().look, seen) else { return Ok(None) };
        // This check comes first: the one of the WAL would write into the database.
        if seen.database.modified != last.seen.database.modified && self.is_written_past_sqlite(&last) {
            self.disown_log();
            return Ok(Some(Damage::Overwritten));
        }
        if seen.log_bytes < last.seen.log_bytes && is_log_damaged(connection)? {
            return Ok(Some(Damage::LogCut));
        }
        Ok(None)
    }

    /// Looks for changes through SQLite since the last call. In a transaction it costs no system call, and no other
    /// program can commit before the transaction ends.
    pub(super) fn find_put_back(&self, connection: &Connection) -> Result<Option<Damage>, StoreError> {
        let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        let is_changed = self.known().version.is_some_and(|earlier| earlier != version);
        let is_put_back = is_changed && self.is_behind(connection)?;
        // Only after success: a check that failed has to be repeated.
        self.known().version = Some(version);
        Ok(is_put_back.then_some(Damage::PutBack))
    }

    fn known(&self) -> MutexGuard<'_, Last> {
        self.last.lock()
    }

    /// Returns true if the database file changed and the WAL index shows that SQLite did not change it.
    fn is_written_past_sqlite(&self, last: &Look) -> bool {
        let is_sqlites =
            |index: Index| !index.has_moved_nothing_since(&last.index) || index.has_open_checkpoint();
        self.index().is_some_and(|index| !is_sqlites(index))
    }

    /// Returns true if acknowledged writes are missing. If tables are missing, jobs fail by themselves, so this waits
    /// until they are there again.
    fn is_behind(&self, connection: &Connection) -> Result<bool, StoreError> {
        let is_whole = schema::has_topics(connection)? && schema::has_changes(connection)?;
        Ok(is_whole && writes::count(connection)? < self.mark.writes())
    }

    /// Records the state of the files after a commit; `look` reads it. Returns true if nobody else has touched them.
    pub(super) fn note_commit(&self, look: impl Fn() -> Option<Seen>) -> bool {
        let mut known = self.known();
        if let (Some(last), Some(seen)) = (&mut known.look, look())
            && seen.is_linked
            && seen.database == last.seen.database
            && last.index.stays_as_it_is()
        {
            // No checkpoint ran, and only the fields that a checkpoint changes are compared, so the old index is still
            // good.
            last.seen = seen;
            return true;
        }
        // The index first: if a checkpoint ends in between, only the file's new time is recorded, and the index changes
        // once more.
        let index = self.index();
        known.look = index.zip(look()).map(|(index, seen)| Look { seen, index });
        false
    }

    /// Reads the WAL index.
    fn index(&self) -> Option<Index> {
        let mut bytes = [0; INDEX_BYTES];
        self.index.read_exact_at(&mut bytes, 0).ok()?;
        Some(Index(bytes))
    }

    /// Dissociates the WAL from the database, because it belongs to the file that was overwritten. The new content may
    /// have the same stamp if it is a copy from the same run, and the next start must not play the WAL back into it.
    /// Recording an unused stamp prevents that.
    fn disown_log(&self) {
        if let Err(error) = self.mark.stamped(Some(Stamp::new())) {
            tracing::error!(%error, "the log (-wal) no longer belongs to the database, and this cannot be recorded");
        }
    }
}

/// Returns true if the content of the WAL cannot be moved into the database because it is gone. A WAL that another
/// program's checkpoint has emptied has nothing to move. A disk failure is an error of its own, and not damage.
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
