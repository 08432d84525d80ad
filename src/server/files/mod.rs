//! Files that people upload to rooms: received, stored by content, read by those who may read the room, and removed. The
//! routes call it. It knows no transport, and must never hold a file in memory or trust its name.
//!
//! * `carry`: copies contents from one place to another, for commands
//! * `disk`: how much room it has
//! * `incoming`: a content while it arrives
//! * `contents`: the contents, each under its hash, in a folder or in a bucket
//! * `resuming`: an upload that is continued after a cut
//! * `partial`: the folder of those
//! * `media_type`: the type of a content
//! * `name`: the name of a file
//! * `picture`: the size of a picture, and what it is not to tell
//! * `thumbnail`: a small picture in its place
//! * `sweep`: removes what nobody needs
//!
//! A file is a record in the store and a content in the folder. So that a crash at any instant leaves neither a record
//! whose content is missing nor a content that nobody removes, the order is: content on the disk under a name of its own;
//! record committed; content put in place under its hash; answer. An id is not known to anybody before the answer, so a record
//! that a crash left without content is never read, and goes as every file that no message names. [`contents`] says why a
//! removal beside an upload of the same content loses nothing.

mod carry;
mod contents;
mod disk;
mod incoming;
mod media_type;
mod name;
mod partial;
mod picture;
#[cfg(test)]
mod properties;
mod resuming;
mod sweep;
mod thumbnail;

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    num::NonZeroU32,
    ops::Range,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use parking_lot::Mutex as Lock;
use tokio::{
    io::AsyncRead,
    sync::{Mutex, Notify, Semaphore},
    time::timeout,
};
use tokio_util::{io::StreamReader, sync::CancellationToken};

pub use self::{
    carry::{Carried, Carrier},
    contents::Reading,
    media_type::is_shown_in_place,
    resuming::{Progress, ResumeError},
};
use self::{
    contents::{Contents, Object},
    incoming::{Incoming, Received},
    name::cleaned,
    partial::Partials,
};
use super::{
    auth::Identity,
    authz::Rights,
    clock::Clock,
    config::{Config, FilesPlace, Limit, UploadSettings},
    error::{Error, unavailable},
    limits::{ConcurrencyLimiter, RateLimits},
    log::hub::Hub,
    store::{FileAddition, FileQuota, FileRecord, TopicName},
};
use crate::protocol::{
    name::RoomId,
    problem::{Code, Rejection},
};

/// Uploads of a person at the same time: what is on its way is in no quota yet, so this times the largest file may
/// exceed it. A page sends three at a time, on two devices.
const UPLOADS_PER_PERSON: NonZeroU32 = NonZeroU32::new(6).expect("not zero");

/// Pictures that are looked at at the same time. Each may be in memory as a whole.
const PICTURES_AT_ONCE: usize = 2;

/// Uploads in pieces that are read once more at their end at the same time, as fast as the disk gives them.
const ENDING_AT_ONCE: usize = 4;

/// Longest time that a reader waits for the turn of a thumbnail; then they get the picture itself.
const THUMBNAIL_AFTER: Duration = Duration::from_secs(5);

/// Longest time without a byte of an upload. A client that waits longer resumes nothing by it.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// The time over which the uploads of a person are counted.
const DAY_MS: i64 = 24 * 3_600_000;

/// Largest file in a bucket: S3 copies no larger object by one request.
const BUCKET_FILE_MAX: u64 = 5 << 30;

/// The bytes of a content, as they are read.
pub type ContentReader = Box<dyn AsyncRead + Send + Unpin>;

/// The files of this server.
pub struct Files {
    hub: Hub,
    rights: Arc<Rights>,
    limits: Arc<RateLimits>,
    clock: Arc<Clock>,
    contents: Contents,
    partials: Partials,
    /// Ends the requests that write uploads which resume, by the id of the upload.
    writing: Lock<HashMap<String, CancellationToken>>,
    beginning: Mutex<()>,
    settings: UploadSettings,
    uploads: Arc<ConcurrencyLimiter<String>>,
    pictures: Semaphore,
    /// Uploads in pieces that are read once more at the same time.
    ending: Semaphore,
    /// One thumbnail is drawn at a time: each takes a processor and up to 160 MB.
    drawing: Arc<Semaphore>,
    sweeping: Mutex<()>,
    wake: Arc<Notify>,
}

/// A failure of an upload or a download.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The request is at fault, or the database.
    #[error(transparent)]
    Request(#[from] Error),
    /// There is no room: on the disk, in the person's quota or in that of the room.
    #[error("{0}")]
    Full(String),
    /// The disk failed.
    #[error("the files cannot be used: {0}")]
    Disk(#[from] io::Error),
}

impl From<Rejection> for FileError {
    fn from(rejection: Rejection) -> Self {
        Self::Request(rejection.into())
    }
}

impl From<super::store::StoreError> for FileError {
    fn from(error: super::store::StoreError) -> Self {
        Self::Request(error.into())
    }
}

/// An upload before its bytes.
pub struct Upload<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// The person, who may write there.
    pub who: &'a Identity,
    /// The name as it was sent.
    pub name: &'a str,
    /// The number of bytes, if it is known.
    pub length: Option<u64>,
}

impl Files {
    /// Opens the place of the contents, a folder if need be made. `wake` is notified when records were removed.
    pub async fn open(
        config: &Config,
        hub: Hub,
        rights: Arc<Rights>,
        limits: Arc<RateLimits>,
        clock: Arc<Clock>,
        wake: Arc<Notify>,
    ) -> io::Result<Self> {
        if config.redis_url.is_some() && config.uploads.files.is_none() {
            tracing::warn!(
                "files that are uploaded through this node are missing on the others: set --files to a bucket or a folder that all nodes reach"
            );
        }
        let location = config.uploads.location(&config.data);
        if matches!(location.place, FilesPlace::Bucket(_)) && config.uploads.max_file > BUCKET_FILE_MAX {
            return Err(io::Error::other("a file in a bucket (--files) has at most 5GiB: lower --max-file"));
        }
        let contents = Contents::open(&location, config.redis_url.is_none()).await?;
        let partials = Partials::open(&location)?;
        let uploads = ConcurrencyLimiter::new(Limit(Some(UPLOADS_PER_PERSON.get())));
        let settings = config.uploads.clone();
        let pictures = Semaphore::new(PICTURES_AT_ONCE);
        Ok(Self {
            hub,
            rights,
            limits,
            clock,
            contents,
            partials,
            writing: Lock::default(),
            beginning: Mutex::default(),
            settings,
            uploads,
            pictures,
            ending: Semaphore::new(ENDING_AT_ONCE),
            drawing: Arc::new(Semaphore::new(1)),
            sweeping: Mutex::default(),
            wake,
        })
    }

    /// The largest file, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.settings.max_file
    }

    /// Stores a file. Returns when it is durable. The caller has checked that the person may write in the room.
    pub async fn receive<E>(
        &self,
        upload: Upload<'_>,
        address: IpAddr,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<FileRecord, FileError> {
        let Upload { room, who, name, length } = upload;
        let user = &who.user;
        self.check_size(length.unwrap_or_default())?;
        self.limits.file(user, address).await.map_err(Error::from)?;
        let _permit = self.uploads.take(&user.id).ok_or_else(too_many_at_once)?;
        let mut incoming = self.contents.begin(self.settings.min_free_disk, length).await?;
        self.take_bytes(&mut incoming, pin!(body)).await?;
        let received = self.examined(incoming.finish().await?).await?;
        self.store(uuid::Uuid::new_v4().simple().to_string(), room, who, name, received).await
    }

    /// Makes a complete content a file of a room, with this id.
    async fn store(
        &self,
        id: String,
        room: &RoomId,
        who: &Identity,
        name: &str,
        received: Received,
    ) -> Result<FileRecord, FileError> {
        let now_ms = self.clock.settled_ms();
        let file = FileRecord {
            id,
            hash: received.hash.clone(),
            topic: TopicName::Room(room.clone()),
            offset: None,
            owner: who.user.id.clone(),
            name: cleaned(name),
            media_type: received.media_type.clone(),
            size: received.size,
            width: received.pixels.map(|(width, _)| width),
            height: received.pixels.map(|(_, height)| height),
            created: now_ms,
        };
        self.add(&file, now_ms).await?;
        self.contents.keep(received).await?;
        tracing::debug!(file.id, file.size, room.id = %room, "stored a file");
        Ok(file)
    }

    async fn take_bytes<E>(
        &self,
        incoming: &mut Incoming,
        mut body: Pin<&mut impl Stream<Item = Result<Bytes, E>>>,
    ) -> Result<(), FileError> {
        loop {
            let next = timeout(STALLED_AFTER, body.next()).await;
            let next = next.map_err(|_| cut("No byte of it came for 30 s."))?;
            let Some(bytes) = next.transpose().map_err(|_| cut("It could not be read to its end."))? else {
                return Ok(());
            };
            self.check_size(incoming.size() + bytes.len() as u64)?;
            incoming.write(&bytes, self.settings.min_free_disk).await?;
        }
    }

    /// Looks at what may be a picture, a few at a time.
    async fn examined(&self, received: Received) -> Result<Received, FileError> {
        let turn = self.pictures.acquire().await;
        let _turn = turn.expect("nobody closes it");
        self.contents.examine(received).await
    }

    fn check_size(&self, bytes: u64) -> Result<(), Rejection> {
        match bytes > self.settings.max_file {
            true => Err(Rejection::new(
                Code::TooLarge,
                format!("A file has at most {} bytes here (--max-file).", self.settings.max_file),
            )),
            false => Ok(()),
        }
    }

    /// Adds the record, within the quotas.
    async fn add(&self, file: &FileRecord, now_ms: i64) -> Result<(), FileError> {
        let UploadSettings { max_files_per_person, max_files_per_room, .. } = &self.settings;
        let quota = FileQuota {
            per_person: *max_files_per_person,
            since_ms: now_ms.saturating_sub(DAY_MS),
            per_room: *max_files_per_room,
        };
        let full = |message: &str, bytes: u64| Err(FileError::Full(format!("{message} {bytes} bytes")));
        match self.hub.store().add_file(file, quota).await? {
            FileAddition::Added => Ok(()),
            FileAddition::PersonFull => full(
                "You have uploaded as much as you may within 24 hours (--max-files-per-person):",
                *max_files_per_person,
            ),
            FileAddition::RoomFull => full(
                "The files of this room are as large together as they may be (--max-files-per-room):",
                *max_files_per_room,
            ),
            FileAddition::NoTopic => Err(Rejection::new(Code::UnknownRoom, "There is no such room.").into()),
        }
    }

    /// A file, for somebody who may read it: whoever may read the room where a message names it,
    /// and before that who uploaded it. It is asked each time, because rights change.
    pub async fn read(&self, id: &str, who: Option<&Identity>) -> Result<FileRecord, FileError> {
        self.rights.check_reader(who)?;
        let found = self.hub.store().files(&[id.to_owned()]).await?.pop().ok_or_else(unknown_file)?;
        let TopicName::Room(room) = &found.topic else { return Err(unknown_file().into()) };
        // A reader who may not enter the room is told that there is no such file.
        self.rights.check_entry(room, who).map_err(|rejection| match rejection.code {
            Code::UnknownRoom => unknown_file(),
            _ => rejection,
        })?;
        if found.offset.is_none() && who.is_none_or(|who| who.user.id != found.owner) {
            return Err(unknown_file().into());
        }
        Ok(found)
    }

    /// Opens the content of a file that somebody may read, or this part of it.
    pub async fn open_part(&self, file: &FileRecord, part: Option<Range<u64>>) -> Result<Reading, FileError> {
        if file.size == 0 {
            return Ok(Reading::of_size(0));
        }
        self.contents.read(Object::Content(&file.hash), part).await?.ok_or_else(|| {
            tracing::error!(file.id, "the content of a file is not where files are kept (--files)");
            let message =
                "The content of this file is not on this server now. Tell who runs it; the log has the reason.";
            Rejection::new(Code::Unavailable, message).into()
        })
    }

    /// Opens a content for a part of the server that has checked who is to have it; `None` if it is not there.
    pub async fn open_content(&self, hash: &str) -> Result<Option<ContentReader>, FileError> {
        let found = self.contents.read(Object::Content(hash), None).await?;
        Ok(found.map(|reading| Box::new(StreamReader::new(reading.bytes)) as ContentReader))
    }

    /// The thumbnail of a picture and its media type; `None`: the picture itself has to do.
    pub async fn thumbnail(&self, file: &FileRecord) -> Option<(Reading, &'static str)> {
        if !thumbnail::is_wanted(&file.media_type, file.width, file.height) {
            return None;
        }
        let found = match self.contents.read(Object::Thumbnail(&file.hash), None).await {
            Ok(None) => self.drawn(&file.hash).await,
            found => found,
        };
        let Reading { size, mut bytes } =
            found.inspect_err(|error| tracing::warn!(%error, "cannot read or write a thumbnail")).ok()??;
        let first = bytes.next().await?.ok()?;
        let media_type = thumbnail::media_type_of(&first)?;
        Some((Reading { size, bytes: stream::iter([Ok(first)]).chain(bytes).boxed() }, media_type))
    }

    /// Draws a thumbnail when it is its turn, unless another reader wanted it and has it drawn meanwhile.
    async fn drawn(&self, hash: &str) -> Result<Option<Reading>, FileError> {
        let Ok(turn) = timeout(THUMBNAIL_AFTER, self.drawing.clone().acquire_owned()).await else {
            return Ok(None);
        };
        let turn = turn.expect("nobody closes it");
        let (contents, hash) = (self.contents.clone(), hash.to_owned());
        // The drawing goes on when the reader does not wait for it, and keeps its turn until then.
        let drawing = tokio::spawn(async move {
            let _turn = turn;
            let thumbnail = Object::Thumbnail(&hash);
            match contents.read(thumbnail, None).await? {
                None => contents.draw_thumbnail(&hash).await?,
                found => return Ok(found),
            }
            contents.read(thumbnail, None).await
        });
        drawing.await.map_err(io::Error::other)?
    }
}

impl FileError {
    /// The rejection for the caller, and whether there was no room. Logs a fault of ours: call it once, where the error
    /// ends.
    pub fn into_rejection(self) -> (Rejection, bool) {
        match self {
            Self::Request(error) => (error.into_rejection(), false),
            Self::Full(message) => (Rejection::new(Code::Unavailable, message), true),
            Self::Disk(error) if is_full(&error) => {
                tracing::warn!(%error, "the disk of the files is full");
                (Rejection::new(Code::Unavailable, disk::NO_ROOM), true)
            }
            Self::Disk(error) => {
                tracing::error!(%error, "the place of the files failed");
                (unavailable("The server could not use its files now; nothing was stored."), false)
            }
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

fn unknown_file() -> Rejection {
    Rejection::new(Code::NotFound, "There is no such file, or you may not read it.")
}

fn cut(reason: &str) -> Rejection {
    Rejection::new(
        Code::BadRequest,
        format!("The file did not arrive. {reason} Nothing was stored; send it again."),
    )
}

fn too_many_at_once() -> Rejection {
    let message =
        format!("You are uploading {UPLOADS_PER_PERSON} files already; wait until one of them is there.");
    Rejection::new(Code::TooManyRequests, message).retry_after(super::error::BUSY_RETRY_AFTER)
}
