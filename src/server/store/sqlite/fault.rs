//! Errors about a database's files, with messages that name the file and the fix. Most of this folder calls it,
//! `opening`, `backup` and `restore` above all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

use crate::server::store::{StoreError, private_file};

/// The first bytes of every SQLite file.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// An error about the file at `path`; `what` continues the sentence after the path.
pub(super) fn fault(path: &Path, what: impl Into<String>) -> StoreError {
    StoreError::File { path: path.to_owned(), fault: what.into() }
}

/// The error for a file that the operating system does not let us use.
pub(super) fn unusable(path: &Path, error: &io::Error) -> StoreError {
    let what = match error.kind() {
        ErrorKind::IsADirectory => {
            "is a folder, and a file is wanted: move it away, or choose another --data".to_owned()
        }
        ErrorKind::NotFound => {
            format!("cannot be made: there is no folder {}", private_file::folder_of(path).display())
        }
        ErrorKind::PermissionDenied => {
            format!("cannot be used ({error}): {}", private_file::advice(path, error))
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("cannot be written ({error}): {}", private_file::advice(path, error))
        }
        _ => format!("cannot be used: {error}"),
    };
    fault(path, what)
}

/// The error for a file that is not a database of idobata.
pub(super) fn foreign(path: &Path) -> StoreError {
    fault(
        path,
        "is not a database of idobata: move it away, put the right file in its place (`idobata restore FILE`), or \
         choose another folder with --data",
    )
}

/// Adds the fix to an error that says the database is damaged; returns any other error unchanged.
pub(super) fn of_damage(path: &Path, error: StoreError) -> StoreError {
    match &error {
        StoreError::Sqlite(cause) if cause.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            of_sqlite(path, error)
        }
        _ => error,
    }
}

/// Returns true if SQLite could not write a file, false if the content of one is wrong.
pub(super) fn is_of_writing(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
    let code = error.sqlite_error_code();
    code.is_some_and(|code| {
        matches!(code, CannotOpen | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure)
    })
}

/// Turns an SQLite error into one that names the file and the fix.
pub(super) fn of_sqlite(path: &Path, error: StoreError) -> StoreError {
    let StoreError::Sqlite(error) = error else { return error };
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => return foreign(path),
        Some(ErrorCode::DatabaseCorrupt) => format!(
            "is damaged ({error}): put a backup in its place with `idobata restore FILE`, which keeps the damaged file"
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("is held by another program ({error}): end it, `fuser -v {}` names it", path.display())
        }
        Some(ErrorCode::DiskFull) => "cannot be written: make room on the disk".to_owned(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            format!("or a file beside it cannot be written ({error}): {}", private_file::ownership(path))
        }
        _ => format!("cannot be used: {error}"),
    };
    fault(path, what)
}

/// Checks the database file, and those that SQLite keeps beside it, before SQLite opens them. Returns false if the
/// database does not exist.
///
/// SQLite must not have it open in this process (see `private_file`).
pub(super) fn inspect(path: &Path) -> Result<bool, StoreError> {
    for beside in [wal_of(path), shm_of(path)] {
        if fs::symlink_metadata(&beside).is_ok() {
            open(&beside).map_err(|error| unusable(&beside, &error))?;
        }
    }
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
            return Ok(false);
        }
        Err(error) => return Err(unusable(path, &error)),
    };
    let mut begin = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut begin).map_err(|error| unusable(path, &error))?;
    // An empty file is an empty database.
    if begin.is_empty() || begin == MAGIC { Ok(true) } else { Err(foreign(path)) }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Path of the WAL that SQLite keeps beside a database.
pub(super) fn wal_of(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

/// Path of the WAL's index.
pub(super) fn shm_of(path: &Path) -> PathBuf {
    with_suffix(path, "-shm")
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
