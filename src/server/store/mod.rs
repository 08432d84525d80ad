//! Durable history: the logs of all topics, and the list of rooms.
//!
//! The hub (`server::log`) is the caller. A store assigns offsets and timestamps, keeps through a crash whatever it
//! acknowledged, and calls [`Announce`] for every committed entry in offset order. It must not hold a lock of its own
//! during that call.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::config::Retention;
use crate::protocol::{
    chat::Room,
    cursor::{Epoch, Offset},
    name::RoomId,
    problem::Rejection,
};

mod change;
mod channels;
pub(crate) mod clock_record;
#[cfg(test)]
mod conformance;
mod copied;
pub mod directory;
mod files;
mod health;
pub mod location;
pub(crate) mod normalized_name;
mod people;
pub mod postgres;
pub(crate) mod private_file;
mod reference;
mod search;
pub mod sqlite;
mod state;
pub mod transfer;

/// Offsets that a trim covers in one transaction, so that publishers do not wait behind a large trim: taking the words of a
/// message out of the search's index costs SQLite some 0.5 ms.
const TRIM_STEP: u64 = 200;

/// Client ids of removed entries that a topic remembers, whatever their age: a hundred megabytes at most.
const PAST_CLIENT_IDS_MAX: u64 = 1_000_000;

/// Rows per topic in the table of removed offsets, which has one for each channel and kind of entry. A feed has a few
/// dozen channels; a publisher that invents channels without end must not let the table grow, and a read scans all rows
/// of a topic at worst. Rows beyond this limit are folded into one offset, the least recent first.
const REMOVALS_MAX: u64 = 1_000;

/// A new random epoch of 48 bits, so that two epochs of one topic are equal only by chance.
fn new_epoch() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..12].to_owned()
}

pub use self::{
    change::{Change, Erase, Fold, Folded, TAG_HOLDERS, TagChange, TagState},
    channels::Channels,
    files::{FileAddition, FileQuota, FileRecord},
    people::Person,
    reference::{Reference, Resolve, Resolved},
    search::{Document, Hit, IndexProgress, Place, Search},
    state::{FoldState, FoldedState, STATE_KEYS_MAX, State, StateChange, Unchanged},
};

/// The name of a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TopicName {
    /// The feed.
    Feed,
    /// The log of a room.
    Room(RoomId),
    /// The log of a user, by their id, which other systems may have given. Only [`TopicName::of_user`] makes one.
    User(String),
}

/// Longest id of a user who has a log, in bytes: an issuer's have at most 128 characters.
const USER_ID_MAX_BYTES: usize = 512;

impl TopicName {
    /// The log of the user with this id. `None` for an id that no user has: an empty one, one that is too long, or one
    /// with a null character, which PostgreSQL cannot store.
    pub fn of_user(id: &str) -> Option<Self> {
        let fits = (1..=USER_ID_MAX_BYTES).contains(&id.len()) && !id.contains('\0');
        fits.then(|| Self::User(id.to_owned()))
    }

    /// Returns true if the log is made by its first write and never by reading: most users never have one.
    fn is_made_by_writing(&self) -> bool {
        matches!(self, Self::User(_))
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed => f.write_str("feed"),
            Self::Room(room) => write!(f, "room:{room}"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

impl FromStr for TopicName {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let name = match text.split_once(':') {
            None if text == "feed" => Some(Self::Feed),
            Some(("room", room)) => RoomId::parse(room).ok().map(Self::Room),
            Some(("user", id)) => Self::of_user(id),
            _ => None,
        };
        match name {
            Some(name) => Ok(name),
            None => Err(StoreError::Damaged(format!("there is a topic named {text:?}"))),
        }
    }
}

/// An entry to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Id of the user or the publisher who wrote it.
    pub author: String,
    /// The author's own id for the entry, which makes the append idempotent: a repeat returns the first entry. If
    /// retention has removed that one since, the answer has its offset and timestamp, and the body that was sent now.
    pub client_id: Option<String>,
    /// Label within the feed; `None` in a room.
    pub channel: Option<String>,
    /// True if the entry is kept for as long as retention allows; false if it is removed as soon as the floor passes
    /// it.
    pub lasting: bool,
    /// The domain's JSON, opaque to the store.
    pub body: String,
    /// Set if the entry changes an earlier one.
    pub change: Option<Change>,
    /// Set if the entry refers to earlier ones, which say what it becomes.
    pub reference: Option<Reference>,
    /// Set if the entry changes the topic's state, which says what it becomes.
    pub state: Option<StateChange>,
    /// The ids of files that belong to the entry from now on, and go with it. Each must be one that the author uploaded to
    /// this log and that no entry names yet; else the entry is rejected.
    pub files: Vec<String>,
}

/// A stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its log.
    pub topic: TopicName,
    /// Its position in the log.
    pub offset: Offset,
    /// Milliseconds since the Unix epoch by the clock of the node that appended it. It may be less than the timestamp
    /// of the entry before: clocks are corrected, and each node has its own. Order comes from the offset alone.
    pub timestamp: i64,
    /// Id of the user or the publisher, as [`NewEntry::author`].
    pub author: String,
    /// The author's own id for the entry, as [`NewEntry::client_id`].
    pub client_id: Option<String>,
    /// Label within the feed, as [`NewEntry::channel`].
    pub channel: Option<String>,
    /// The domain's JSON, as [`NewEntry::body`]; that of a changed entry as its changes left it.
    pub body: String,
    /// The offset of the entry that this one changed.
    pub target: Option<Offset>,
}

/// The answer to an append, for one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The entry as it is stored.
    pub record: Record,
    /// False for a repeat: the same author had appended the same client id before, and `record` is that first entry.
    pub first: bool,
    /// The entry that this one changed, as it is after the change. `None` for other entries, and for repeats.
    pub folded: Option<Record>,
    /// Set if the rule of [`NewEntry::state`] said that nothing changes: `record` is then in no log, and its offset is
    /// 0.
    pub unchanged: Option<Unchanged>,
}

impl NewEntry {
    /// The record of the entry at this offset.
    fn into_record(self, name: &TopicName, offset: Offset, timestamp: i64) -> Record {
        let Self { author, client_id, channel, body, change, .. } = self;
        let target = change.map(|change| change.target);
        Record { topic: name.clone(), offset, timestamp, author, client_id, channel, body, target }
    }
}

impl Appended {
    /// The answer for an entry that was not appended, because it changes nothing.
    fn unchanged(name: &TopicName, timestamp: i64, draft: NewEntry, unchanged: Unchanged) -> Self {
        let record = draft.into_record(name, 0, timestamp);
        Self { record, first: false, folded: None, unchanged: Some(unchanged) }
    }
}

/// The newest entries of a log that a room shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestCounted {
    /// The log's bounds, not newer than the entries.
    pub bounds: Bounds,
    /// The offset and the author of each, newest first.
    pub entries: Vec<(Offset, String)>,
}

/// The bounds of a log. Those of a user's log that was never written to have the epoch [`Epoch::unwritten`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Names the sequence of its offsets. Another epoch means other offsets, so cursors of the old one are reset.
    pub epoch: Epoch,
    /// Every entry after this offset is retained; at or below it only lasting ones may be. It does not decide whether a
    /// reader has missed something: [`Slice::removed`] does.
    pub floor: Offset,
    /// The last offset given out; 0 for an empty log.
    pub head: Offset,
}

impl Bounds {
    /// The bounds of a log that was never written to.
    fn unwritten() -> Self {
        Self { epoch: Epoch::unwritten(), floor: 0, head: 0 }
    }
}

/// A selection of a log's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only entries of these channels.
    pub channels: Channels,
    /// Only lasting entries.
    pub lasting: bool,
    /// Of a room's lasting entries only those that are in no thread.
    pub outside_threads: bool,
}

/// The direction of a read of a thread, and the offset where it begins, which is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Forwards.
    After(Offset),
    /// Backwards.
    Before(Offset),
}

/// The entries that have the same root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The offset of the root.
    pub root: Offset,
    /// Their number, without the root and without those that a change erased.
    pub count: u64,
    /// The newest of them.
    pub last: Record,
}

/// Entries of a log that pass a filter, with the log's bounds at the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The bounds at the time of the read.
    pub bounds: Bounds,
    /// The highest offset among the removed entries that pass the filter, or a higher one if the exact one is no longer
    /// known; 0 if none was removed. A reader whose cursor is at or above it has missed no removed entry.
    pub removed: Offset,
    /// Ascending by offset.
    pub records: Vec<Record>,
    /// True if there are more entries in the direction of the read.
    pub more: bool,
}

/// Sharing of a database between servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// No other server may use the database.
    Alone,
    /// Nodes that are also in this mode may use it; they announce their appends to each other.
    WithNodes,
}

/// An error of a store. Readers see only "unavailable"; the server's log has this text.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite returned an error.
    #[error("the database failed: {0}")]
    Sqlite(rusqlite::Error),
    /// PostgreSQL returned an error for a statement.
    #[error("PostgreSQL failed: {0}")]
    Postgres(String),
    /// PostgreSQL is out of disk space, read only, or its disk fails.
    #[error("PostgreSQL cannot be written to: {0}")]
    NotWritable(String),
    /// No connection to PostgreSQL can be made or kept.
    #[error("PostgreSQL cannot be reached: {0}")]
    Unreachable(String),
    /// PostgreSQL, or a free connection to it, did not answer in time.
    #[error("PostgreSQL did not answer within {0:?}")]
    NoAnswer(Duration),
    /// The connection was lost during a commit, so the entries may or may not be stored.
    #[error("the connection to PostgreSQL was lost during a commit; the outcome is not known yet")]
    Undecided,
    /// The database is not the one of the start any more, or it has lost its most recent writes.
    #[error(
        "PostgreSQL was replaced since the start (restored or promoted): restart this server; readers then \
         get a reset"
    )]
    Replaced,
    /// A text with a null character: SQLite stores it, PostgreSQL does not.
    #[error("PostgreSQL cannot store text that contains a null character")]
    NullCharacter,
    /// The target of a migration already has a history.
    #[error("the target database already has a history: choose an empty one")]
    NotEmpty,
    /// The database's address is invalid. The message never repeats the address, which may contain a password.
    #[error("the address of the database (--database-url, DATABASE_URL) cannot be used: {0}")]
    Address(String),
    /// The change's own rule rejected it.
    #[error("the change was rejected: {}", .0.message)]
    Rejected(Rejection),
    /// The whole batch failed with which the entry was committed.
    #[error("{0}")]
    Batch(Arc<Self>),
    /// The caller interrupted a backup or a restore.
    #[error("interrupted: nothing was changed")]
    Interrupted,
    /// Another process uses the database file.
    #[error("another idobata is using this data folder: stop it, or choose another folder with --data")]
    InUse,
    /// Another server uses the PostgreSQL database.
    #[error(
        "another idobata is using this database: stop it, give this one its own database, or connect both to the \
         same Redis (--redis-url)"
    )]
    DatabaseInUse,
    /// Nodes were asked to share an SQLite file, which only one server can use.
    #[error(
        "--redis-url is for nodes that share a PostgreSQL database: set DATABASE_URL=postgres://… as well"
    )]
    NotShared,
    /// One of the database's files cannot be used.
    #[error("{} {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason, and the fix.
        fault: String,
    },
    /// The database has fewer writes than were acknowledged.
    #[error(
        "the database {} has {written} of the {marked} writes that were acknowledged (by {}): it lost its newest writes, \
         or an older copy was put in its place. Put the newer files back (with their -wal), or a backup by `idobata restore FILE`, or \
         start once with --accept-loss to continue without them; readers then get a reset",
        path.display(), mark.display()
    )]
    Behind {
        /// The database.
        path: PathBuf,
        /// The file with the count of acknowledged writes.
        mark: PathBuf,
        /// The count of acknowledged writes.
        marked: u64,
        /// The count of writes in the database.
        written: u64,
    },
    /// One of the database's files is not the one any more that was opened.
    #[error(
        "{} {how} while the server is running: reads and writes have stopped. Stop the server, put \
         the right file in its place or a backup by `idobata restore FILE`, and start it again",
        path.display()
    )]
    Moved {
        /// The file.
        path: PathBuf,
        /// The change, such as "is gone".
        how: &'static str,
        /// True if it was noticed after a commit: then the entries may turn out to be stored once the file is back.
        is_committed: bool,
    },
    /// Another program's read transaction keeps SQLite from restarting the WAL, which has reached its limit.
    #[error(
        "another program has been reading {} for so long that its log (-wal) has grown to {bytes} bytes, and {max_bytes} are \
         allowed (--max-wal): nothing is stored until that program has ended; `fuser -v {}` names it",
        path.display(), path.display()
    )]
    WalFull {
        /// The database.
        path: PathBuf,
        /// Size of the WAL.
        bytes: u64,
        /// Limit of that size (`--max-wal`).
        max_bytes: u64,
    },
    /// The PostgreSQL database's encoding cannot represent every text.
    #[error(
        "the PostgreSQL database has the encoding {0}, which cannot store all characters: create one with UTF8, \
         `createdb --encoding UTF8 --template template0 NAME`"
    )]
    Encoding(String),
    /// A batch could not be committed; nothing of it is stored.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Stored data cannot be read.
    #[error("the history is damaged: {0}")]
    Damaged(String),
    /// The database was written by a later version.
    #[error("the database has schema {found}, this program knows up to {known}: use a newer idobata")]
    TooNew {
        /// Version of the schema in the database.
        found: usize,
        /// Newest version that this program knows.
        known: usize,
    },
}

/// Written by hand instead of `#[from]`: the message already contains SQLite's text, and as a `source` it would be
/// printed once more.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl StoreError {
    /// Returns true if the write may have been stored despite this error.
    pub fn is_undecided(&self) -> bool {
        match self {
            Self::Undecided | Self::Moved { is_committed: true, .. } => true,
            Self::Batch(error) => error.is_undecided(),
            _ => false,
        }
    }
}

/// Receives every committed entry of a topic, in offset order, before its append is acknowledged.
pub trait Announce: Send + Sync + 'static {
    /// `appended` are new, ascending by offset, and all of one topic, whose epoch is `epoch`.
    fn announce(&self, epoch: &Epoch, appended: &[Appended]);

    /// A transaction that wrote something took so long, from its beginning to its durable commit.
    fn note_commit(&self, _took: Duration) {}

    /// Returns the search document of an entry as it is stored; `None`: no search finds it. A pure function of the entry,
    /// which the store calls in the transaction that appends or changes it.
    fn document(&self, _record: &Record) -> Option<Document> {
        None
    }
}

/// The logs of all topics and the list of rooms. All methods may be called concurrently.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The bounds of a log, which is created if it does not exist; that of a user is not.
    async fn bounds(&self, topic: &TopicName) -> Result<Bounds, StoreError>;

    /// The bounds of a log, as [`Store::bounds`], and the highest removed offset among the entries
    /// that pass the filter, as in [`Slice::removed`].
    async fn bounds_for(&self, topic: &TopicName, filter: &Filter) -> Result<(Bounds, Offset), StoreError>;

    /// The bounds of each of these logs that exists; the others are left out.
    async fn bounds_of(&self, topics: &[TopicName]) -> Result<Vec<(TopicName, Bounds)>, StoreError>;

    /// Appends all entries or none, and folds changes into the entries that they change. Returns when they are durable
    /// and announced, with one answer per entry in their order. Fails with [`StoreError::Rejected`] if the rule of a
    /// change, a reference or a state rejects it. The log is created if it does not exist and something is appended.
    async fn append(&self, topic: &TopicName, drafts: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError>;

    /// The first `limit` entries after `after` that pass the filter.
    async fn read_after(
        &self,
        topic: &TopicName,
        after: Offset,
        filter: &Filter,
        limit: usize,
    ) -> Result<Slice, StoreError>;

    /// The last `limit` entries before `before` that pass the filter, ascending, with lasting ones below the floor too.
    async fn read_before(
        &self,
        topic: &TopicName,
        before: Offset,
        filter: &Filter,
        limit: usize,
    ) -> Result<Slice, StoreError>;

    /// Those of the entries at these offsets that are stored, ascending.
    async fn read_each(&self, topic: &TopicName, offsets: &[Offset]) -> Result<Vec<Record>, StoreError>;

    /// The first `limit` entries of a thread in one direction, ascending: its root, and those that were resolved in it and are
    /// not erased. [`Slice::removed`] is 0.
    async fn read_thread(
        &self,
        topic: &TopicName,
        root: Offset,
        side: Side,
        limit: usize,
    ) -> Result<Slice, StoreError>;

    /// The log's head, and the threads with these roots at the same instant. Those without entries are left out.
    async fn threads(&self, topic: &TopicName, roots: &[Offset])
    -> Result<(Offset, Vec<Thread>), StoreError>;

    /// The entries that hold this tag themselves, as [`TagChange::holder`] says: the newest `limit`, those first that got it
    /// last.
    async fn tagged(&self, topic: &TopicName, tag: &str, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// Those of the pairs of an entry and a tag that this holder holds.
    async fn held(
        &self,
        topic: &TopicName,
        holder: &str,
        pairs: Vec<(Offset, String)>,
    ) -> Result<Vec<(Offset, String)>, StoreError>;

    /// The bounds of a log, as [`Store::bounds`], and all of its state at the same instant, in the order of the keys'
    /// bytes.
    async fn states(&self, topic: &TopicName) -> Result<(Bounds, Vec<State>), StoreError>;

    /// The state of one key of a log.
    async fn state(&self, topic: &TopicName, key: &str) -> Result<Option<State>, StoreError>;

    /// Writes a person: a new one, or the name of a known one and when they were seen, which never goes back. `since` of a known
    /// one stays.
    async fn note_person(&self, person: &Person) -> Result<(), StoreError>;

    /// The first `limit` people, in the order of the bytes of `name_key`, whose log has this key and whose `name_key` begins
    /// with `prefix`.
    async fn people(&self, key: &str, prefix: &str, limit: usize) -> Result<Vec<Person>, StoreError>;

    /// The people whose log has this key and whose `name_key` is one of these, those first that were seen last; a thousand at
    /// most.
    async fn people_named(&self, key: &str, name_keys: &[String]) -> Result<Vec<Person>, StoreError>;

    /// Those of the people with these ids who are stored, in any order.
    async fn people_by_id(&self, ids: &[String]) -> Result<Vec<Person>, StoreError>;

    /// Removes the people who were last seen before a time, in milliseconds since the Unix epoch, and whose log has no keys.
    /// Returns how many.
    async fn expire_people(&self, before_ms: i64) -> Result<u64, StoreError>;

    /// Adds a file to the room whose log is [`FileRecord::topic`], unless the quota is used up.
    async fn add_file(&self, file: &FileRecord, quota: FileQuota) -> Result<FileAddition, StoreError>;

    /// Those of the files with these ids that are stored, in any order.
    async fn files(&self, ids: &[String]) -> Result<Vec<FileRecord>, StoreError>;

    /// Removes the files that were uploaded before a time, in milliseconds since the Unix epoch, and that no entry names.
    /// Returns how many. Those that an entry names go with it.
    async fn expire_files(&self, before_ms: i64) -> Result<u64, StoreError>;

    /// The hashes of contents that lost a record and were not looked after since, `limit` at most.
    async fn removed_contents(&self, limit: usize) -> Result<Vec<String>, StoreError>;

    /// Forgets that a content lost a record.
    async fn forget_removed_content(&self, hash: &str) -> Result<(), StoreError>;

    /// Those of the hashes that the record of a file has.
    async fn known_contents(&self, hashes: &[String]) -> Result<Vec<String>, StoreError>;

    /// For each of these logs, the number of its entries after the offset that a room shows and others than `author`
    /// wrote: lasting ones in no channel and no thread that no change erased. Counts `max` of each at most, and 0 in a
    /// log that does not exist. All counts are of one instant.
    async fn count_after(
        &self,
        places: &[(TopicName, Offset)],
        author: &str,
        max: u64,
    ) -> Result<Vec<u64>, StoreError>;

    /// The newest entries of a log that [`Store::count_after`] counts, `limit` at most. `None` if the log does not exist.
    async fn newest_counted(
        &self,
        topic: &TopicName,
        limit: usize,
    ) -> Result<Option<NewestCounted>, StoreError>;

    /// Of the `count` selected channels with the most recent entries, the newest `limit` entries each, ascending.
    /// Considers only entries that are not lasting.
    async fn latest_by_channel(
        &self,
        topic: &TopicName,
        channels: &Channels,
        count: usize,
        limit: usize,
    ) -> Result<Slice, StoreError>;

    /// The first `limit` names, in the order of their bytes, of the channels that have entries, without those in
    /// `except`.
    async fn channel_names(
        &self,
        topic: &TopicName,
        except: &[String],
        limit: usize,
    ) -> Result<Vec<String>, StoreError>;

    /// The newest entries that a search finds, those of the newest time first. Entries that are not indexed yet are not found,
    /// see [`Store::index_step`].
    async fn search(&self, search: &Search) -> Result<Vec<Hit>, StoreError>;

    /// Indexes some entries that an older program left unindexed, or indexed by an older rule, and says how many are left.
    /// It may be called on several nodes, and goes on where the last step ended, also after a restart.
    async fn index_step(&self) -> Result<IndexProgress, StoreError>;

    /// Removes the entries that retention does not keep, and records the highest removed offset of each channel.
    /// Returns the number of removed entries. Age is applied in offset order, so that an entry with a wrong timestamp
    /// is removed together with its neighbours. `now_ms` is the settled time; an entry dated after it may be of any
    /// age, and counts as old once a later entry is old.
    async fn trim(&self, topic: &TopicName, retention: Retention, now_ms: i64) -> Result<u64, StoreError>;

    /// The newest timestamp of any topic's last entry that is not after `until_ms`, in milliseconds since the Unix
    /// epoch. `None` if there is none.
    async fn newest_timestamp(&self, until_ms: i64) -> Result<Option<i64>, StoreError>;

    /// The names of all topics.
    async fn topics(&self) -> Result<Vec<TopicName>, StoreError>;

    /// Creates a room, unless one with its id exists or there are `limit` rooms already.
    async fn create_room(&self, room: Room, limit: usize) -> Result<RoomCreation, StoreError>;

    /// Removes a room with all its entries and what belongs to them. Its log keeps name, epoch and head. Returns when
    /// nothing of the texts is left, as far as a deletion leaves nothing. To be called when no node writes to the room any
    /// more; it may be called again.
    async fn remove_room(&self, room: &RoomId) -> Result<(), StoreError>;

    /// All rooms, in the order of their creation.
    async fn rooms(&self) -> Result<Vec<Room>, StoreError>;

    /// Fails unless the store can be written to. Tries a small write, unless one succeeded just now.
    async fn check(&self) -> Result<(), StoreError>;

    /// Finishes pending writes and releases the database.
    async fn close(&self);
}

/// The outcome of [`Store::create_room`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomCreation {
    /// The room was created.
    Created,
    /// A room with this id existed already.
    Exists,
    /// There are `limit` rooms already.
    Full,
}
