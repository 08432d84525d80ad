//! Replaces a database and its keys, all or nothing: the existing files are moved or copied into a folder, and restored
//! if a step fails. `restore` is the caller; it holds the lock on the high-water mark, which stays in place.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{fault, high_water_mark::HighWaterMark};
use crate::server::store::{StoreError, private_file};

/// The files to replace.
pub(super) struct Exchange<'a> {
    pub(super) database: &'a Path,
    /// Paths and new contents of the keys.
    pub(super) keys: &'a [(PathBuf, String)],
    /// Folder for the existing files; created only if there are any.
    pub(super) aside: &'a Path,
}

impl Exchange<'_> {
    /// Puts `new` in the place of the database. Returns the folder that holds the previous files, or `None` if there
    /// were none.
    pub(super) fn run(&self, new: NamedTempFile) -> Result<Option<PathBuf>, StoreError> {
        let keys = self.keys.iter().map(|(path, _)| path.clone());
        let is_something =
            self.files().into_iter().chain(keys).any(|file| fs::symlink_metadata(file).is_ok());
        if is_something {
            fs::create_dir(self.aside).map_err(|error| fault::unusable(self.aside, &error))?;
        }
        let absent: Vec<_> = self.keys.iter().map(|(path, _)| path).filter(|path| !path.exists()).collect();
        if is_something && let Err(error) = self.keep() {
            // The keys are untouched, and the copy of one may be incomplete.
            self.bring_back(Vec::new);
            return Err(error);
        }
        if let Err(error) = self.place(new) {
            self.bring_back(|| self.bring_back_keys(&absent));
            return Err(error);
        }
        Ok(is_something.then(|| self.aside.to_owned()))
    }

    fn files(&self) -> [PathBuf; 3] {
        [self.database.to_owned(), fault::wal_of(self.database), fault::shm_of(self.database)]
    }

    fn place_aside(&self, file: &Path) -> PathBuf {
        self.aside.join(file.file_name().unwrap_or_default())
    }

    /// Copies the keys and the mark, and moves the database's files. The keys are not moved because each may be a mount
    /// of its own.
    fn keep(&self) -> Result<(), StoreError> {
        for (path, _) in self.keys.iter().filter(|(path, _)| path.exists()) {
            copy(path, &self.place_aside(path)).map_err(|error| fault::unusable(path, &error))?;
        }
        let mark = HighWaterMark::path_of(self.database);
        copy(&mark, &self.place_aside(&mark)).map_err(|error| fault::unusable(&mark, &error))?;
        for file in self.files() {
            match fs::rename(&file, self.place_aside(&file)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(fault::unusable(&file, &error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn place(&self, new: NamedTempFile) -> Result<(), StoreError> {
        for (path, key) in self.keys {
            write_key(path, key.as_bytes()).map_err(|error| fault::unusable(path, &error))?;
        }
        let placed = new.persist_noclobber(self.database).map_err(|refused| refused.error);
        placed
            .and_then(|_| private_file::sync_folder_of(self.database))
            .map_err(|error| fault::unusable(self.database, &error))
    }

    /// Restores the previous files as far as possible. A file that cannot be restored stays in the folder, and an error
    /// is logged.
    fn bring_back(&self, keys: impl FnOnce() -> Vec<io::Result<()>>) {
        let mut results = keys();
        for file in self.files() {
            let kept = self.place_aside(&file);
            if kept.exists() {
                results.push(fs::rename(kept, &file));
            }
        }
        match results.into_iter().find_map(Result::err) {
            None => drop(fs::remove_dir_all(self.aside)),
            Some(error) => {
                let aside = self.aside.display();
                tracing::error!(%error, "cannot restore the previous data: it is in {aside}");
            }
        }
    }

    /// Restores the copies of keys that existed, and removes keys that did not.
    fn bring_back_keys(&self, absent: &[&PathBuf]) -> Vec<io::Result<()>> {
        let bring_back = |(path, _): &(PathBuf, String)| match absent.contains(&path) {
            true if path.exists() => fs::remove_file(path),
            true => Ok(()),
            false => fs::read(self.place_aside(path)).and_then(|key| write_key(path, &key)),
        };
        self.keys.iter().map(bring_back).collect()
    }
}

/// Copies a file with its permissions, because it may be a key.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(drop)
}

/// Replaces the key file atomically; writes in place only if the file cannot be replaced because it is a mount point.
/// An unchanged key is not written, so it may be mounted read-only.
fn write_key(path: &Path, key: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there.trim_ascii() == key.trim_ascii()) {
        return Ok(());
    }
    match private_file::replace(path, key) {
        Err(error) if error.kind() == ErrorKind::ResourceBusy => fs::write(path, key),
        done => done,
    }
}
