//! Copies a database into one file, with its keys, while a server writes to it or not. `idobata backup` is the caller.
//!
//! The copy is that of one moment, because all of it is read in one transaction, and it ends however much is written
//! meanwhile: SQLite's own backup begins anew at each write of another process only when nothing holds its source still.
//! What it costs is that the server's log (`-wal`) is not begun anew until the copy is done; `--max-wal` bounds that.

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
    BUSY_TIMEOUT, fault,
    high_water_mark::HighWaterMark,
    opening::{self, Lenience},
    schema,
    stamp::Stamp,
    writes,
};
use crate::server::store::{StoreError, private_file};

/// Pages that are copied at once: 4 MB, some milliseconds.
const STEP_PAGES: i32 = 1_024;
/// Instructions of SQLite's between two questions whether to go on: some milliseconds.
const CHECK_STEP: i32 = 10_000;
/// How long to wait when the file is locked for a moment.
const PAUSE: Duration = Duration::from_millis(20);

/// What makes a file a backup: made when and by what, with how many entries, and the keys.
pub(super) const TABLE: &str = "idobata_backup";
/// How a key's row is named.
pub(super) const KEY_PREFIX: &str = "key:";

/// What is to be copied, and where to.
#[derive(Clone, Debug)]
pub struct BackupJob {
    /// The database.
    pub database: PathBuf,
    /// The files of the keys beside it; those that are not there are left out.
    pub keys: Vec<PathBuf>,
    /// The file to make.
    pub to: PathBuf,
    /// Replace the file if there is one.
    pub force: bool,
    /// When it is made, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Set it to end the work; what was begun is removed.
    pub is_stopped: Arc<AtomicBool>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// Bytes that were copied.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Entries that were ever appended, also those that retention removed.
    pub entries: u64,
    /// How large the file is.
    pub bytes: u64,
    /// How many keys are in it.
    pub keys: usize,
}

impl BackupJob {
    /// Does it, and tells how far it is. Blocks. When it fails there is no file.
    pub fn run(&self, progress: impl FnMut(CopyProgress)) -> Result<BackedUp, StoreError> {
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
        self.copy(progress).map_err(|error| match &error {
            StoreError::Sqlite(cause) if fault::is_of_writing(cause) => fault::of_sqlite(&self.to, error),
            _ => fault::of_sqlite(&self.database, error),
        })
    }

    fn copy(&self, progress: impl FnMut(CopyProgress)) -> Result<BackedUp, StoreError> {
        let source = open_source(&self.database).map_err(|error| fault::of_sqlite(&self.database, error))?;
        // From here on the connection sees the database as it is now.
        source.execute_batch("BEGIN")?;
        let entries = writes::count_entries(&source)?;
        self.expect_whole(writes::count(&source)?)?;
        let unusable = |error: io::Error| fault::unusable(&self.to, &error);
        let folder = private_file::temporary_folder_beside(&self.to).map_err(unusable)?;
        let file = private_file::temporary_beside(&folder.path().join("copy")).map_err(unusable)?;
        let mut copy = Connection::open(file.path())?;
        copy_pages(&source, &mut copy, &self.is_stopped, progress)?;
        drop(source);
        let keys = self.describe(&mut copy, entries)?;
        expect_intact(&mut copy, &self.database, &self.is_stopped)?;
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

    /// Whether a file, by whatever name, is one of those that are read or that stand beside them.
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

    /// To open a database beside another one's log is to play that log into it, for good. A start puts it aside.
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

    /// `None`: a server has the database.
    fn mark_unless_served(&self) -> Result<Option<HighWaterMark>, StoreError> {
        match HighWaterMark::lock(&self.database) {
            Ok(mark) => Ok(Some(mark)),
            Err(StoreError::InUse) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Nobody wants a backup of a database that lost its end without a word. While a server has it, the server looks.
    fn expect_whole(&self, written: u64) -> Result<(), StoreError> {
        let Some(mark) = self.mark_unless_served()? else { return Ok(()) };
        let marked = mark.read();
        mark.discard();
        let strict = Lenience { make: false, accept_loss: false };
        opening::expect_no_loss(&self.database, marked?, written, strict)
    }

    /// Writes the table that makes it a backup. Returns how many keys are in it.
    fn describe(&self, copy: &mut Connection, entries: u64) -> Result<usize, StoreError> {
        // One file, without a log beside it.
        copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        // Copied by hand over a database that was killed, it must not be taken for the one its log belongs to.
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

/// Opens a database to read it. Not read-only: where no server runs, the log that a crash left has to be read, and what
/// SQLite keeps beside the file has to be made and removed.
fn open_source(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(path, flags)?;
    source.busy_timeout(BUSY_TIMEOUT)?;
    if !schema::has_topics(&source)? {
        return Err(fault::foreign(path));
    }
    Ok(source)
}

/// Fails once somebody wants the work to end.
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
            // Of the source, by who begins its log anew.
            _ => thread::sleep(PAUSE),
        }
    }
}

/// Reads all of it, and compares what is in the tables with the indexes.
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
