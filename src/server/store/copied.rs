//! Rows on their way from one store to another: what `transfer` reads from SQLite and writes to PostgreSQL.

/// Rows that are read and written at once: a few megabytes at the most.
pub(super) const PAGE_ROWS: u32 = 1_000;

/// A topic as it is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTopic {
    /// Its row in the store it is read from.
    pub id: i64,
    /// See [`super::TopicName`].
    pub name: String,
    /// See [`super::Bounds`], and the next two.
    pub epoch: String,
    /// The last offset given out.
    pub head: i64,
    /// Every entry after it is there.
    pub floor: i64,
    /// The newest entry's.
    pub timestamp: i64,
    /// The removed offset that is assumed of every channel.
    pub removed: i64,
}

/// How far a channel of a topic was removed, see [`super::Slice::removed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedRemoval {
    /// Empty for entries without one.
    pub channel: String,
    /// Whether it is of lasting entries.
    pub lasting: bool,
    /// The highest offset that was removed.
    pub offset: i64,
}

/// An entry as it is copied, see [`super::Record`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of a record")]
pub struct CopiedEntry {
    pub offset: i64,
    pub timestamp: i64,
    pub author: String,
    pub client_id: Option<String>,
    pub channel: Option<String>,
    pub lasting: bool,
    pub body: String,
}

/// The client id of an entry that was removed, which is recognized all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of a record")]
pub struct PastClientId {
    pub author: String,
    pub client_id: String,
    pub offset: i64,
    pub timestamp: i64,
}

/// A document of the directory, see [`super::directory::Step`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of a step")]
pub struct CopiedDocument {
    pub kind: String,
    pub id: String,
    pub body: String,
}
