//! Durable history: the logs of all topics, and the list of rooms.
//!
//! The hub is its caller. A store assigns offsets and timestamps, keeps what it acknowledged through a crash, and
//! calls [`Announce`] for every committed entry in offset order. It never holds a lock of ours while it calls.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::config::Retention;
use crate::protocol::{
    chat::Room,
    cursor::{Epoch, Offset},
    name::RoomId,
};

mod channels;
pub(crate) mod clock_record;
#[cfg(test)]
mod conformance;
mod copied;
pub mod directory;
mod health;
pub mod location;
pub(crate) mod normalized_name;
pub mod postgres;
pub(crate) mod private_file;
pub mod sqlite;
pub mod transfer;

/// Offsets a trim goes through in one transaction, so that publishers do not wait behind a large one.
const TRIM_STEP: u64 = 5_000;

/// Client ids of removed entries that a topic remembers: a hundred megabytes at the most, whatever their age.
const PAST_CLIENT_IDS_MAX: u64 = 1_000_000;

/// Rows a topic has in the table of removed offsets, one for each channel and kind of entry. A feed has a few dozen
/// channels; a publisher that makes them up without end must not let the table grow, and a read goes through all of a
/// topic's rows at the worst. What is beyond is folded into one offset, the least recent first.
const REMOVALS_MAX: u64 = 1_000;

/// 48 random bits: two numberings of one topic that are alike would have to meet by chance.
fn new_epoch() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..12].to_owned()
}

pub use self::channels::Channels;

/// Which log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TopicName {
    /// The one feed.
    Feed,
    /// A room's talk.
    Room(RoomId),
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed => f.write_str("feed"),
            Self::Room(room) => write!(f, "room:{room}"),
        }
    }
}

impl FromStr for TopicName {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let room = text.strip_prefix("room:").and_then(|room| RoomId::parse(room).ok());
        match (text, room) {
            ("feed", _) => Ok(Self::Feed),
            (_, Some(room)) => Ok(Self::Room(room)),
            _ => Err(StoreError::Damaged(format!("there is a topic named {text:?}"))),
        }
    }
}

/// An entry that is to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Who says it: a user's id or a publisher's.
    pub author: String,
    /// The author's own id for it; appending the same again returns the first entry. When that was removed since,
    /// its offset and timestamp with what was sent now.
    pub client_id: Option<String>,
    /// The feed's label.
    pub channel: Option<String>,
    /// Kept as long as retention allows; the others go as soon as the log no longer has to be complete.
    pub lasting: bool,
    /// The domain's JSON, opaque here.
    pub body: String,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its log.
    pub topic: TopicName,
    /// Its place in the log.
    pub offset: Offset,
    /// Milliseconds since the Unix epoch by the clock of who appended it. It may be less than that of the entry
    /// before: clocks are put right, and nodes have one each. Order comes from the offset alone.
    pub timestamp: i64,
    /// See [`NewEntry::author`].
    pub author: String,
    /// See [`NewEntry::client_id`].
    pub client_id: Option<String>,
    /// See [`NewEntry::channel`].
    pub channel: Option<String>,
    /// See [`NewEntry::body`].
    pub body: String,
}

/// The answer to an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// What is stored.
    pub record: Record,
    /// False when the same author had appended the same client id before: `record` is that first one.
    pub first: bool,
}

/// The bounds of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Its numbering.
    pub epoch: Epoch,
    /// Every entry after this offset is retained. Below it only lasting ones may be. A reader is not judged by it but by
    /// what was removed of what it reads, see [`Slice::removed`].
    pub floor: Offset,
    /// The last offset given out; 0 for an empty log.
    pub head: Offset,
}

/// Which entries of a log to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only entries of these channels.
    pub channels: Channels,
    /// Only lasting entries.
    pub lasting: bool,
}

/// A piece of a log, with the bounds it had in the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The bounds when it was read.
    pub bounds: Bounds,
    /// The highest offset of the removed entries that the filter lets through, or a higher one where that is not known
    /// any more; 0 when none was removed. Who has seen everything up to here lacks nothing that is gone.
    pub removed: Offset,
    /// Ascending by offset.
    pub records: Vec<Record>,
    /// There was more in the direction that was read.
    pub more: bool,
}

/// Whether other servers may have the same database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// None may.
    Alone,
    /// Those may that share it too: they tell each other what they append.
    WithNodes,
}

/// What can go wrong in a store. The reader is told "unavailable"; the log has this.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("the database refused: {0}")]
    Sqlite(rusqlite::Error),
    /// PostgreSQL refused.
    #[error("PostgreSQL refused: {0}")]
    Postgres(String),
    /// PostgreSQL has no place, is read only, or its disk fails.
    #[error("PostgreSQL cannot be written to: {0}")]
    NotWritable(String),
    /// There is no connection to PostgreSQL.
    #[error("PostgreSQL cannot be reached: {0}")]
    Unreachable(String),
    /// PostgreSQL, or a connection to it, was waited for in vain.
    #[error("PostgreSQL did not answer within {0:?}")]
    NoAnswer(Duration),
    /// The connection was lost during a commit: what was to be stored may be stored.
    #[error("the connection to PostgreSQL was lost during a commit; it is not known yet what is stored")]
    Undecided,
    /// It is another PostgreSQL than at the start, or it has lost its end.
    #[error(
        "PostgreSQL is not the one of the start any more (restored or promoted): restart this server, which then \
         tells its readers"
    )]
    Replaced,
    /// SQLite takes it, PostgreSQL does not.
    #[error("PostgreSQL stores no text with a null character in it")]
    NullCharacter,
    /// A history is to be moved to where there is one.
    #[error("the database to move to has a history already: choose an empty one")]
    NotEmpty,
    /// The address of the database is at fault. Without the address, which has a password in it.
    #[error("the address of the database (--database-url, DATABASE_URL) cannot be used: {0}")]
    Address(String),
    /// What it was committed together with failed as a whole.
    #[error("{0}")]
    Batch(Arc<Self>),
    /// Whoever began a copy ended it.
    #[error("interrupted: nothing was made or changed")]
    Interrupted,
    /// Another process has the database.
    #[error("another idobata is using this data folder: stop it, or choose another folder with --data")]
    InUse,
    /// Another server has the PostgreSQL database.
    #[error(
        "another idobata is using this database: stop it, give this one a database of its own, or let both have the \
         same Redis (--redis-url)"
    )]
    DatabaseInUse,
    /// A file has one server.
    #[error(
        "--redis-url is for nodes that share a PostgreSQL database: set DATABASE_URL=postgres://… as well"
    )]
    NotShared,
    /// A file of the database cannot be used.
    #[error("{} {fault}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not, and the fix.
        fault: String,
    },
    /// The database has fewer writes than were acknowledged.
    #[error(
        "the database {} has {written} of the {marked} writes that were acknowledged (by {}): it lost its end, or an older copy \
         was put in its place. Put the newer files back (with their -wal), or a backup by `idobata restore FILE`, or \
         start once with --accept-loss to go on without them; readers are told then",
        path.display(), mark.display()
    )]
    Behind {
        /// The database.
        path: PathBuf,
        /// The file that has the count of what was acknowledged.
        mark: PathBuf,
        /// That count.
        marked: u64,
        /// What the database has.
        written: u64,
    },
    /// A file of the database is not the one any more that was opened.
    #[error(
        "{} {how} while the server runs: nothing is read from the database or stored any more. Stop the server, put \
         the right file in its place or a backup by `idobata restore FILE`, and start it again",
        path.display()
    )]
    Moved {
        /// Which one.
        path: PathBuf,
        /// What became of it.
        how: &'static str,
        /// It was noticed after a commit: what was stored may be there when the file comes back.
        is_committed: bool,
    },
    /// Another program reads the database and keeps its log from being begun anew.
    #[error(
        "another program has been reading {} for so long that its log (-wal) has {bytes} bytes, and {max_bytes} are \
         allowed (--max-wal): nothing is stored until that program has ended; `fuser -v {}` names it",
        path.display(), path.display()
    )]
    WalFull {
        /// The database.
        path: PathBuf,
        /// How large its log is.
        bytes: u64,
        /// How large it may be.
        max_bytes: u64,
    },
    /// PostgreSQL would not store every text.
    #[error(
        "the PostgreSQL database has the encoding {0}, which does not have all characters: make one with UTF8, \
         `createdb --encoding UTF8 --template template0 NAME`"
    )]
    Encoding(String),
    /// A batch could not be committed; nothing of it is stored.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// What is stored cannot be read.
    #[error("the history is damaged: {0}")]
    Damaged(String),
    /// The database was written by a later version.
    #[error("the database has schema {found}, this program knows up to {known}: use a newer idobata")]
    TooNew {
        /// The schema's version in the file.
        found: usize,
        /// The newest we know.
        known: usize,
    },
}

/// By hand: its text is in ours, so it is no source, which would be printed once more.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl StoreError {
    /// Whether what was to be stored may be stored all the same.
    pub fn is_undecided(&self) -> bool {
        match self {
            Self::Undecided | Self::Moved { is_committed: true, .. } => true,
            Self::Batch(error) => error.is_undecided(),
            _ => false,
        }
    }
}

/// Told of every committed entry of a topic, in offset order, before its append is acknowledged.
pub trait Announce: Send + Sync + 'static {
    /// `records` are new, ascending, of one topic, which has this epoch.
    fn announce(&self, epoch: &Epoch, records: &[Record]);
}

/// Durable history. All calls may come from many tasks at once.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The bounds of a log, which is made if it is not there.
    async fn bounds(&self, topic: &TopicName) -> Result<Bounds, StoreError>;

    /// The bounds of a log, which is made if it is not there, and what was removed of what the filter lets through, as
    /// [`Slice::removed`].
    async fn bounds_for(&self, topic: &TopicName, filter: &Filter) -> Result<(Bounds, Offset), StoreError>;

    /// The bounds of those of these logs that are there.
    async fn bounds_of(&self, topics: &[TopicName]) -> Result<Vec<(TopicName, Bounds)>, StoreError>;

    /// Appends all drafts or none. Returns when they are durable and announced.
    async fn append(&self, topic: &TopicName, drafts: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError>;

    /// The first `limit` entries after `after` that pass the filter.
    async fn read_after(
        &self,
        topic: &TopicName,
        after: Offset,
        filter: &Filter,
        limit: usize,
    ) -> Result<Slice, StoreError>;

    /// The last `limit` entries before `before` that pass the filter, ascending. Lasting ones below the floor too.
    async fn read_before(
        &self,
        topic: &TopicName,
        before: Offset,
        filter: &Filter,
        limit: usize,
    ) -> Result<Slice, StoreError>;

    /// The newest `limit` entries that are not lasting, of each of the `count` of these channels that spoke last,
    /// ascending.
    async fn latest_by_channel(
        &self,
        topic: &TopicName,
        channels: &Channels,
        count: usize,
        limit: usize,
    ) -> Result<Slice, StoreError>;

    /// Removes what retention does not keep, and notes of each channel how far it was removed. Returns how many entries
    /// went. Age goes in the order of the offsets, so that an entry with a wrong date goes with its neighbours. `now_ms`
    /// is the settled time; an entry that is dated after it may be of any age, and is old when a later one is.
    async fn trim(&self, topic: &TopicName, retention: Retention, now_ms: i64) -> Result<u64, StoreError>;

    /// When the newest entry of any topic was appended, in milliseconds since the Unix epoch, as far as that is not
    /// after `until_ms`. `None`: nothing was.
    async fn newest_timestamp(&self, until_ms: i64) -> Result<Option<i64>, StoreError>;

    /// Every topic there is.
    async fn topics(&self) -> Result<Vec<TopicName>, StoreError>;

    /// Makes a room unless there is one of this id, or `limit` rooms.
    async fn create_room(&self, room: Room, limit: usize) -> Result<RoomCreation, StoreError>;

    /// The rooms in the order they were made.
    async fn rooms(&self) -> Result<Vec<Room>, StoreError>;

    /// Whether it can be written to. Writes a little to find out, unless something was written just now.
    async fn check(&self) -> Result<(), StoreError>;

    /// Finishes what was begun and lets go of the database.
    async fn close(&self);
}

/// What came of [`Store::create_room`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomCreation {
    /// It is there now.
    Created,
    /// It was there.
    Exists,
    /// There are too many.
    Full,
}
