//! The folder of the contents: each in a file whose name is its SHA-256, so that a picture that is sent ten times is there
//! once. `mod.rs` and `sweep` call it.
//!
//! `object_store` could do most of this, with its local back end; but it does not wait until a file is on the disk (fsync),
//! and brings an HTTP client for its others. So far a content is a file, and this is what a file needs.
//!
//! An upload always renames its own copy to the hash, also if a content is there: to look first and leave it would lose the
//! file when a removal comes in between. A removal moves the content aside, asks again whether a record has the hash, and
//! moves it back if so. The record of an upload is committed before its rename. So of an upload and a removal on any nodes,
//! either the upload renames last, or the removal's second question finds its record.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    FileError,
    disk::{check_room, run},
    incoming::{Incoming, Received},
    thumbnail,
};

/// Uploads that are on their way.
const INCOMING: &str = "incoming";
/// Contents that are being removed.
const REMOVING: &str = "removing";

/// Thumbnails of pictures, each under the hash of its picture.
const THUMBNAILS: &str = "thumbnails";

/// Age at which what a crash left in one of those two is looked after, where other nodes may be at work on it. A running
/// upload writes, and a running removal ends, within seconds.
const LEFT_AFTER: Duration = Duration::from_secs(600);

/// The folder of the contents.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    folder: PathBuf,
    /// Age at which a removal is one that did not end.
    aside_after: Duration,
}

/// A content that was moved aside.
pub(super) struct Aside {
    pub(super) hash: String,
    path: PathBuf,
}

impl Contents {
    /// Opens the folder and makes what is missing of it. Alone, what is on its way in it is of an earlier process.
    pub(super) fn open(folder: PathBuf, is_alone: bool) -> io::Result<Self> {
        let contents = Self { folder, aside_after: if is_alone { Duration::ZERO } else { LEFT_AFTER } };
        for part in [INCOMING, REMOVING] {
            fs::create_dir_all(contents.folder.join(part)).map_err(|error| contents.explain(&error))?;
        }
        if is_alone {
            remove_left(&contents.folder.join(INCOMING), Duration::ZERO)
                .map_err(|error| contents.explain(&error))?;
        }
        // Its names say which pictures are here; the contents themselves are private already.
        let private = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700);
        fs::set_permissions(&contents.folder, private).map_err(|error| contents.explain(&error))?;
        Ok(contents)
    }

    fn explain(&self, error: &io::Error) -> io::Error {
        let folder = self.folder.display();
        io::Error::new(
            error.kind(),
            format!("the folder of files {folder} cannot be used: {error}; see --files"),
        )
    }

    /// The path of a content. It may not be there.
    pub(super) fn path(&self, hash: &str) -> PathBuf {
        // A folder for each of the first two digits: some file systems are slow with a million names in one.
        self.folder.join(hash.get(..2).unwrap_or("00")).join(hash)
    }

    /// The path of the thumbnail of a picture. It may not be there.
    pub(super) fn thumbnail(&self, hash: &str) -> PathBuf {
        self.folder.join(THUMBNAILS).join(hash.get(..2).unwrap_or("00")).join(hash)
    }

    /// Draws the thumbnail of a picture, unless it is there. Blocks.
    pub(super) fn draw_thumbnail(&self, hash: &str) -> Result<(), FileError> {
        let path = self.thumbnail(hash);
        match path.exists() {
            true => Ok(()),
            false => Ok(thumbnail::draw(&self.path(hash), &path, &self.folder.join(INCOMING))?),
        }
    }

    /// Removes the thumbnails without a picture, of those whose hash begins with these two digits: a crash may leave one.
    pub(super) async fn remove_left_thumbnails(&self, first: u8) -> Result<(), FileError> {
        let contents = self.clone();
        run(move || {
            let folder = contents.folder.join(THUMBNAILS).join(format!("{first:02x}"));
            for hash in names_in(&folder)? {
                if !contents.path(&hash).exists() {
                    remove_if_there(&folder.join(&hash))?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Begins to receive a content, if the disk has room for it.
    pub(super) async fn begin(&self, min_free: u64, length: Option<u64>) -> Result<Incoming, FileError> {
        let folder = self.folder.join(INCOMING);
        run(move || {
            check_room(&folder, min_free, length.unwrap_or_default())?;
            Ok(Incoming::create(folder)?)
        })
        .await
    }

    /// Looks at a received picture.
    pub(super) async fn examine(&self, received: Received) -> Result<Received, FileError> {
        let folder = self.folder.join(INCOMING);
        run(move || received.examine(&folder)).await
    }

    /// Makes a received content durable under its hash. Its record is committed already.
    pub(super) async fn keep(&self, received: Received) -> Result<(), FileError> {
        let (folder, path) = (self.folder.clone(), self.path(&received.hash));
        run(move || {
            let parent = path.parent().expect("it has a folder");
            if !parent.is_dir() {
                fs::create_dir_all(parent)?;
                sync_folder(&folder)?;
            }
            received.persist(&path)?;
            Ok(sync_folder(parent)?)
        })
        .await
    }

    /// Moves a content aside; `None` if it is not there.
    pub(super) async fn set_aside(&self, hash: &str) -> Result<Option<Aside>, FileError> {
        let (hash, path) = (hash.to_owned(), self.path(hash));
        let aside = self.folder.join(REMOVING).join(format!("{hash}.{}", uuid::Uuid::new_v4().simple()));
        run(move || match fs::rename(&path, &aside) {
            Ok(()) => Ok(Some(Aside { hash, path: aside })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Ends a removal: puts the content back if it is needed after all. Otherwise its thumbnail goes with it.
    pub(super) async fn settle(&self, aside: Aside, is_needed: bool) -> Result<(), FileError> {
        let (path, thumbnail) = (self.path(&aside.hash), self.thumbnail(&aside.hash));
        run(move || {
            let done = match is_needed {
                true => fs::rename(&aside.path, &path),
                false => remove_if_there(&thumbnail).and_then(|()| fs::remove_file(&aside.path)),
            };
            match done {
                // Another node has looked after it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => Ok(other?),
            }
        })
        .await
    }

    /// Contents that were moved aside by a removal that did not end.
    pub(super) async fn left_aside(&self) -> Result<Vec<Aside>, FileError> {
        let (folder, age) = (self.folder.join(REMOVING), self.aside_after);
        run(move || {
            let aside = |path: PathBuf| {
                let hash = path.file_name()?.to_str()?.split('.').next()?.to_owned();
                Some(Aside { hash, path })
            };
            Ok(left_in(&folder, age)?.into_iter().filter_map(aside).collect())
        })
        .await
    }

    /// Removes uploads that did not end. Returns how many.
    pub(super) async fn remove_left_uploads(&self) -> Result<usize, FileError> {
        let folder = self.folder.join(INCOMING);
        run(move || Ok(remove_left(&folder, LEFT_AFTER)?)).await
    }

    /// The hashes of the contents whose first two digits are these.
    pub(super) async fn hashes_in(&self, first: u8) -> Result<Vec<String>, FileError> {
        let folder = self.folder.join(format!("{first:02x}"));
        run(move || Ok(names_in(&folder)?)).await
    }
}

/// The names in a folder, which need not be there.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    match fs::read_dir(folder) {
        Ok(entries) => {
            let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
            names.filter_map(io::Result::transpose).collect()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes the files in a folder that nothing has touched for this long. Returns how many.
fn remove_left(folder: &Path, age: Duration) -> io::Result<usize> {
    let left = left_in(folder, age)?;
    for path in &left {
        fs::remove_file(path)?;
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
        let touched = u64::try_from(metadata.ctime().max(metadata.mtime())).unwrap_or_default();
        if Duration::from_secs(touched).saturating_add(age) <= now {
            left.push(entry.path());
        }
    }
    Ok(left)
}

/// Waits until the names in a folder are on the disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
