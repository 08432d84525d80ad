//! Watches that the database's files stay the ones that were opened. Somebody may put a backup in their place, move the
//! folder or delete it while the server runs; SQLite goes on with the files it has, and what it acknowledges then is
//! gone at the next start.
//!
//! What happens inside of the files is [`super::outside`]'s to notice.
//!
//! The writer asks before each batch, in its transaction and before its commit is acknowledged, readers now and then.
//! Each post pays for it, so most looks ask the open files only: one that was replaced or deleted has no name any more,
//! one that was moved or written to has another time. Then, and every [`WHOLE_LOOK`], their paths are looked up and the
//! database's stamp is read. What only that finds loses no post by itself: a folder or a log that was moved and is whole
//! where it is now, an index or a mark that was deleted. A kernel before 6.13 counts files' times in ticks of some
//! milliseconds, so a database that is moved within one of a checkpoint is found by that look, too.
//!
//! What was noticed once stays so until the server is started again, also when the files come back: what was committed
//! and refused meanwhile would be in nobody's memory.

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

/// See the module.
pub(super) struct Guard {
    files: Vec<Watched>,
    content: Mutex<Option<Content>>,
    /// `None` once everything is closed.
    outside: Mutex<Option<Outside>>,
    wal: WalBound,
    lost: OnceLock<Loss>,
    checked_at: Mutex<Option<Instant>>,
}

/// The files themselves, whatever their paths lead to now. They stay open for as long as SQLite has them.
struct Content {
    database: Arc<File>,
    log: File,
    /// What has to stand in the database, if that is known.
    stamp: Option<Stamp>,
}

/// A file as it was opened.
struct Watched {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// What became of a file.
#[derive(Clone, Debug)]
struct Loss {
    path: PathBuf,
    how: &'static str,
}

/// How often all of it is looked at. A page is several reads, and a look several calls of the system.
const WHOLE_LOOK: Duration = Duration::from_millis(50);
/// What is read at either end of the database: its smallest page.
const END_BYTES: usize = 512;

/// Places in the list of the files.
const DATABASE: usize = 0;
const LOG: usize = 1;

const IS_GONE: &str = "is gone";
const IS_ANOTHER: &str = "was replaced by another file";
const IS_OVERWRITTEN: &str = "was overwritten";
const IS_CUT: &str = "was made shorter";
const IS_PUT_BACK: &str = "was put back to what it was before by another program";

impl Guard {
    /// Watches over the files of a database that was just opened, and leaves a new stamp in it.
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

    /// Watches over nothing, for the tests of the writer.
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

    /// Whether the files are still there.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.find_loss().map_or(Ok(()), |loss| Err(refusal(&loss, false)))
    }

    /// The same for who reads: what was looked at a moment ago is not looked at again.
    pub(super) fn check_now_and_then(&self) -> Result<(), StoreError> {
        match self.lost.get() {
            None if !self.takes_whole_look() => Ok(()),
            _ => self.check(),
        }
    }

    /// Whether it is time to look at everything. Who is told so looks.
    fn takes_whole_look(&self) -> bool {
        let mut checked_at = self.checked_at.lock();
        let is_due = checked_at.is_none_or(|at| at.elapsed() >= WHOLE_LOOK);
        if is_due {
            *checked_at = Some(Instant::now());
        }
        is_due
    }

    /// Whether batches are refused because the log has no room. Only the next batch finds out that it has again.
    pub(super) fn is_full(&self) -> bool {
        self.wal.is_full()
    }

    /// Whether a batch may be begun.
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

    /// Whether a batch may go on. Asked in its transaction, when nobody else can commit and SQLite has looked at the
    /// log's index already.
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

    /// Whether what was just committed may be acknowledged.
    pub(super) fn after_batch(&self) -> Result<(), StoreError> {
        let outside = self.outside.lock();
        let Some(outside) = outside.as_ref() else { return Ok(()) };
        let is_as_noted = outside.note_commit(|| self.look());
        // A commit that had to wait takes longer than a moment.
        if is_as_noted && self.lost.get().is_none() && !self.takes_whole_look() {
            return Ok(());
        }
        self.find_loss().map_or(Ok(()), |loss| Err(refusal(&loss, true)))
    }

    /// Whether there is nothing to look closer at.
    fn is_as_noted(&self, outside: &Outside, seen: Option<Seen>) -> bool {
        self.lost.get().is_none() && outside.is_as_noted(seen)
    }

    /// Looks at the open files. `None` if that is not possible, which says nothing.
    fn look(&self) -> Option<Seen> {
        let content = self.content.lock();
        content.as_ref().and_then(|content| Seen::of(&content.database, &content.log))
    }

    /// Whether the disk gives back what the database's file has: its first bytes and its last. To be asked where the disk
    /// failed before, because a probe that only writes finds what it needs in memory.
    pub(super) fn read_ends(&self) -> io::Result<()> {
        // Not under the lock: a disk may take minutes to fail, and readers of what is in memory need it.
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

    /// Call it before the writer's connection is closed. Closing moves the log into the file and removes the log by its
    /// name; neither may touch what somebody has put in their places. A log that is only gone is moved all the same: it
    /// is still open here, and whole.
    pub(super) fn before_close(&self, connection: &Connection) {
        let Some(loss) = self.find_loss() else { return };
        let database_is_ours = self.files.get(DATABASE).is_some_and(|file| file.find_loss().is_none())
            && self.find_overwriting().is_none();
        if database_is_ours && loss.how == IS_GONE {
            return;
        }
        let kept = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        kept.map(drop).unwrap_or_else(|error| tracing::warn!(%error, "the log cannot be left alone"));
    }

    /// Call it after all connections were closed, and only then: it closes the file (see `private_file`).
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

    /// From now on, whoever asks. Returns what was lost first.
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
            // What cannot be read now is the disk's fault, and SQLite's to tell.
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
            // The file is there or not; it cannot be asked now.
            Err(_) => return None,
        };
        Some(Loss { path: self.path.clone(), how })
    }
}

impl Content {
    /// Of a database that this stamp was just written to.
    fn new(path: &Path, stamp: Stamp) -> Result<Self, StoreError> {
        let open = |path: &Path| File::open(path).map_err(|error| fault::unusable(path, &error));
        let (database, log) = (Arc::new(open(path)?), open(&fault::wal_of(path))?);
        // Not there yet when another program reads the file: then what is in it is not watched this time.
        let is_written = Stamp::of(&database).is_ok_and(|found| found == stamp);
        Ok(Self { database, log, stamp: is_written.then_some(stamp) })
    }
}

fn refusal(loss: &Loss, is_committed: bool) -> StoreError {
    StoreError::Moved { path: loss.path.clone(), how: loss.how, is_committed }
}
