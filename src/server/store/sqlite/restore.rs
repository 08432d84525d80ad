//! Replaces a database and its keys with those of a backup. `idobata restore` is the caller.
//!
//! All steps that take long or often fail work on a copy beside the database: reading, checking, setting new epochs.
//! Then the existing files are moved aside, none of them is deleted, and one rename puts the copy in place. A crash in
//! between leaves a folder on which a server refuses to start, because the high-water mark is ahead of the database.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    BUSY_TIMEOUT,
    backup::{CopyProgress, GONE_PREFIX, KEY_PREFIX, TABLE, copy_pages, expect_going_on, expect_intact},
    content_list::ContentList,
    exchange::Exchange,
    fault,
    high_water_mark::HighWaterMark,
    opening, schema, writes,
};
use crate::server::store::{StoreError, private_file};

/// A restore to perform.
#[derive(Clone, Debug)]
pub struct RestoreJob {
    /// A backup, or a plain copy of a database.
    pub from: PathBuf,
    /// The database to replace or to create.
    pub database: PathBuf,
    /// Paths of the keys; a key in the backup is restored only if its file name is among these.
    pub keys: Vec<PathBuf>,
    /// The folder to create for the existing files.
    pub aside: PathBuf,
    /// Set to interrupt the work; partial files are removed.
    pub is_stopped: Arc<AtomicBool>,
}

/// Summary of a finished restore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Entries ever appended, including those that retention had removed.
    pub entries: u64,
    /// Time of the backup, in milliseconds since the Unix epoch, and the version that made it. `None` for a plain copy.
    pub made: Option<(i64, String)>,
    /// Number of restored keys.
    pub keys: usize,
    /// The folder with the previous files, if there were any.
    pub aside: Option<PathBuf>,
}

/// The summary, the keys with their paths, and the hashes of contents that are missing rightly.
type Prepared = (Restored, Vec<(PathBuf, String)>, HashSet<String>);

impl RestoreJob {
    /// Restores the backup and reports progress. Blocks. Fails with [`StoreError::InUse`] while a server uses the
    /// database. A failure changes nothing.
    ///
    /// `copy_contents` is called with the contents that the backup needs, before anything is replaced; if it fails, so does
    /// the restore.
    pub fn run(
        &self,
        progress: impl FnMut(CopyProgress),
        copy_contents: impl FnOnce(&ContentList<'_>) -> Result<(), StoreError>,
    ) -> Result<Restored, StoreError> {
        let source = self.open_source().map_err(|error| self.of_backup(error))?;
        let folder = private_file::folder_of(&self.database);
        fs::create_dir_all(&folder).map_err(|error| fault::unusable(&folder, &error))?;
        let mark = HighWaterMark::lock(&self.database)?;
        match self.restore(&source, &mark, progress, copy_contents) {
            Ok(restored) => Ok(restored),
            Err(error) => {
                mark.discard();
                Err(error)
            }
        }
    }

    fn restore(
        &self,
        source: &Connection,
        mark: &HighWaterMark,
        progress: impl FnMut(CopyProgress),
        copy_contents: impl FnOnce(&ContentList<'_>) -> Result<(), StoreError>,
    ) -> Result<Restored, StoreError> {
        let unusable = |error: io::Error| fault::unusable(&self.database, &error);
        let folder = private_file::temporary_folder_beside(&self.database).map_err(unusable)?;
        let file = private_file::temporary_beside(&folder.path().join("copy")).map_err(unusable)?;
        let mut copy = Connection::open(file.path())?;
        copy_pages(source, &mut copy, &self.is_stopped, progress).map_err(|error| self.of_backup(error))?;
        let (mut restored, keys, gone) = self.prepare(&mut copy).map_err(|error| self.of_backup(error))?;
        let written = writes::count(&copy)?;
        copy_contents(&ContentList::of(&copy)?.without(gone))?;
        copy.close().map_err(|(_, error)| error)?;
        file.as_file().sync_all().map_err(unusable)?;
        expect_going_on(&self.is_stopped)?;
        let (database, aside) = (&*self.database, &*self.aside);
        restored.aside = Exchange { database, keys: &keys, aside }.run(file)?;
        mark.begin(written, None)?;
        Ok(restored)
    }

    fn open_source(&self) -> Result<Connection, StoreError> {
        let same = fs::canonicalize(&self.from).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => fault::fault(&self.from, "is not there: name the file of a backup"),
            _ => fault::unusable(&self.from, &error),
        })?;
        if same.is_dir() {
            return Err(fault::fault(&self.from, "is a folder: name the file of a backup"));
        }
        if fs::canonicalize(&self.database).is_ok_and(|database| database == same) {
            return Err(fault::fault(&self.from, "is the database itself: name the file of a backup"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let source = Connection::open_with_flags(&self.from, flags)?;
        source.busy_timeout(BUSY_TIMEOUT)?;
        if !schema::has_topics(&source)? {
            return Err(fault::fault(
                &self.from,
                "is not a backup of idobata: name a file that `idobata backup` made",
            ));
        }
        schema::expect_known(&source)?;
        Ok(source)
    }

    /// Turns an SQLite error into one that names the file at fault, the backup or the database, and the fix.
    fn of_backup(&self, error: StoreError) -> StoreError {
        match &error {
            StoreError::Sqlite(cause) => match cause.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    fault::fault(&self.from, format!("is damaged, or no backup ({cause}): use another one"))
                }
                _ if fault::is_of_writing(cause) => fault::of_sqlite(&self.database, error),
                _ => fault::of_sqlite(&self.from, error),
            },
            _ => error,
        }
    }

    /// Makes a working database of the copy: checks it, removes the backup's table, and sets new epochs because history
    /// went back. Returns with it the keys of the backup with their paths, and the hashes of the contents that are missing in it
    /// rightly.
    fn prepare(&self, copy: &mut Connection) -> Result<Prepared, StoreError> {
        copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        expect_intact(copy, &self.from, &self.is_stopped)?;
        let rows = rows_of(copy)?;
        // Overwrite freed pages with zeros, so that the keys do not stay in them.
        copy.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
        copy.execute_batch(&format!("DROP TABLE IF EXISTS {TABLE}"))?;
        opening::renew_epochs(copy)?;
        let key_of = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?;
            Some((path.clone(), rows.get(&format!("{KEY_PREFIX}{name}"))?.clone()))
        };
        let keys: Vec<_> = self.keys.iter().filter_map(key_of).collect();
        let made_ms = rows.get("made_ms").and_then(|text| text.parse().ok());
        let made = made_ms.map(|made_ms| (made_ms, rows.get("version").cloned().unwrap_or_default()));
        let entries = writes::count_entries(copy)?;
        let gone = rows.keys().filter_map(|name| name.strip_prefix(GONE_PREFIX));
        let gone = gone.map(str::to_owned).collect();
        Ok((Restored { entries, made, keys: keys.len(), aside: None }, keys, gone))
    }
}

/// The rows of the table that marks a backup. Empty for a plain copy.
fn rows_of(copy: &Connection) -> Result<HashMap<String, String>, StoreError> {
    let select = "SELECT count(*) = 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    if !copy.query_row(select, [TABLE], |row| row.get::<_, bool>(0))? {
        return Ok(HashMap::new());
    }
    let mut select = copy.prepare(&format!("SELECT name, value FROM {TABLE}"))?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
