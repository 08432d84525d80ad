//! Files that only their owner may read: keys, the database and its companions. A file is written completely or not at
//! all: to a temporary file in the same folder, synchronized, then renamed into place.
//!
//! The keys in `auth/secret.rs` and the SQLite store are the callers. Nothing here may open a file that SQLite has
//! open: closing it would drop SQLite's locks (see "How To Corrupt An SQLite Database File", 2.2).

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile, TempDir};

/// Name prefix of temporary files: the dot hides them, and the name tells whose file a crash left behind.
const TEMPORARY_PREFIX: &str = ".idobata-";

/// Mode of a new file: its owner may read and write it.
const PRIVATE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;
/// The permission bits of the group and of all others.
const OTHERS: u32 = 0o077;
/// The permission bits of those who are neither the owner nor in the group.
const WORLD: u32 = 0o007;

/// Creates the file. Returns false and leaves the file alone if it exists. Of concurrent callers exactly one creates
/// it.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match written_beside(path, bytes)?.persist_noclobber(path) {
        Ok(_) => sync_folder_of(path).map(|()| true),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(refused) => Err(refused.error),
    }
}

/// Creates the file, or replaces an existing one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    written_beside(path, bytes)?.persist(path).map_err(|refused| refused.error)?;
    sync_folder_of(path)
}

/// Creates a temporary folder in the folder of `path`, for files that a library keeps beside its own. Dropping it
/// removes it with its content.
pub(crate) fn temporary_folder_beside(path: &Path) -> io::Result<TempDir> {
    let mode = Permissions::from_mode(PRIVATE_FOLDER);
    Builder::new().prefix(TEMPORARY_PREFIX).permissions(mode).tempdir_in(folder_of(path))
}

/// Creates a temporary file with mode 0600 in the folder of `path`. Dropping it removes it.
pub(crate) fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .permissions(Permissions::from_mode(PRIVATE))
        .tempfile_in(folder_of(path))
}

fn written_beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = temporary_beside(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Synchronizes the folder of `path`, so that names created, replaced or removed in it are durable.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// The folder that contains `path`; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// `name` if it is free, or else the first free one of `name-2`, `name-3` …
pub(crate) fn unused(name: PathBuf) -> PathBuf {
    let others = (2..).map(|number| PathBuf::from(format!("{}-{number}", name.display())));
    std::iter::once(name.clone())
        .chain(others)
        .find(|name| fs::symlink_metadata(name).is_err())
        .unwrap_or(name)
}

/// Returns true if anyone but the owner may read or write the file.
pub(crate) fn is_open_to_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.mode() & OTHERS != 0)
}

/// Restricts an existing file to its owner if everyone has access to it. A file that is open only to its group stays
/// so, because the owner chose that. Does nothing if there is no file.
pub(crate) fn close_to_everybody(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.mode() & WORLD != 0 => {
            fs::set_permissions(path, Permissions::from_mode(PRIVATE))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Advice for the operator about a file that cannot be written.
pub(crate) fn advice(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk".to_owned(),
        io::ErrorKind::FileTooLarge => "raise the limit of the size of files (ulimit -f)".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => {
            "its file system is mounted read-only: mount it for writing".to_owned()
        }
        _ => ownership(path),
    }
}

/// Advice for the operator that compares the file's owner with the user of this process.
pub(crate) fn ownership(path: &Path) -> String {
    let owner = fs::metadata(path).or_else(|_| fs::metadata(folder_of(path))).map(|metadata| metadata.uid());
    // `/proc/self` is owned by the user that the process runs as.
    let own = fs::metadata("/proc/self").map(|metadata| metadata.uid());
    match (owner, own) {
        (Ok(owner), Ok(own)) if owner != own => {
            format!(
                "it belongs to user {owner}, and this program runs as user {own}: give it that user, or run as its owner"
            )
        }
        _ => "give the user that this program runs as the right to read and write it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn of_many_who_make_a_file_at_once_one_does_and_nothing_is_left_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let made: Vec<_> = thread::scope(|scope| {
            let makers: Vec<_> = (0..8_u8)
                .map(|n| {
                    scope.spawn({
                        let path = &path;
                        move || create(path, &[n; 64])
                    })
                })
                .collect();
            makers.into_iter().map(|maker| maker.join().expect("no panic").expect("answered")).collect()
        });
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        assert_eq!(fs::read(&path).expect("there").len(), 64);
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
        assert!(!is_open_to_others(&path).expect("there"));
    }

    #[test]
    fn what_everybody_may_read_is_closed_and_what_a_group_may_read_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        create(&path, b"x").expect("made");
        for (mode, after) in [(0o644, 0o600), (0o666, 0o600), (0o640, 0o640), (0o600, 0o600)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
            close_to_everybody(&path).expect("done");
            assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, after);
        }
        close_to_everybody(&folder.path().join("none")).expect("nothing to do");
    }
}
