//! Copies a database and its keys into one file, with or without a running server. `idobata backup` is the caller.
//!
//! The copy shows one instant, because one read transaction covers all of it, and it ends however much is written
//! meanwhile: SQLite's backup API starts over at each write of another process only if no transaction holds its source.
//! The price is that the server cannot restart its WAL until the copy is done; `--max-wal` bounds the growth.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
    params,
};

use super::{
    BUSY_TIMEOUT,
    content_list::ContentList,
    fault,
    high_water_mark::HighWaterMark,
    opening::{self, Lenience},
    schema,
    stamp::Stamp,
    writes,
};
use crate::server::store::{StoreError, private_file};

/// Pages per step of the copy: 4 MB, some milliseconds.
const STEP_PAGES: i32 = 1_024;
/// SQLite instructions between two checks for an interruption: some milliseconds.
const CHECK_STEP: i32 = 10_000;
/// Pause before the next attempt when the file is briefly locked.
const PAUSE: Duration = Duration::from_millis(20);

/// Table that marks a file as a backup: the time, the program's version, the number of entries, and the keys.
pub(super) const TABLE: &str = "idobata_backup";
/// Name prefix of a key's row.
pub(super) const KEY_PREFIX: &str = "key:";
/// Name prefix of the row of a content that was removed while the backup was made.
pub(super) const GONE_PREFIX: &str = "gone:";

/// A backup to make.
#[derive(Clone, Debug)]
pub struct BackupJob {
    /// The database to copy.
    pub database: PathBuf,
    /// Key files to include; missing ones are skipped.
    pub keys: Vec<PathBuf>,
    /// The file to create.
    pub to: PathBuf,
    /// Replaces an existing file.
    pub force: bool,
    /// Time of the backup, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Set to interrupt the work; the partial file is removed.
    pub is_stopped: Arc<AtomicBool>,
}

/// Progress of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// Bytes copied so far.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Summary of a finished backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Entries ever appended, including those that retention removed.
    pub entries: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Number of keys in it.
    pub keys: usize,
}

impl BackupJob {
    /// Makes the backup and reports progress. Blocks. If it fails, no file is left.
    ///
    /// `copy_contents` is called before the file is put in place, with the contents that the copy needs, and with those
    /// that the database itself needs by then. It returns the hashes of those that were removed in between, which the
    /// backup remembers; if it fails, so does the backup.
    pub fn run(
        &self,
        progress: impl FnMut(CopyProgress),
        copy_contents: impl FnOnce(&ContentList<'_>, &ContentList<'_>) -> Result<Vec<String>, StoreError>,
    ) -> Result<BackedUp, StoreError> {
        if !self.force && fs::symlink_metadata(&self.to).is_ok() {
            return Err(self.is_there());
        }
        if self.is_source(&self.to) {
            return Err(fault::fault(&self.to, "is what is to be backed up: choose another name"));
        }
        if !self.database.is_file() {
            return Err(fault::fault(&self.database, "is not there: nothing to back up (see --data)"));
        }
        self.expect_own_log()?;
        self.copy(progress, copy_contents).map_err(|error| match &error {
            StoreError::Sqlite(cause) if fault::is_of_writing(cause) => fault::of_sqlite(&self.to, error),
            _ => fault::of_sqlite(&self.database, error),
        })
    }

    fn copy(
        &self,
        progress: impl FnMut(CopyProgress),
        copy_contents: impl FnOnce(&ContentList<'_>, &ContentList<'_>) -> Result<Vec<String>, StoreError>,
    ) -> Result<BackedUp, StoreError> {
        let source = open_source(&self.database).map_err(|error| fault::of_sqlite(&self.database, error))?;
        // From here on the connection sees the database as it is at this instant.
        source.execute_batch("BEGIN")?;
        let entries = writes::count_entries(&source)?;
        self.expect_whole(writes::count(&source)?)?;
        let unusable = |error: io::Error| fault::unusable(&self.to, &error);
        let folder = private_file::temporary_folder_beside(&self.to).map_err(unusable)?;
        let file = private_file::temporary_beside(&folder.path().join("copy")).map_err(unusable)?;
        let mut copy = Connection::open(file.path())?;
        copy_pages(&source, &mut copy, &self.is_stopped, progress)?;
        // The log of the server goes on without it.
        source.execute_batch("COMMIT")?;
        let keys = self.describe(&mut copy, entries)?;
        expect_intact(&mut copy, &self.database, &self.is_stopped)?;
        let gone = copy_contents(&ContentList::of(&copy)?, &ContentList::of(&source)?)?;
        note_gone(&copy, &gone)?;
        drop(source);
        copy.close().map_err(|(_, error)| error)?;
        file.as_file().sync_all().map_err(unusable)?;
        let bytes = file.as_file().metadata().map_err(unusable)?.len();
        expect_going_on(&self.is_stopped)?;
        let placed = if self.force { file.persist(&self.to) } else { file.persist_noclobber(&self.to) };
        placed.map_err(|refused| match refused.error.kind() {
            io::ErrorKind::AlreadyExists => self.is_there(),
            _ => unusable(refused.error),
        })?;
        private_file::sync_folder_of(&self.to).map_err(unusable)?;
        Ok(BackedUp { entries, bytes, keys })
    }

    /// Returns true if `file` is, under whatever name, the database, a file beside it, or one of the keys.
    fn is_source(&self, file: &Path) -> bool {
        let database = &self.database;
        let files = [
            database.clone(),
            fault::wal_of(database),
            fault::shm_of(database),
            HighWaterMark::path_of(database),
        ];
        let is_same = |source: &PathBuf| {
            fs::canonicalize(source)
                .is_ok_and(|source| fs::canonicalize(file).is_ok_and(|file| file == source))
        };
        files.iter().chain(&self.keys).any(is_same)
    }

    fn is_there(&self) -> StoreError {
        fault::fault(&self.to, "is there already: choose another name, or replace it with --force")
    }

    /// Fails if the WAL beside the database belongs to another database: opening would play it back, which damages the
    /// database for good. The next start of the server moves it aside.
    fn expect_own_log(&self) -> Result<(), StoreError> {
        let Some(mark) = self.mark_unless_served()? else { return Ok(()) };
        let marked = mark.read();
        mark.discard();
        match opening::has_strange_log(&self.database, marked?) {
            true => Err(fault::fault(
                &self.database,
                "is not the database that the log (-wal) beside it belongs to: start idobata once, which puts the log \
                 aside, or restore a backup",
            )),
            false => Ok(()),
        }
    }

    /// Locks the high-water mark. `None` if a server uses the database.
    fn mark_unless_served(&self) -> Result<Option<HighWaterMark>, StoreError> {
        match HighWaterMark::lock(&self.database) {
            Ok(mark) => Ok(Some(mark)),
            Err(StoreError::InUse) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Fails if the database has fewer writes than were acknowledged: a backup must not silently lack them. A running
    /// server checks this itself.
    fn expect_whole(&self, written: u64) -> Result<(), StoreError> {
        let Some(mark) = self.mark_unless_served()? else { return Ok(()) };
        let marked = mark.read();
        mark.discard();
        let strict = Lenience { make: false, accept_loss: false };
        opening::expect_no_loss(&self.database, marked?, written, strict)
    }

    /// Writes the table [`TABLE`], which marks the copy as a backup. Returns the number of keys in it.
    fn describe(&self, copy: &mut Connection, entries: u64) -> Result<usize, StoreError> {
        // The backup is a single file without a WAL beside it.
        copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        // With a stamp of its own: if someone copies the backup over a killed database, the WAL there must not be taken
        // for the backup's.
        Stamp::new().write(copy)?;
        let all = copy.transaction()?;
        all.execute_batch(&format!(
            "DROP TABLE IF EXISTS {TABLE};
             CREATE TABLE {TABLE} (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
        ))?;
        let insert = format!("INSERT INTO {TABLE} VALUES (?1, ?2)");
        all.execute(&insert, params!["version", env!("CARGO_PKG_VERSION")])?;
        all.execute(&insert, params!["made_ms", self.now_ms.to_string()])?;
        all.execute(&insert, params!["entries", entries.to_string()])?;
        let mut count = 0;
        for path in &self.keys {
            match fs::read_to_string(path) {
                Ok(key) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    count += all.execute(&insert, params![format!("{KEY_PREFIX}{name}"), key])?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(fault::unusable(path, &error)),
            }
        }
        all.commit()?;
        Ok(count)
    }
}

/// Notes in a backup that these contents are missing rightly.
fn note_gone(copy: &Connection, gone: &[String]) -> Result<(), StoreError> {
    let mut insert = copy.prepare(&format!("INSERT INTO {TABLE} VALUES (?1, '')"))?;
    for hash in gone {
        insert.execute([format!("{GONE_PREFIX}{hash}")])?;
    }
    Ok(())
}

/// Opens a database for reading. Not in read-only mode: if no server runs, the WAL that a crash left has to be played
/// back, and SQLite creates and removes its files beside the database.
fn open_source(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(path, flags)?;
    source.busy_timeout(BUSY_TIMEOUT)?;
    if !schema::has_topics(&source)? {
        return Err(fault::foreign(path));
    }
    Ok(source)
}

/// Fails with [`StoreError::Interrupted`] once `is_stopped` is set.
pub(super) fn expect_going_on(is_stopped: &AtomicBool) -> Result<(), StoreError> {
    if is_stopped.load(Relaxed) { Err(StoreError::Interrupted) } else { Ok(()) }
}

/// Copies every page as the source's transaction sees it.
pub(super) fn copy_pages(
    source: &Connection,
    copy: &mut Connection,
    is_stopped: &AtomicBool,
    mut progress: impl FnMut(CopyProgress),
) -> Result<(), StoreError> {
    let page_bytes: u64 = source.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let backup = Backup::new(source, copy)?;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let pages = backup.progress();
        let bytes = |pages: i32| u64::try_from(pages).unwrap_or_default() * page_bytes;
        let copied =
            CopyProgress { done: bytes(pages.pagecount - pages.remaining), total: bytes(pages.pagecount) };
        progress(copied);
        expect_going_on(is_stopped)?;
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // The source is busy or locked: another process is restarting the WAL.
            _ => thread::sleep(PAUSE),
        }
    }
}

/// Runs SQLite's integrity check, which reads every page and compares tables with their indexes. Fails if it finds
/// damage.
pub(super) fn expect_intact(
    copy: &mut Connection,
    of: &Path,
    is_stopped: &Arc<AtomicBool>,
) -> Result<(), StoreError> {
    let asked = is_stopped.clone();
    copy.progress_handler(CHECK_STEP, Some(move || asked.load(Relaxed)))?;
    let found = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    copy.progress_handler(0, None::<fn() -> bool>)?;
    expect_going_on(is_stopped)?;
    let found = found?;
    if found == "ok" {
        return Ok(());
    }
    Err(fault::fault(of, format!("is damaged ({}): use a backup that is whole", found.replace('\n', " "))))
}
