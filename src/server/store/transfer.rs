//! Copies a history from SQLite to PostgreSQL with its epochs, offsets and timestamps, so that readers resume across
//! the move. `idobata migrate` is the caller; no server may use the file meanwhile.

use std::path::Path;

use super::{
    StoreError,
    copied::CopiedTopic,
    postgres::{Address, Import},
    sqlite::Export,
};

/// Counts of the copied rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Topics.
    pub topics: usize,
    /// Entries of all topics.
    pub entries: usize,
    /// Client ids of removed entries.
    pub past_client_ids: usize,
    /// Rooms.
    pub rooms: usize,
    /// Documents.
    pub documents: usize,
}

/// Copies everything, or nothing if it fails. The target must be empty.
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
        copy_tags(&export, &import, topic.id, id).await?;
        copy_states(&export, &import, topic.id, id).await?;
        copied.past_client_ids += copy_past_client_ids(&export, &import, topic.id, id).await?;
        tracing::debug!(topic = topic.name, entries, "copied a topic");
    }
    let rooms = export.rooms()?;
    import.rooms(&rooms).await?;
    copied.rooms = rooms.len();
    copy_people(&export, &import).await?;
    copy_files(&export, &import).await?;
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

async fn copy_tags(export: &Export, import: &Import, from: i64, to: i64) -> Result<(), StoreError> {
    let mut last = None;
    loop {
        let mut page = export.tags_after(from, last.as_ref())?;
        import.tags(to, &page).await?;
        last = page.pop();
        if last.is_none() {
            return Ok(());
        }
    }
}

async fn copy_states(export: &Export, import: &Import, from: i64, to: i64) -> Result<(), StoreError> {
    let mut key = String::new();
    loop {
        let page = export.states_after(from, &key)?;
        let Some(last) = page.last() else { return Ok(()) };
        key.clone_from(&last.key);
        import.states(to, &page).await?;
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

async fn copy_people(export: &Export, import: &Import) -> Result<(), StoreError> {
    let mut id = String::new();
    loop {
        let page = export.people_after(&id)?;
        let Some(last) = page.last() else { return Ok(()) };
        id.clone_from(&last.id);
        import.people(&page).await?;
    }
}

async fn copy_files(export: &Export, import: &Import) -> Result<(), StoreError> {
    let mut id = String::new();
    loop {
        let page = export.files_after(&id)?;
        let Some(last) = page.last() else { return Ok(()) };
        id.clone_from(&last.id);
        import.files(&page).await?;
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
