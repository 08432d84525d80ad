//! What others do to a database while a server has it: a program that writes to it through SQLite (a shell's `.restore`),
//! and one that writes past SQLite into the same files (`cp` over them, a log that is cut). Neither changes which files
//! there are. The guard asks before each batch and in its transaction, and notes what the files look like after each
//! commit.
//!
//! A checkpoint or a small repair by somebody's shell is no loss and must not be taken for one.

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

/// The start of the log's index (`-shm`): both copies of its header, and how far the log was moved into the database and
/// is to be moved by the checkpoint under way ("WAL-Index File Format", www.sqlite.org).
const INDEX_BYTES: usize = 132;
/// How many frames there are (`mxFrame`).
const FRAMES: Range<usize> = 16..20;
/// What changes when the log is begun anew (`aSalt`).
const SALT: Range<usize> = 32..40;
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
    mark: Arc<HighWaterMark>,
    last: Mutex<Last>,
}

/// What is compared with.
#[derive(Default)]
struct Last {
    look: Option<Look>,
    /// SQLite's count of what other connections committed. Only a change of it means something.
    version: Option<i64>,
}

/// What the files look like.
#[derive(Clone, Copy)]
struct Look {
    seen: Seen,
    index: Index,
}

/// The first bytes of the log's index.
#[derive(Clone, Copy)]
struct Index([u8; INDEX_BYTES]);

impl Index {
    /// Whether no checkpoint moved anything between the two, and the log was not begun anew after one.
    fn has_moved_nothing_since(&self, earlier: &Self) -> bool {
        self.0[MOVED] == earlier.0[MOVED] && self.0[SALT] == earlier.0[SALT]
    }

    /// Whether a checkpoint is moving the log, or ended before it had moved what it wanted. It writes into the database
    /// before it says how far it came.
    fn has_open_checkpoint(&self) -> bool {
        self.0[MOVED] != self.0[ATTEMPTED]
    }

    /// Whether what is compared of it changes only when the database's file does: no checkpoint has still to say how far
    /// it came, and the next commit does not begin the log anew.
    fn stays_as_it_is(&self) -> bool {
        !self.has_open_checkpoint() && self.0[MOVED] != self.0[FRAMES]
    }
}

/// What the guard saw of the open files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    database: Times,
    /// How long the log is.
    pub(super) log_bytes: u64,
    /// Whether both still have a name.
    is_linked: bool,
}

/// Of the database's file, in seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    /// When it was last written to.
    modified: (i64, i64),
    /// When it was last written to, moved or given other rights. Nobody can set it.
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

/// What is asked of the log.
struct Extent {
    bytes: u64,
    /// Whether it still has a name.
    is_linked: bool,
}

impl Extent {
    /// Without the times: once somebody asked for a file's times, Linux 6.13 and later write a new one down at the file's
    /// next write ("Multigrain timestamps", docs.kernel.org), which each commit would then wait for.
    fn of(file: &File) -> Option<Self> {
        let asked = StatxFlags::SIZE | StatxFlags::NLINK;
        let seen = fs::statx(file, "", AtFlags::EMPTY_PATH, asked).ok()?;
        Some(Self { bytes: seen.stx_size, is_linked: seen.stx_nlink > 0 })
    }
}

impl Outside {
    /// To be made after the last write that is not the writer's own.
    pub(super) fn of(database: &Path, mark: Arc<HighWaterMark>) -> io::Result<Self> {
        let index = File::open(fault::shm_of(database))?;
        Ok(Self { index, mark, last: Mutex::default() })
    }

    /// Whether the files have their names, and nobody touched the database's since the last commit of ours.
    pub(super) fn is_as_noted(&self, seen: Option<Seen>) -> bool {
        let noted = self.known().look.map(|last| last.seen.database);
        seen.is_some_and(|seen| seen.is_linked && noted == Some(seen.database))
    }

    /// What was done past SQLite since the last commit of ours. Looks closer only where something changed.
    pub(super) fn find_damage(
        &self,
        connection: &Connection,
        seen: Option<Seen>,
    ) -> Result<Option<Damage>, StoreError> {
        // A file that cannot be looked at is gone, which the guard tells by itself.
        let (Some(last), Some(seen)) = (self.known().look, seen) else { return Ok(None) };
        // First: the closer look at the log would write into the database.
        if seen.database.modified != last.seen.database.modified && self.is_written_past_sqlite(&last) {
            self.disown_log();
            return Ok(Some(Damage::Overwritten));
        }
        if seen.log_bytes < last.seen.log_bytes && is_log_damaged(connection)? {
            return Ok(Some(Damage::LogCut));
        }
        Ok(None)
    }

    /// What was done through SQLite since this was asked last. In a transaction it costs no call of the system, and no
    /// other program can commit before it ends.
    pub(super) fn find_put_back(&self, connection: &Connection) -> Result<Option<Damage>, StoreError> {
        let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        let is_changed = self.known().version.is_some_and(|earlier| earlier != version);
        let is_put_back = is_changed && self.is_behind(connection)?;
        // Only now: what could not be looked at has to be looked at again.
        self.known().version = Some(version);
        Ok(is_put_back.then_some(Damage::PutBack))
    }

    fn known(&self) -> MutexGuard<'_, Last> {
        self.last.lock()
    }

    /// Whether the database's file changed, and SQLite did not change it.
    fn is_written_past_sqlite(&self, last: &Look) -> bool {
        let is_sqlites =
            |index: Index| !index.has_moved_nothing_since(&last.index) || index.has_open_checkpoint();
        self.index().is_some_and(|index| !is_sqlites(index))
    }

    /// Whether acknowledged writes are lacking. Where tables are, jobs fail by themselves, until these are there again.
    fn is_behind(&self, connection: &Connection) -> Result<bool, StoreError> {
        let is_whole = schema::has_topics(connection)? && schema::has_changes(connection)?;
        Ok(is_whole && writes::count(connection)? < self.mark.writes())
    }

    /// Notes what the files look like after a commit, as `look` sees them, and says whether nobody touched them.
    pub(super) fn note_commit(&self, look: impl Fn() -> Option<Seen>) -> bool {
        let mut known = self.known();
        if let (Some(last), Some(seen)) = (&mut known.look, look())
            && seen.is_linked
            && seen.database == last.seen.database
            && last.index.stays_as_it_is()
        {
            // Of the index only what a checkpoint changes is compared, and there was none.
            last.seen = seen;
            return true;
        }
        // The index first: of a checkpoint that ends in between, only the file's new time is noted, and the index changes
        // once more.
        let index = self.index();
        known.look = index.zip(look()).map(|(index, seen)| Look { seen, index });
        false
    }

    /// What the log's index says now.
    fn index(&self) -> Option<Index> {
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
