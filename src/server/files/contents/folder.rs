//! Contents in a folder: of this machine, or one that several reach. `contents` calls it.
//!
//! `object_store` has a local back end as well; but it does not wait until a file is on the disk (fsync).

use std::{
    fs, io,
    ops::Range,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use futures_util::StreamExt;
use tempfile::TempPath;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{REMOVING, Reading};
use crate::server::files::{FileError, disk::run};

/// Bytes that are read at once while a content is sent: a few for each system call, and little for each reader.
const CHUNK: usize = 64 * 1024;

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes what is missing of the folder.
    pub(super) fn make(root: &Path) -> io::Result<()> {
        fs::create_dir_all(root.join(REMOVING))?;
        // Its names say which pictures are here; the contents themselves are private already.
        fs::set_permissions(root, fs::Permissions::from_mode(0o700))
    }

    /// The folder, which need not be there.
    pub(super) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Moves a file on the disk into its place.
    pub(super) async fn put(&self, path: &str, from: TempPath) -> Result<(), FileError> {
        let (root, path) = (self.root.clone(), self.path(path));
        run(move || {
            let parent = path.parent().expect("it has a folder");
            if !parent.is_dir() {
                fs::create_dir_all(parent)?;
                sync_folder(&root)?;
            }
            from.persist(&path).map_err(io::Error::from)?;
            Ok(sync_folder(parent)?)
        })
        .await
    }

    pub(super) async fn read(
        &self,
        path: &str,
        part: Option<Range<u64>>,
    ) -> Result<Option<Reading>, FileError> {
        let mut file = match tokio::fs::File::open(self.path(path)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let size = file.metadata().await?.len();
        let part = part.unwrap_or(0..size);
        file.seek(io::SeekFrom::Start(part.start)).await?;
        let length = part.end.saturating_sub(part.start);
        Ok(Some(Reading { size, bytes: ReaderStream::with_capacity(file.take(length), CHUNK).boxed() }))
    }

    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<bool, FileError> {
        let (from, to) = (self.path(from), self.path(to));
        run(move || match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            done => Ok(done.map(|()| true)?),
        })
        .await
    }

    /// Gives a file a second name in a folder that is made for it, or copies it where the file system has no such names.
    pub(super) async fn link(&self, from: &str, to: &str) -> Result<(), FileError> {
        let (from, to) = (self.path(from), self.path(to));
        run(move || {
            fs::create_dir_all(to.parent().expect("it has a folder"))?;
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to)?;
                fs::File::open(&to)?.sync_all()?;
            }
            Ok(())
        })
        .await
    }

    /// Waits until a folder and the names in it are on the disk.
    pub(super) async fn sync(&self, path: &str) -> Result<(), FileError> {
        let (root, path) = (self.root.clone(), self.path(path));
        run(move || Ok(sync_folder(&path).and_then(|()| sync_folder(&root))?)).await
    }

    /// Removes a folder that has nothing in it. It need not be there.
    pub(super) fn remove_empty(&self, path: &str) -> Result<(), FileError> {
        match fs::remove_dir(self.path(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => Ok(removed?),
        }
    }

    pub(super) async fn remove(&self, path: &str) -> Result<(), FileError> {
        let path = self.path(path);
        run(move || Ok(remove_if_there(&path)?)).await
    }

    pub(super) async fn names_in(&self, path: &str) -> Result<Vec<String>, FileError> {
        let path = self.path(path);
        run(move || match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => {
                let names = entries?.map(|entry| Ok(entry?.file_name().into_string().ok()));
                Ok(names.filter_map(io::Result::transpose).collect::<io::Result<_>>()?)
            }
        })
        .await
    }
}

/// Removes the files in a folder that nothing has touched for this long. Returns how many.
pub(super) fn remove_left(folder: &Path, age: Duration) -> io::Result<usize> {
    let left = left_in(folder, age)?;
    for path in &left {
        remove_if_there(path)?;
    }
    Ok(left.len())
}

/// The files in a folder that nothing has touched for this long: neither what is in them nor their names.
fn left_in(folder: &Path, age: Duration) -> io::Result<Vec<PathBuf>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut left = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            continue;
        }
        let touched = u64::try_from(metadata.ctime().max(metadata.mtime())).unwrap_or_default();
        if Duration::from_secs(touched).saturating_add(age) <= now {
            left.push(entry.path());
        }
    }
    Ok(left)
}

/// Removes a file, which need not be there.
pub(in crate::server::files) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Waits until the names in a folder are on the disk.
pub(in crate::server::files) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
