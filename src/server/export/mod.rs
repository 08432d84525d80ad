//! Archives for people to take away: a room with its messages and files, and what belongs to one person. The routes start
//! one and send it as it is made. It knows no transport, and must never hold a room, a file or an archive in memory, nor put
//! one on the disk.
//!
//! * `archive`: a ZIP file while it is made
//! * `room`: what is in that of a room
//! * `person`: what is in that of a person
//! * `page`: the HTML of messages
//! * `names`: the names of files in an archive
//! * `words`: the words of the page in both languages

mod archive;
mod names;
mod page;
mod person;
mod room;
mod words;

use std::{io, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::archive::{Archive, CHUNKS_WAITING, STALLED_AFTER};
use super::{
    auth::{Actor, Identity},
    chat::{Chat, message_and_files},
    clock::Clock,
    config::Limit,
    error::{BUSY_RETRY_AFTER, Error},
    files::Files,
    limits::{ConcurrencyLimiter, Permit, RateLimits},
    log::hub::Hub,
    notify::Notifier,
    store::{FileRecord, Filter, Record, StoreError, TopicName},
};
use crate::{
    app::i18n::Language,
    protocol::{
        chat::{Message, Room},
        cursor::Offset,
        file::MessageFile,
        name::RoomId,
        problem::{Code, Rejection},
    },
};

/// Archives that are made at the same time: each reads the database and the disk as fast as its reader takes it.
const AT_ONCE: usize = 4;
/// Those of one person, so that nobody holds the places of all.
const AT_ONCE_PER_PERSON: NonZeroU32 = NonZeroU32::new(1).expect("not zero");
/// The time between two tries while another archive of the person ends.
const TRY_EVERY: Duration = Duration::from_millis(50);
/// Longest wait for one of the others to end.
const TURN_AFTER: Duration = Duration::from_secs(5);
/// Messages that are read at once: some hundred kilobytes, 2 MB at most.
const PAGE: usize = 100;

/// Makes archives.
pub struct Exports {
    hub: Hub,
    chat: Arc<Chat>,
    files: Arc<Files>,
    notifier: Arc<Notifier>,
    limits: Arc<RateLimits>,
    clock: Arc<Clock>,
    stop: CancellationToken,
    turns: Arc<Semaphore>,
    people: Arc<ConcurrencyLimiter<String>>,
}

/// The place of an archive that is made.
struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_person: Permit<String>,
}

/// An archive that is being made. Dropping it ends that.
pub struct Export {
    /// The name of its file.
    pub name: String,
    /// Its bytes. An error: it cannot be made to its end, and what came is not whole.
    pub chunks: mpsc::Receiver<io::Result<Bytes>>,
}

/// The content of an archive.
enum Job {
    Room(Room, Actor),
    Person(Identity),
}

/// The reason for which an archive ends before it is whole.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Refused(#[from] Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Zip(#[from] zip::result::ZipError),
    #[error("it cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The reader has gone, or takes nothing.
    #[error("nobody takes it")]
    Gone,
}

impl From<Rejection> for Fault {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection.into())
    }
}

impl Exports {
    /// Makes archives of what these have, until `stop`.
    pub fn new(
        hub: Hub,
        (chat, files, notifier): (Arc<Chat>, Arc<Files>, Arc<Notifier>),
        limits: Arc<RateLimits>,
        clock: Arc<Clock>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let people = ConcurrencyLimiter::new(Limit(Some(AT_ONCE_PER_PERSON.get())));
        Arc::new(Self { hub, chat, files, notifier, limits, clock, stop, turns, people })
    }

    /// Begins the archive of a room, for those who may change it.
    pub async fn of_room(
        self: &Arc<Self>,
        room: &RoomId,
        by: Actor,
        language: Language,
    ) -> Result<Export, Error> {
        self.chat.check_manager(room, &by)?;
        let turn = self.turn(&by).await?;
        let shown = self.chat.managed_room(room, &by).await?;
        let name = self.name_of(room.as_str());
        Ok(self.begin(name, turn, Job::Room(shown, by), language))
    }

    /// Begins the archive of what belongs to a person.
    pub async fn of_person(self: &Arc<Self>, who: Identity, language: Language) -> Result<Export, Error> {
        let turn = self.turn(&Actor::from(&who)).await?;
        let name = self.name_of(&who.user.name);
        Ok(self.begin(name, turn, Job::Person(who), language))
    }

    async fn turn(&self, by: &Actor) -> Result<Turn, Error> {
        let busy = || {
            let message = "The server is making other archives now; try again in a moment.";
            Rejection::new(Code::TooManyRequests, message).retry_after(BUSY_RETRY_AFTER)
        };
        let user = by.user();
        self.limits.export(&user).await?;
        let turn = timeout(TURN_AFTER, async {
            let of_person = loop {
                match self.people.take(&user.id) {
                    Some(permit) => break permit,
                    None => sleep(TRY_EVERY).await,
                }
            };
            let of_all = self.turns.clone().acquire_owned().await;
            Turn { _of_all: of_all.expect("nobody closes it"), _of_person: of_person }
        });
        Ok(turn.await.map_err(|_| busy())?)
    }

    /// A name such as `general-2026-11-28.zip`.
    fn name_of(&self, what: &str) -> String {
        let moment = Timestamp::from_millisecond(self.clock.wall_ms()).unwrap_or_default();
        names::of_file(&format!("{what}-{}.zip", moment.to_zoned(TimeZone::UTC).date()))
    }

    fn begin(self: &Arc<Self>, name: String, turn: Turn, job: Job, language: Language) -> Export {
        let (sender, chunks) = mpsc::channel(CHUNKS_WAITING);
        let exports = self.clone();
        tokio::spawn(async move {
            let mut archive = Archive::new(sender.clone(), exports.clock.wall_ms());
            let written = async {
                match &job {
                    Job::Room(room, by) => room::write(&exports, &mut archive, room, by, language).await?,
                    Job::Person(who) => person::write(&exports, &mut archive, who, language).await?,
                }
                archive.finish().await
            };
            let ended = tokio::select! {
                ended = exports.stop.run_until_cancelled(written) => ended,
                // A reader who has gone is noticed also where there is nothing to send for a while.
                () = sender.closed() => Some(Err(Fault::Gone)),
            };
            drop(turn);
            let fault = match ended {
                Some(Ok(())) => return,
                Some(Err(Fault::Gone)) => io::Error::other("it was not taken"),
                Some(Err(fault)) => {
                    tracing::warn!(error = %fault, "an export ended early");
                    io::Error::other("it is not whole")
                }
                None => io::Error::other("the server is stopping"),
            };
            // The reader sees that the connection ends before the archive does.
            let _ = sender.send_timeout(Err(fault), STALLED_AFTER).await;
        });
        Export { name, chunks }
    }

    /// The next messages of a room after an offset, up to `head`.
    async fn messages(&self, room: &RoomId, after: Offset, head: Offset) -> Result<Vec<Record>, Fault> {
        let filter = Filter { lasting: true, ..Filter::default() };
        let topic = TopicName::Room(room.clone());
        let mut records = self.hub.store().read_after(&topic, after, &filter, PAGE).await?.records;
        records.retain(|record| record.offset <= head && record.target.is_none());
        Ok(records)
    }

    /// The newest offset of a room.
    async fn head(&self, room: &RoomId) -> Result<Offset, Fault> {
        let (topic, filter) = (TopicName::Room(room.clone()), Filter::default());
        Ok(self.hub.store().read_before(&topic, Offset::MAX, &filter, 1).await?.bounds.head)
    }

    /// The message and the files in a record of a room.
    fn parts(record: &Record) -> (Message, Vec<MessageFile>) {
        message_and_files(record)
    }

    /// Writes the files of a message that are there. Those that are not are said in the log.
    async fn write_files(&self, archive: &mut Archive, record: &Record) -> Result<(), Fault> {
        let (_, files) = Self::parts(record);
        let ids: Vec<_> = files.into_iter().map(|file| file.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut found = self.hub.store().files(&ids).await?;
        // One that was deleted since is not there; an id of another message would be a fault of ours.
        found.retain(|file| file.topic == record.topic && file.offset == Some(record.offset));
        found.sort_by_key(|file| ids.iter().position(|id| *id == file.id));
        for file in &found {
            self.write_file(archive, file).await?;
        }
        Ok(())
    }

    async fn write_file(&self, archive: &mut Archive, file: &FileRecord) -> Result<(), Fault> {
        match self.files.open_content(&file.hash).await {
            Ok(Some(content)) => {
                archive.copy(&names::of_content(&file.id, &file.name), file.size, content).await
            }
            Ok(None) => {
                tracing::error!(file.id, "the content of a file is not in the folder of files (--files)");
                Ok(())
            }
            Err(error) => {
                tracing::error!(file.id, %error, "the content of a file cannot be read");
                Ok(())
            }
        }
    }
}
