//! Uploads that are continued after a cut: begun, extended, looked at and given up by who began them. The routes of tus call
//! it. It never answers a larger offset than what is on the disk.
//!
//! When the last byte is there, the content is read once more for its hash: about a second for a gigabyte, and the same way
//! after a restart. Every step of the end can be done again, so whoever looks at an upload whose bytes are all there ends
//! it: an answer that was lost, or a kill in between, neither doubles the file nor loses it.

use std::{
    net::IpAddr,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::{
    fs::File,
    io::AsyncWriteExt,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    DAY_MS, FileError, Files, STALLED_AFTER, Upload,
    disk::run,
    incoming::CHECK_EVERY,
    partial::{Description, Held, Taken},
    too_many_at_once,
};
use crate::{
    protocol::{
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        auth::Identity,
        error::{BUSY_RETRY_AFTER, Error},
        store::FileRecord,
    },
};

/// Uploads of a person that are not complete: three messages of ten files each. Each holds a part of the disk for a day.
const PARTIAL_PER_PERSON: usize = 30;
/// Age at which an upload expires, complete or not: a laptop that was closed in the evening goes on in the morning.
const EXPIRES_AFTER_MS: i64 = DAY_MS;
/// Longest time that somebody who looks waits until the request that still writes has ended.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// The time between two tries of that.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// The progress of an upload.
pub struct Progress {
    /// Its id, which only its owner can use.
    pub id: String,
    /// Its length.
    pub length: u64,
    /// The bytes that are on the disk.
    pub offset: u64,
    /// `Upload-Metadata` as it was sent.
    pub metadata: String,
    /// The time at which it is forgotten, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// The file that it has become.
    pub file: Option<FileRecord>,
}

/// A failure of an upload that resumes.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// As with every upload.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no such upload of this person.
    #[error("there is no such upload")]
    Unknown,
    /// Its file was removed.
    #[error("its file was removed")]
    Gone,
    /// Another request writes it.
    #[error("another request writes it")]
    Busy,
    /// The bytes do not begin where the stored ones end.
    #[error("the upload is at {0}")]
    Offset(u64),
    /// There are more bytes than the upload has.
    #[error("the upload has {0} bytes")]
    TooLong(u64),
}

impl From<Rejection> for ResumeError {
    fn from(rejection: Rejection) -> Self {
        Self::File(rejection.into())
    }
}

impl From<Error> for ResumeError {
    fn from(error: Error) -> Self {
        Self::File(error.into())
    }
}

/// A request that writes an upload. Dropping it makes room for the next.
struct Writing<'a> {
    files: &'a Files,
    id: &'a str,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.files.writing.lock().remove(self.id);
    }
}

impl Files {
    /// Begins an upload. The caller has checked that the person may write in the room.
    pub async fn begin(
        &self,
        upload: Upload<'_>,
        metadata: String,
        address: IpAddr,
    ) -> Result<Progress, ResumeError> {
        let Upload { room, who, name, length } = upload;
        let length = length.unwrap_or_default();
        self.check_size(length)?;
        self.limits.file(&who.user, address).await.map_err(FileError::from)?;
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let description = Description {
            id: random(),
            file: random(),
            room: room.clone(),
            name: name.to_owned(),
            length,
            metadata,
            expires_ms: self.clock.settled_ms() + EXPIRES_AFTER_MS,
        };
        {
            // Of two that begin at the same time, the second counts the first.
            let _turn = self.beginning.lock().await;
            self.check_partial(&who.user.id, length).await?;
            let (partials, owner, added) = (self.partials.clone(), who.user.id.clone(), description.clone());
            let min_free = self.settings.min_free_disk;
            run(move || {
                partials.check_room(min_free, length)?;
                Ok(partials.add(&owner, &added)?)
            })
            .await?;
        }
        tracing::debug!(upload.id = description.id, length, room.id = %room, "began an upload");
        match length {
            // It is complete.
            0 => self.look(who, &description.id).await,
            _ => Ok(description.progress(0, None)),
        }
    }

    /// Keeps a person from holding more of the disk by parts than they may by files.
    async fn check_partial(&self, owner: &str, length: u64) -> Result<(), FileError> {
        let (partials, owner) = (self.partials.clone(), owner.to_owned());
        let open = run(move || Ok(partials.of(&owner)?)).await?;
        if open.len() >= PARTIAL_PER_PERSON {
            let message = format!(
                "You have {PARTIAL_PER_PERSON} uploads that are not complete: end some, or remove them (DELETE)."
            );
            return Err(Rejection::new(Code::TooManyRequests, message).retry_after(BUSY_RETRY_AFTER).into());
        }
        let together = open.iter().fold(length, |sum, one| sum.saturating_add(one.length));
        match together > self.settings.max_files_per_person {
            true => Err(FileError::Full(format!(
                "Your uploads that are not complete are as large together as you may upload within 24 hours (--max-files-per-person): {} bytes",
                self.settings.max_files_per_person
            ))),
            false => Ok(()),
        }
    }

    /// The room of an upload, for the check whether its owner still may write there.
    pub async fn room_of_upload(&self, who: &Identity, id: &str) -> Result<RoomId, ResumeError> {
        let (partials, owner, id) = (self.partials.clone(), who.user.id.clone(), id.to_owned());
        let room = run(move || Ok(partials.room_of(&owner, &id)?)).await?;
        room.ok_or(ResumeError::Unknown)
    }

    /// Returns the progress of an upload. Ends a request that still writes it, whose client is gone mostly; ends the upload
    /// if its bytes are all there.
    pub async fn look(&self, who: &Identity, id: &str) -> Result<Progress, ResumeError> {
        match self.take_over(who, id).await? {
            Ok(held) => self.settle(who, held).await.map(|(progress, _)| progress),
            Err(done) => self.ended(done).await,
        }
    }

    /// Adds bytes to an upload at this offset. `length` is their number, if it is known.
    pub async fn append<E>(
        &self,
        who: &Identity,
        id: &str,
        offset: u64,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Progress, ResumeError> {
        let held = match self.take(who, id).await? {
            Taken::Held(held) => held,
            Taken::Busy => return Err(ResumeError::Busy),
            Taken::Unknown => return Err(ResumeError::Unknown),
            Taken::Done(done) => return at(offset, self.ended(done).await?),
        };
        let (progress, held) = self.settle(who, held).await?;
        let progress = at(offset, progress)?;
        let Some(held) = held else { return Ok(progress) };
        if offset.saturating_add(length.unwrap_or_default()) > progress.length {
            return Err(ResumeError::TooLong(progress.length));
        }
        let _permit = self.uploads.take(&who.user.id).ok_or_else(too_many_at_once)?;
        let stop = CancellationToken::new();
        self.writing.lock().insert(id.to_owned(), stop.clone());
        let writing = Writing { files: self, id };
        let written = self.write(&held, offset, pin!(body), &stop).await;
        drop(writing);
        // The bytes that have come stay, even if the rest has not.
        let (progress, _) = self.settle(who, held).await?;
        written.map(|()| progress)
    }

    /// Writes what comes until its end or `stop`. Nothing is on its way to the disk when this returns.
    async fn write<E>(
        &self,
        held: &Held,
        mut offset: u64,
        mut body: Pin<&mut impl Stream<Item = Result<Bytes, E>>>,
        stop: &CancellationToken,
    ) -> Result<(), ResumeError> {
        let mut file = File::from_std(held.open().map_err(FileError::from)?);
        let mut checked = 0;
        let written = loop {
            let Some(next) = stop.run_until_cancelled(timeout(STALLED_AFTER, body.next())).await else {
                break Err(ResumeError::Busy);
            };
            let next = match next {
                Err(_) => break Err(cut("No byte of it came for 30 s.").into()),
                Ok(Some(Err(_))) => break Err(cut("It could not be read to its end.").into()),
                Ok(None) => break Ok(()),
                Ok(Some(Ok(bytes))) => bytes,
            };
            offset += next.len() as u64;
            if offset > held.description.length {
                break Err(ResumeError::TooLong(held.description.length));
            }
            if offset >= checked {
                checked = offset + CHECK_EVERY;
                let (partials, min_free) = (self.partials.clone(), self.settings.min_free_disk);
                if let Err(error) = run(move || partials.check_room(min_free, 0)).await {
                    break Err(error.into());
                }
            }
            if let Err(error) = file.write_all(&next).await {
                break Err(FileError::from(error).into());
            }
        };
        file.flush().await.map_err(FileError::from)?;
        written
    }

    /// Gives up an upload.
    pub async fn give_up(&self, who: &Identity, id: &str) -> Result<(), ResumeError> {
        match self.take_over(who, id).await? {
            Ok(held) => Ok(run(move || Ok(held.remove()?)).await?),
            // It is a file, which goes by itself if no message names it.
            Err(_) => Ok(()),
        }
    }

    async fn take(&self, who: &Identity, id: &str) -> Result<Taken, FileError> {
        let (partials, owner, id) = (self.partials.clone(), who.user.id.clone(), id.to_owned());
        run(move || Ok(partials.take(&owner, &id)?)).await
    }

    /// Takes an upload from a request that still writes it. `Err`: it has ended.
    async fn take_over(&self, who: &Identity, id: &str) -> Result<Result<Held, Description>, ResumeError> {
        let begun = Instant::now();
        loop {
            match self.take(who, id).await? {
                Taken::Held(held) => return Ok(Ok(held)),
                Taken::Done(done) => return Ok(Err(done)),
                Taken::Unknown => return Err(ResumeError::Unknown),
                Taken::Busy if begun.elapsed() > TAKEN_WITHIN => return Err(ResumeError::Busy),
                Taken::Busy => {
                    if let Some(stop) = self.writing.lock().get(id) {
                        stop.cancel();
                    }
                    sleep(TRY_EVERY).await;
                }
            }
        }
    }

    /// Returns the progress of a held upload. Makes the upload a file if it is complete, and otherwise returns it too.
    async fn settle(&self, who: &Identity, held: Held) -> Result<(Progress, Option<Held>), ResumeError> {
        let (offset, held) = run(move || Ok((held.durable()?, held))).await?;
        let description = held.description.clone();
        // Without a byte it has not begun, or a kill came after its content was kept.
        let known = match offset == 0 || offset == description.length {
            true => self.file_of(&description).await?,
            false => None,
        };
        if known.is_none() && offset < description.length {
            return Ok((description.progress(offset, None), Some(held)));
        }
        let file = self.finish(who, held, offset, known).await?;
        Ok((description.progress(description.length, Some(file)), None))
    }

    /// Makes a complete upload a file of its room; `known` if its record is stored already.
    async fn finish(
        &self,
        who: &Identity,
        held: Held,
        offset: u64,
        known: Option<FileRecord>,
    ) -> Result<FileRecord, FileError> {
        if let Some(file) = known.clone().filter(|_| offset < held.description.length) {
            return self.close(held, Ok(file)).await;
        }
        // Whoever asks again and again for an upload that has no room waits here.
        let _turn = self.ending.acquire().await.expect("nobody closes it");
        let (received, held) = run(move || Ok((held.received()?, held))).await?;
        let stored = match (self.examined(received).await, known) {
            (Ok(received), Some(file)) => self.contents.keep(received).await.map(|()| file),
            (Ok(received), None) => {
                let Description { file, room, name, .. } = &held.description;
                self.store(file.clone(), room, who, name, received).await
            }
            (Err(error), _) => Err(error),
        };
        self.close(held, stored).await
    }

    /// Ends an upload whose file is stored, and one that will never be a file. Where there was no room, it waits for some.
    async fn close(
        &self,
        held: Held,
        stored: Result<FileRecord, FileError>,
    ) -> Result<FileRecord, FileError> {
        match &stored {
            Ok(_) => run(move || Ok(held.end()?)).await?,
            Err(FileError::Request(Error::Rejected(rejection))) if rejection.code == Code::TooLarge => {
                run(move || Ok(held.remove()?)).await?;
            }
            Err(_) => {}
        }
        stored
    }

    async fn file_of(&self, description: &Description) -> Result<Option<FileRecord>, FileError> {
        Ok(self.hub.store().files(std::slice::from_ref(&description.file)).await?.pop())
    }

    async fn ended(&self, done: Description) -> Result<Progress, ResumeError> {
        let file = self.file_of(&done).await?.ok_or(ResumeError::Gone)?;
        Ok(done.progress(done.length, Some(file)))
    }

    /// Removes uploads that have expired. Returns how many.
    pub(super) async fn remove_expired_uploads(&self) -> Result<usize, FileError> {
        let (partials, now_ms) = (self.partials.clone(), self.clock.settled_ms());
        run(move || Ok(partials.remove_expired(now_ms)?)).await
    }
}

impl Description {
    fn progress(&self, offset: u64, file: Option<FileRecord>) -> Progress {
        let Self { id, length, metadata, expires_ms, .. } = self.clone();
        Progress { id, length, offset, metadata, expires_ms, file }
    }
}

fn at(offset: u64, progress: Progress) -> Result<Progress, ResumeError> {
    match progress.offset == offset {
        true => Ok(progress),
        false => Err(ResumeError::Offset(progress.offset)),
    }
}

fn cut(reason: &str) -> Rejection {
    let message = format!("The upload was cut. {reason} Ask how far it is (HEAD), and go on from there.");
    Rejection::new(Code::BadRequest, message)
}
