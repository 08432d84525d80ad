//! Rows in transit from one store to another: `transfer` reads them from SQLite and writes them to PostgreSQL.

/// Rows per read and write: a few megabytes at most.
pub(super) const PAGE_ROWS: u32 = 1_000;

/// A topic's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTopic {
    /// Its row id in the store that it is read from.
    pub id: i64,
    /// Text form of a [`super::TopicName`].
    pub name: String,
    /// Names the sequence of its offsets, as [`super::Bounds::epoch`].
    pub epoch: String,
    /// The last offset given out, as [`super::Bounds::head`]; 0 for an empty log.
    pub head: i64,
    /// Every entry after this offset is retained, as [`super::Bounds::floor`].
    pub floor: i64,
    /// Timestamp of the newest entry, in milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The removed offset that is assumed for every channel, for removals that are not recorded by channel.
    pub removed: i64,
}

/// The highest removed offset of a topic's channel; [`super::Slice::removed`] is computed from these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedRemoval {
    /// Empty for entries without a channel.
    pub channel: String,
    /// True if it counts the lasting entries of the channel, false if it counts the others.
    pub lasting: bool,
    /// The highest offset that was removed.
    pub offset: i64,
}

/// An entry's row, with the fields of a [`super::Record`].
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
    /// As [`super::Record::target`].
    pub target: Option<i64>,
    /// As [`super::Resolved::thread`].
    pub thread: Option<i64>,
    /// A change erased it.
    pub erased: bool,
}

/// A holder of a tag, as [`super::TagChange`] has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of a change of a tag")]
pub struct CopiedTag {
    /// The offset of the entry.
    pub target: i64,
    pub name: String,
    pub holder: String,
    pub holder_name: String,
    /// The offset of the change that gave it.
    pub offset: i64,
}

/// A key's value, as [`super::State`] has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of a state")]
pub struct CopiedState {
    pub key: String,
    pub value: String,
    pub offset: i64,
}

/// The client id of a removed entry: it is kept so that a repeated post is still recognized.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of a record")]
pub struct PastClientId {
    pub author: String,
    pub client_id: String,
    pub offset: i64,
    pub timestamp: i64,
}

/// A document's row. A [`super::directory::Mutation`] has the same kind, id and body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of a step")]
pub struct CopiedDocument {
    pub kind: String,
    pub id: String,
    pub body: String,
}
