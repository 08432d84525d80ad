//! Detects that the database's files are no longer the ones that were opened. Someone may put a backup in their place,
//! move the folder or delete it while the server runs; SQLite goes on with the open files, and whatever it acknowledges
//! from then on is gone at the next start.
//!
//! Changes inside the files are detected by [`super::outside`].
//!
//! The writer checks before each batch, in its transaction, and before the commit is acknowledged; readers check now
//! and then. Each post pays for this, so most checks look only at the open file handles: a file that was replaced or
//! deleted has no link any more, and one that was moved or written to has another change time. If something differs,
//! and every [`WHOLE_LOOK`], a full check looks the paths up and reads the database's stamp. Only the full check finds
//! a moved folder or WAL, which is whole at its new path, and a deleted WAL index or high-water mark; none of these
//! loses a post by itself. Kernels before 6.13 count file times in ticks of some milliseconds, so only the full check
//! finds a database that is moved within one tick of a checkpoint.
//!
//! A loss, once detected, stands until the server restarts, even if the files come back: entries that were committed
//! and rejected meanwhile would be in no node's memory.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rusqlite::{Connection, config::DbConfig};

use super::{
    fault,
    high_water_mark::HighWaterMark,
    outside::{Damage, Outside, Seen},
    stamp::Stamp,
    wal_bound::WalBound,
};
use crate::server::store::StoreError;

/// The identity of the open database files, and the first loss that was found.
pub(super) struct Guard {
    files: Vec<Watched>,
    content: Mutex<Option<Content>>,
    /// `None` after [`Guard::release`].
    outside: Mutex<Option<Outside>>,
    wal: WalBound,
    lost: OnceLock<Loss>,
    checked_at: Mutex<Option<Instant>>,
}

/// The open file handles, independent of their paths. They stay open for as long as SQLite has the files open.
struct Content {
    database: Arc<File>,
    log: File,
    /// The stamp that the database must contain; `None` if it is unknown.
    stamp: Option<Stamp>,
}

/// A path, and the file that it led to when the database was opened.
struct Watched {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// A lost file and the reason.
#[derive(Clone, Debug)]
struct Loss {
    path: PathBuf,
    how: &'static str,
}

/// Interval of the full check. A page reads several times, and a full check takes several system calls.
const WHOLE_LOOK: Duration = Duration::from_millis(50);
/// Bytes to read at either end of the database: SQLite's smallest page.
const END_BYTES: usize = 512;

/// Indexes into [`Guard::files`].
const DATABASE: usize = 0;
const LOG: usize = 1;

const IS_GONE: &str = "is gone";
const IS_ANOTHER: &str = "was replaced by another file";
const IS_OVERWRITTEN: &str = "was overwritten";
const IS_CUT: &str = "was made shorter";
const IS_PUT_BACK: &str = "was put back to what it was before by another program";

impl Guard {
    /// Watches the files of a database that was just opened, and writes a new stamp into it.
    pub(super) fn over(
        path: &Path,
        connection: &Connection,
        mark: &Arc<HighWaterMark>,
        wal: WalBound,
    ) -> Result<Self, StoreError> {
        let stamp = Stamp::new();
        stamp.write(connection).map_err(|error| fault::of_sqlite(path, error))?;
        let content = Content::new(path, stamp)?;
        mark.stamped(content.stamp)?;
        let paths = [path.to_owned(), fault::wal_of(path), fault::shm_of(path), HighWaterMark::path_of(path)];
        let files = paths.into_iter().map(Watched::new).collect::<Result<_, _>>()?;
        let outside = Outside::of(path, mark.clone()).map_err(|error| fault::unusable(path, &error))?;
        outside.find_put_back(connection)?;
        let guard = Self {
            files,
            content: Mutex::new(Some(content)),
            outside: Mutex::new(Some(outside)),
            wal,
            lost: OnceLock::new(),
            checked_at: Mutex::default(),
        };
        guard.check().and_then(|()| guard.after_batch()).map(|()| guard)
    }

    /// Watches no files; for tests of the writer.
    #[cfg(test)]
    pub(super) fn of_nothing() -> Self {
        let wal = WalBound::new(PathBuf::new(), u64::MAX);
        Self {
            files: Vec::new(),
            content: Mutex::default(),
            outside: Mutex::default(),
            wal,
            lost: OnceLock::new(),
            checked_at: Mutex::default(),
        }
    }

    /// Fully checks the files. Fails with [`StoreError::Moved`] if one is lost.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.find_loss().map_or(Ok(()), |loss| Err(refusal(&loss, false)))
    }

    /// The check of a reader: [`Guard::check`], but at most once per [`WHOLE_LOOK`].
    pub(super) fn check_now_and_then(&self) -> Result<(), StoreError> {
        match self.lost.get() {
            None if !self.takes_whole_look() => Ok(()),
            _ => self.check(),
        }
    }

    /// Returns true if the full check is due. The caller has to do it then.
    fn takes_whole_look(&self) -> bool {
        let mut checked_at = self.checked_at.lock();
        let is_due = checked_at.is_none_or(|at| at.elapsed() >= WHOLE_LOOK);
        if is_due {
            *checked_at = Some(Instant::now());
        }
        is_due
    }

    /// Returns true if batches are rejected because the WAL has reached its limit. Only the next batch notices when
    /// there is room again.
    pub(super) fn is_full(&self) -> bool {
        self.wal.is_full()
    }

    /// Texts were erased: the WAL must be truncated before one of the next batches.
    pub(super) fn request_erasure(&self) {
        self.wal.request_erasure();
    }

    /// Returns true if erased texts may still be in the WAL.
    pub(super) fn is_erasure_due(&self) -> bool {
        self.wal.is_erasure_due()
    }

    /// The check before a batch begins.
    pub(super) fn before_batch(&self, connection: &Connection) -> Result<(), StoreError> {
        let seen = self.look();
        let outside = self.outside.lock();
        let Some(outside) = outside.as_ref() else { return self.wal.make_room(connection, None) };
        if self.takes_whole_look() || !self.is_as_noted(outside, seen) {
            self.check()?;
        }
        self.refuse_damage(outside.find_damage(connection, seen)?)?;
        self.wal.make_room(connection, seen.map(|seen| seen.log_bytes))
    }

    /// The check in the batch's transaction, when no other program can commit and SQLite has already looked at the WAL
    /// index.
    pub(super) fn in_batch(&self, connection: &Connection) -> Result<(), StoreError> {
        let outside = self.outside.lock();
        let Some(outside) = outside.as_ref() else { return Ok(()) };
        self.refuse_damage(outside.find_put_back(connection)?)
    }

    fn refuse_damage(&self, damage: Option<Damage>) -> Result<(), StoreError> {
        let (place, how) = match damage {
            None => return Ok(()),
            Some(Damage::Overwritten) => (DATABASE, IS_OVERWRITTEN),
            Some(Damage::LogCut) => (LOG, IS_CUT),
            Some(Damage::PutBack) => (DATABASE, IS_PUT_BACK),
        };
        let loss = Loss { path: self.files[place].path.clone(), how };
        Err(refusal(&self.lose(loss), false))
    }

    /// The check after a commit. If it fails, the batch must not be acknowledged.
    pub(super) fn after_batch(&self) -> Result<(), StoreError> {
        let outside = self.outside.lock();
        let Some(outside) = outside.as_ref() else { return Ok(()) };
        let is_as_noted = outside.note_commit(|| self.look());
        // A slow commit alone makes the full check due.
        if is_as_noted && self.lost.get().is_none() && !self.takes_whole_look() {
            return Ok(());
        }
        self.find_loss().map_or(Ok(()), |loss| Err(refusal(&loss, true)))
    }

    /// Returns true if no loss is known and the open files are as they were after the last commit.
    fn is_as_noted(&self, outside: &Outside, seen: Option<Seen>) -> bool {
        self.lost.get().is_none() && outside.is_as_noted(seen)
    }

    /// Inspects the open files. `None` if that failed, which proves nothing.
    fn look(&self) -> Option<Seen> {
        let content = self.content.lock();
        content.as_ref().and_then(|content| Seen::of(&content.database, &content.log))
    }

    /// Reads the first and the last bytes of the database file. Used after a disk failure, because a probe that only
    /// writes may be served from memory.
    pub(super) fn read_ends(&self) -> io::Result<()> {
        // Outside of the lock: a failing disk may block for minutes, and readers, which may need no disk, take the
        // lock.
        let file = {
            let content = self.content.lock();
            content.as_ref().map(|content| content.database.clone())
        };
        let Some(file) = file else { return Ok(()) };
        let mut bytes = [0; END_BYTES];
        for at in [0, file.metadata()?.len().saturating_sub(END_BYTES as u64)] {
            file.read_exact_at(&mut bytes, at)?;
        }
        Ok(())
    }

    /// Call before closing the writer's connection. Closing moves the WAL into the database file and deletes the WAL by
    /// its name; neither may touch files that someone has put in their places. If a file is merely gone, the WAL is
    /// still moved: it is open here, and whole.
    pub(super) fn before_close(&self, connection: &Connection) {
        let Some(loss) = self.find_loss() else { return };
        let database_is_ours = self.files.get(DATABASE).is_some_and(|file| file.find_loss().is_none())
            && self.find_overwriting().is_none();
        if database_is_ours && loss.how == IS_GONE {
            return;
        }
        let kept = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        kept.map(drop).unwrap_or_else(
            |error| tracing::warn!(%error, "cannot keep the log (-wal) from being checkpointed"),
        );
    }

    /// Closes the file handles. Call only after all connections are closed: closing a handle drops SQLite's locks (see
    /// `private_file`).
    pub(super) fn release(&self) {
        self.content.lock().take();
        self.outside.lock().take();
    }

    fn find_loss(&self) -> Option<Loss> {
        if let Some(loss) = self.lost.get() {
            return Some(loss.clone());
        }
        let loss = self.files.iter().find_map(Watched::find_loss).or_else(|| self.find_overwriting())?;
        Some(self.lose(loss))
    }

    /// Records a loss for all later callers. Returns the loss that was recorded first.
    fn lose(&self, loss: Loss) -> Loss {
        if self.lost.set(loss.clone()).is_ok() {
            tracing::error!("{}", refusal(&loss, false));
        }
        self.lost.get().cloned().unwrap_or(loss)
    }

    fn find_overwriting(&self) -> Option<Loss> {
        let content = self.content.lock();
        let Content { database, stamp, .. } = content.as_ref()?;
        let stamp = (*stamp)?;
        let is_overwritten = match Stamp::of(database) {
            Ok(found) => found != stamp,
            // A read error is the disk's fault; SQLite reports it.
            Err(error) => error.kind() == io::ErrorKind::UnexpectedEof,
        };
        is_overwritten.then(|| Loss { path: self.files[DATABASE].path.clone(), how: IS_OVERWRITTEN })
    }
}

impl Watched {
    fn new(path: PathBuf) -> Result<Self, StoreError> {
        let metadata = fs::metadata(&path).map_err(|error| fault::unusable(&path, &error))?;
        Ok(Self { path, device: metadata.dev(), inode: metadata.ino() })
    }

    fn find_loss(&self) -> Option<Loss> {
        let how = match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == (self.device, self.inode) => return None,
            Ok(_) => IS_ANOTHER,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                IS_GONE
            }
            // The file's state is unknown at the moment.
            Err(_) => return None,
        };
        Some(Loss { path: self.path.clone(), how })
    }
}

impl Content {
    /// Opens the files of a database that `stamp` was just written to.
    fn new(path: &Path, stamp: Stamp) -> Result<Self, StoreError> {
        let open = |path: &Path| File::open(path).map_err(|error| fault::unusable(path, &error));
        let (database, log) = (Arc::new(open(path)?), open(&fault::wal_of(path))?);
        // While another program reads the file, the stamp is not yet in it; then the content is not watched during this
        // run.
        let is_written = Stamp::of(&database).is_ok_and(|found| found == stamp);
        Ok(Self { database, log, stamp: is_written.then_some(stamp) })
    }
}

fn refusal(loss: &Loss, is_committed: bool) -> StoreError {
    StoreError::Moved { path: loss.path.clone(), how: loss.how, is_committed }
}
