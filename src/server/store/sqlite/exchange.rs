//! Puts a database and its keys in the place of what is there, all or nothing: what is there is kept in a folder, and
//! comes back if something fails. `restore` is the caller; it holds the lock on the mark, which stays where it is.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{fault, high_water_mark::HighWaterMark};
use crate::server::store::{StoreError, private_file};

/// See the module.
pub(super) struct Exchange<'a> {
    pub(super) database: &'a Path,
    /// Where the keys belong, and what they shall be.
    pub(super) keys: &'a [(PathBuf, String)],
    /// The folder for what was there; made if something was.
    pub(super) aside: &'a Path,
}

impl Exchange<'_> {
    /// Returns where what was there is kept. `None`: nothing was.
    pub(super) fn run(&self, new: NamedTempFile) -> Result<Option<PathBuf>, StoreError> {
        let keys = self.keys.iter().map(|(path, _)| path.clone());
        let is_something =
            self.files().into_iter().chain(keys).any(|file| fs::symlink_metadata(file).is_ok());
        if is_something {
            fs::create_dir(self.aside).map_err(|error| fault::unusable(self.aside, &error))?;
        }
        let absent: Vec<_> = self.keys.iter().map(|(path, _)| path).filter(|path| !path.exists()).collect();
        if is_something && let Err(error) = self.keep() {
            // The keys are as they were, and a copy of one may be cut.
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

    /// Copies the keys, which may be mounted one by one, and the mark; moves the database.
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

    /// As far as it goes: what cannot be brought back stays in the folder, and the log says so.
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
                tracing::error!(%error, "what was there could not be brought back: it is in {aside}");
            }
        }
    }

    /// Those that were there get their copies back, those that were not are removed.
    fn bring_back_keys(&self, absent: &[&PathBuf]) -> Vec<io::Result<()>> {
        let bring_back = |(path, _): &(PathBuf, String)| match absent.contains(&path) {
            true if path.exists() => fs::remove_file(path),
            true => Ok(()),
            false => fs::read(self.place_aside(path)).and_then(|key| write_key(path, &key)),
        };
        self.keys.iter().map(bring_back).collect()
    }
}

/// With its rights: they may be those of a key.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(drop)
}

/// In one go; in place only where the file cannot be replaced because it is mounted by itself. An unchanged key is not
/// written, so that it may be mounted read-only.
fn write_key(path: &Path, key: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there.trim_ascii() == key.trim_ascii()) {
        return Ok(());
    }
    match private_file::replace(path, key) {
        Err(error) if error.kind() == ErrorKind::ResourceBusy => fs::write(path, key),
        done => done,
    }
}
