//! The contents of files: each under its SHA-256, so that a picture that is sent ten times is there once. `files` and its
//! `sweep` call it.
//!
//! * `folder`: a folder of this machine, or one that several reach
//! * `bucket`: a bucket of an S3 service
//! * `http_client`: the requests to it
//! * `storage`: either of the two
//!
//! An upload always puts its own copy in place, also if a content is there: to look first and leave it would lose the
//! file when a removal comes in between. A removal moves the content aside, asks again whether a record has the hash, and
//! moves it back if so. The record of an upload is committed before its content is put in place. So of an upload and a
//! removal on any nodes, either the upload comes last, or the removal's second question finds its record.
//!
//! A removal that ended in the middle, by a crash or a database that failed, is ended by the next sweep of any node. Every
//! question about a content that was moved aside comes after the move, so whoever asks gets an answer that is good, and to
//! do the same twice does no harm. In a bucket the move itself has two steps, and between them a content must not be
//! removed: there a node ends its own removals at once, and those of others only when they are old.

mod bucket;
mod folder;
mod http_client;
mod storage;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, fs, io, ops::Range, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use parking_lot::Mutex;

pub(super) use self::folder::{remove_if_there, sync_folder};
use self::{bucket::Bucket, folder::Folder, storage::Storage};
use super::{
    FileError,
    disk::{check_room, run},
    incoming::{Incoming, Received},
    thumbnail,
};
use crate::server::config::{FilesLocation, FilesPlace};

/// Contents that are being removed.
const REMOVING: &str = "removing";
/// Thumbnails of pictures, each under the hash of its picture.
const THUMBNAILS: &str = "thumbnails";

/// Age at which uploads and removals in a bucket that a crash left are looked after, where other nodes may be at work on
/// them. A running upload writes, and a running removal ends, within seconds.
const LEFT_AFTER: Duration = Duration::from_secs(600);

/// The contents.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    /// Where uploads arrive, always on a disk of this machine: their size and hash are known at their end only.
    incoming: PathBuf,
    storage: Storage,
    /// The names of those that this process moved aside and has not settled.
    aside: Arc<Mutex<HashSet<String>>>,
}

/// A stored object, by the hash of its content.
#[derive(Clone, Copy, Debug)]
pub(super) enum Object<'a> {
    /// A content.
    Content(&'a str),
    /// The thumbnail of a picture.
    Thumbnail(&'a str),
}

/// An object, or a part of it, while it is read.
pub struct Reading {
    /// The size of the whole object in bytes.
    pub size: u64,
    /// The bytes that were asked for.
    pub bytes: BoxStream<'static, io::Result<Bytes>>,
}

/// A content that was moved aside.
pub(super) struct Aside {
    pub(super) hash: String,
    /// Its name among those that are being removed: the hash, a dot, and something unique.
    name: String,
}

impl Reading {
    /// An object of this size of which nothing is read.
    pub fn of_size(size: u64) -> Self {
        Self { size, bytes: stream::empty().boxed() }
    }
}

impl Object<'_> {
    /// Its path below the place of all. A folder for each of the first two digits: some file systems are slow with a
    /// million names in one.
    fn path(self) -> String {
        match self {
            Self::Content(hash) => format!("{}/{hash}", first_digits(hash)),
            Self::Thumbnail(hash) => format!("{THUMBNAILS}/{}/{hash}", first_digits(hash)),
        }
    }
}

fn first_digits(hash: &str) -> &str {
    hash.get(..2).unwrap_or("00")
}

impl Aside {
    fn of(hash: &str) -> Self {
        Self { hash: hash.to_owned(), name: format!("{hash}.{}", uuid::Uuid::new_v4().simple()) }
    }

    /// By its name; `None` if it is none of ours.
    fn named(name: &str) -> Option<Self> {
        let (hash, _) = name.split_once('.')?;
        Some(Self { hash: hash.to_owned(), name: name.to_owned() })
    }

    fn path(&self) -> String {
        format!("{REMOVING}/{}", self.name)
    }
}

impl Contents {
    /// Opens the place of the contents and makes what is missing of it. Alone, what is on its way in it is of an earlier
    /// process.
    pub(super) async fn open(location: &FilesLocation, is_alone: bool) -> io::Result<Self> {
        let FilesLocation { place, incoming, .. } = location;
        if let FilesPlace::Folder(folder) = place {
            Folder::make(folder).map_err(|error| explained(place, &error))?;
        }
        fs::create_dir_all(incoming)
            .and_then(
                |()| if is_alone { folder::remove_left(incoming, Duration::ZERO).map(drop) } else { Ok(()) },
            )
            .map_err(|error| explained(place, &error))?;
        let contents = Self::to_read(location, is_alone).await?;
        if let Storage::Bucket(bucket) = &contents.storage {
            bucket.probe().await.map_err(|error| explained(place, &io::Error::other(error)))?;
        }
        Ok(contents)
    }

    /// Opens the place and changes nothing in it. A folder need not be there.
    pub(super) async fn to_read(location: &FilesLocation, is_alone: bool) -> io::Result<Self> {
        let storage = match &location.place {
            FilesPlace::Folder(folder) => Storage::Folder(Folder::at(folder.clone())),
            FilesPlace::Bucket(place) => {
                let bucket = Bucket::open(place, &location.bucket, is_alone).await;
                Storage::Bucket(bucket.map_err(|error| explained(&location.place, &error))?)
            }
        };
        Ok(Self { incoming: location.incoming.clone(), storage, aside: Arc::default() })
    }

    /// Begins to receive a content, if the disk has room for it.
    pub(super) async fn begin(&self, min_free: u64, length: Option<u64>) -> Result<Incoming, FileError> {
        let folder = self.incoming.clone();
        run(move || {
            check_room(&folder, min_free, length.unwrap_or_default())?;
            Ok(Incoming::create(folder)?)
        })
        .await
    }

    /// Looks at a received picture.
    pub(super) async fn examine(&self, received: Received) -> Result<Received, FileError> {
        let folder = self.incoming.clone();
        run(move || received.examine(&folder)).await
    }

    /// Makes a received content durable under its hash. Its record is committed already.
    pub(super) async fn keep(&self, received: Received) -> Result<(), FileError> {
        let (hash, path) = received.into_parts();
        self.storage.put(&Object::Content(&hash).path(), path).await
    }

    /// Takes a content over. Returns false, and keeps nothing, if it cannot be read to its end or has another hash.
    pub(super) async fn import(&self, hash: &str, mut reading: Reading) -> Result<bool, FileError> {
        let mut incoming = self.begin(0, None).await?;
        while let Some(bytes) = reading.bytes.next().await {
            let Ok(bytes) = bytes else { return Ok(false) };
            incoming.write(&bytes, 0).await?;
        }
        let received = incoming.finish().await?;
        let is_whole = received.hash == hash;
        if is_whole {
            self.keep(received).await?;
        }
        Ok(is_whole)
    }

    /// Keeps a content a second time below this name, where nothing here looks.
    pub(super) async fn keep_aside(&self, hash: &str, name: &str) -> Result<(), FileError> {
        let (from, to) = (Object::Content(hash).path(), format!("{name}/{hash}"));
        match &self.storage {
            Storage::Folder(folder) => folder.link(&from, &to).await,
            Storage::Bucket(bucket) => bucket.copy(&from, &to).await.map(drop),
        }
    }

    /// Waits until what was kept below this name is on the disk. A bucket answers when it is.
    pub(super) async fn sync_kept(&self, name: &str) -> Result<(), FileError> {
        match &self.storage {
            Storage::Folder(folder) => folder.sync(name).await,
            Storage::Bucket(_) => Ok(()),
        }
    }

    /// Removes everything below this name.
    pub(super) async fn discard_kept(&self, name: &str) -> Result<(), FileError> {
        for hash in self.storage.names_in(name).await? {
            self.storage.remove(&format!("{name}/{hash}")).await?;
        }
        match &self.storage {
            Storage::Folder(folder) => folder.remove_empty(name),
            Storage::Bucket(_) => Ok(()),
        }
    }

    /// Opens an object, or this part of it; `None` if it is not there.
    pub(super) async fn read(
        &self,
        object: Object<'_>,
        part: Option<Range<u64>>,
    ) -> Result<Option<Reading>, FileError> {
        let (place, found) = (object.path(), self.storage.read(&object.path(), part.clone()).await?);
        let Object::Content(hash) = object else { return Ok(found) };
        if found.is_some() {
            return Ok(found);
        }
        // A removal asks whether it is needed after all, or ended in the middle.
        for aside in self.asides_of(hash).await? {
            let found = self.storage.read(&aside.path(), part.clone()).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        self.storage.read(&place, part).await // it was needed, and is back
    }

    /// Draws the thumbnail of a picture and stores it. One that cannot be drawn is stored without a byte, so that it is
    /// not tried again.
    pub(super) async fn draw_thumbnail(&self, hash: &str) -> Result<(), FileError> {
        let Some(picture) = self.storage.on_disk(&Object::Content(hash).path(), &self.incoming).await? else {
            return Ok(());
        };
        let incoming = self.incoming.clone();
        let drawn = run(move || Ok(thumbnail::draw(picture.as_ref(), &incoming)?));
        self.storage.put(&Object::Thumbnail(hash).path(), drawn.await?).await?;
        // A removal that came in between has looked for the thumbnail already.
        match self.storage.read(&Object::Content(hash).path(), Some(0..1)).await?.is_none() {
            true => self.remove_thumbnail(hash).await,
            false => Ok(()),
        }
    }

    async fn remove_thumbnail(&self, hash: &str) -> Result<(), FileError> {
        self.storage.remove(&Object::Thumbnail(hash).path()).await
    }

    /// Removes the thumbnails without a picture, of those whose hash begins with these two digits: a crash may leave one.
    pub(super) async fn remove_left_thumbnails(&self, first: u8) -> Result<(), FileError> {
        let thumbnails = self.storage.names_in(&format!("{THUMBNAILS}/{first:02x}")).await?;
        if thumbnails.is_empty() {
            return Ok(());
        }
        let pictures: HashSet<_> = self.hashes_in(first).await?.into_iter().collect();
        for hash in thumbnails.iter().filter(|hash| !pictures.contains(*hash)) {
            self.remove_thumbnail(hash).await?;
        }
        Ok(())
    }

    /// Moves a content aside; `None` if it is not there.
    pub(super) async fn set_aside(&self, hash: &str) -> Result<Option<Aside>, FileError> {
        let aside = Aside::of(hash);
        let is_there = self.storage.rename(&Object::Content(hash).path(), &aside.path()).await?;
        if is_there {
            self.aside.lock().insert(aside.name.clone());
        }
        Ok(is_there.then_some(aside))
    }

    /// Ends a removal: puts the content back if it is needed after all. Otherwise its thumbnail goes with it. If the content
    /// is not there, another node has looked after it.
    pub(super) async fn settle(&self, aside: &Aside, is_needed: bool) -> Result<(), FileError> {
        if is_needed {
            self.storage.rename(&aside.path(), &Object::Content(&aside.hash).path()).await?;
        } else {
            self.remove_thumbnail(&aside.hash).await?;
            self.storage.remove(&aside.path()).await?;
        }
        self.aside.lock().remove(&aside.name);
        Ok(())
    }

    /// Contents that were moved aside by a removal that did not end. While this process removes something, it must not ask.
    pub(super) async fn left_aside(&self) -> Result<Vec<Aside>, FileError> {
        let left = match &self.storage {
            Storage::Folder(_) => self.storage.names_in(REMOVING).await?,
            Storage::Bucket(bucket) => bucket.left_aside().await?,
        };
        let mut names = self.aside.lock().clone();
        names.extend(left);
        Ok(names.iter().filter_map(|name| Aside::named(name)).collect())
    }

    /// A content under the names by which it is being removed.
    async fn asides_of(&self, hash: &str) -> Result<Vec<Aside>, FileError> {
        let names = self.storage.names_in(REMOVING).await?;
        Ok(names.iter().filter_map(|name| Aside::named(name)).filter(|aside| aside.hash == hash).collect())
    }

    /// Removes uploads that did not end. Returns how many.
    pub(super) async fn remove_left_uploads(&self) -> Result<usize, FileError> {
        let folder = self.incoming.clone();
        run(move || Ok(folder::remove_left(&folder, LEFT_AFTER)?)).await
    }

    /// The hashes of the contents whose first two digits are these.
    pub(super) async fn hashes_in(&self, first: u8) -> Result<Vec<String>, FileError> {
        self.storage.names_in(&format!("{first:02x}")).await
    }
}

fn explained(place: &FilesPlace, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the files cannot be kept in {place}: {error}; see --files"))
}
