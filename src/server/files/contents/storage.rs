//! The place of the contents: a folder or a bucket, which do the same by the same names. `contents` calls it. What a name
//! stands for it does not know.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use super::{Reading, bucket::Bucket, folder::Folder};
use crate::server::files::FileError;

/// The place.
#[derive(Clone, Debug)]
pub(super) enum Storage {
    Folder(Folder),
    Bucket(Bucket),
}

impl Storage {
    pub(super) async fn read(
        &self,
        path: &str,
        part: Option<Range<u64>>,
    ) -> Result<Option<Reading>, FileError> {
        match self {
            Self::Folder(folder) => folder.read(path, part).await,
            Self::Bucket(bucket) => bucket.read(path, part).await,
        }
    }

    pub(super) async fn put(&self, path: &str, from: tempfile::TempPath) -> Result<(), FileError> {
        match self {
            Self::Folder(folder) => folder.put(path, from).await,
            Self::Bucket(bucket) => bucket.put(path, from).await,
        }
    }

    /// An object as a file of this machine; `None` if it is not there.
    pub(super) async fn on_disk(&self, path: &str, incoming: &Path) -> Result<Option<OnDisk>, FileError> {
        match self {
            Self::Folder(folder) => Ok(Some(OnDisk::Itself(folder.path(path)))),
            Self::Bucket(bucket) => Ok(bucket.fetch(path, incoming).await?.map(OnDisk::Copy)),
        }
    }

    /// Gives an object another path, in place of what may be there; false if it is not there.
    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<bool, FileError> {
        match self {
            Self::Folder(folder) => folder.rename(from, to).await,
            Self::Bucket(bucket) => bucket.rename(from, to).await,
        }
    }

    /// Removes an object, which need not be there.
    pub(super) async fn remove(&self, path: &str) -> Result<(), FileError> {
        match self {
            Self::Folder(folder) => folder.remove(path).await,
            Self::Bucket(bucket) => bucket.remove(path).await,
        }
    }

    /// The names of the objects right below a path.
    pub(super) async fn names_in(&self, path: &str) -> Result<Vec<String>, FileError> {
        match self {
            Self::Folder(folder) => folder.names_in(path).await,
            Self::Bucket(bucket) => bucket.names_in(path).await,
        }
    }
}

/// An object as a file of this machine, for as long as this is there.
pub(super) enum OnDisk {
    Itself(PathBuf),
    Copy(tempfile::TempPath),
}

impl AsRef<Path> for OnDisk {
    fn as_ref(&self) -> &Path {
        match self {
            Self::Itself(path) => path,
            Self::Copy(path) => path,
        }
    }
}
