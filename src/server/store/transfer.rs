//! Moves a history from SQLite to PostgreSQL with its epochs, offsets and times, so that readers resume across the
//! move. `idobata migrate` is the caller; no server may have the file meanwhile.

use super::{
    StoreError,
    postgres::{Address, Import},
    sqlite::Export,
};
use std::path::Path;

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

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many topics.
    pub topics: usize,
    /// How many entries of all topics.
    pub entries: usize,
    /// How many client ids of removed entries.
    pub past_client_ids: usize,
    /// How many rooms.
    pub rooms: usize,
    /// How many documents.
    pub documents: usize,
}

/// Copies everything, or nothing.
pub async fn copy(from: &Path, to: &Address) -> Result<Copied, StoreError> {
    let export = Export::open(from)?;
    let import = Import::begin(to).await?;
    let mut copied = Copied::default();
    for topic in export.topics()? {
        let id = import.topic(&topic).await?;
        import.removals(id, &export.removals(topic.id)?).await?;
        copied.topics += 1;
        let entries = copy_entries(&export, &import, &topic, id).await?;
        copied.entries += entries;
        copied.past_client_ids += copy_past_client_ids(&export, &import, topic.id, id).await?;
        tracing::debug!(topic = topic.name, entries, "copied a topic");
    }
    let rooms = export.rooms()?;
    import.rooms(&rooms).await?;
    copied.rooms = rooms.len();
    copied.documents = copy_documents(&export, &import).await?;
    import.commit().await?;
    Ok(copied)
}

async fn copy_entries(
    export: &Export,
    import: &Import,
    topic: &CopiedTopic,
    id: i64,
) -> Result<usize, StoreError> {
    let (mut count, mut offset) = (0, 0);
    loop {
        let page = export.entries_after(topic.id, offset)?;
        let Some(last) = page.last() else { return Ok(count) };
        offset = last.offset;
        import.entries(id, &page).await?;
        count += page.len();
        tracing::debug!(topic = topic.name, offset, head = topic.head, "copying");
    }
}

async fn copy_past_client_ids(
    export: &Export,
    import: &Import,
    from: i64,
    to: i64,
) -> Result<usize, StoreError> {
    let (mut count, mut author, mut client_id) = (0, String::new(), String::new());
    loop {
        let page = export.past_client_ids_after(from, &author, &client_id)?;
        let Some(last) = page.last() else { return Ok(count) };
        (author, client_id) = (last.author.clone(), last.client_id.clone());
        import.past_client_ids(to, &page).await?;
        count += page.len();
    }
}

async fn copy_documents(export: &Export, import: &Import) -> Result<usize, StoreError> {
    let (mut count, mut kind, mut id) = (0, String::new(), String::new());
    loop {
        let page = export.documents_after(&kind, &id)?;
        let Some(last) = page.last() else { return Ok(count) };
        (kind, id) = (last.kind.clone(), last.id.clone());
        import.documents(&page).await?;
        count += page.len();
    }
}
