//! The work of the writer's jobs, inside their transaction: append, create topics and rooms.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    erasure, files,
    read::{epoch_of, stored_at},
    record::{COLUMNS, record_of},
    search, states, tags, threads, writes,
};
use crate::{
    protocol::{
        chat::Room,
        cursor::{Epoch, Offset},
        name::RoomId,
    },
    server::{
        clock::now_ms,
        store::{
            Announce, Appended, Change, Erase, NewEntry, Record, Reference, RoomCreation, StoreError,
            TagState, TopicName, new_epoch, state,
        },
    },
};

/// A topic's row.
pub(super) struct Topic {
    pub(super) id: i64,
    epoch: String,
    pub(super) head: Offset,
    pub(super) floor: Offset,
}

/// The outcome of an append.
pub(super) struct Batch {
    /// The topic's epoch.
    pub(super) epoch: Epoch,
    /// One answer per entry.
    pub(super) appended: Vec<Appended>,
    /// Texts were erased: they must not stay in the files.
    pub(super) has_erased: bool,
}

pub(super) fn topic(connection: &Connection, name: &TopicName) -> Result<Option<Topic>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT id, head, floor, epoch FROM topics WHERE name = ?1")?;
    let row = select.query_row([name.to_string()], |row| {
        Ok(Topic { id: row.get(0)?, head: row.get(1)?, floor: row.get(2)?, epoch: row.get(3)? })
    });
    Ok(row.optional()?)
}

/// Creates the topic if it does not exist.
pub(super) fn ensure_topic(connection: &Connection, name: &TopicName) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO topics (name, epoch) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![name.to_string(), new_epoch()])?;
    Ok(())
}

/// Appends the entries and folds changes into the entries that they change. A repeated client id gets its first entry and
/// is not stored again.
pub(super) fn append(
    connection: &Connection,
    name: &TopicName,
    drafts: Vec<NewEntry>,
    announce: &dyn Announce,
) -> Result<Batch, StoreError> {
    let (topic, is_new_topic) = match topic(connection, name)? {
        Some(topic) => (topic, false),
        None => {
            ensure_topic(connection, name)?;
            let made = topic(connection, name)?;
            (made.ok_or_else(|| StoreError::Damaged(format!("{name} cannot be made")))?, true)
        }
    };
    let timestamp = now_ms();
    let mut head = topic.head;
    let (mut appended, mut has_erased) = (Vec::with_capacity(drafts.len()), false);
    for mut draft in drafts {
        if let Some(record) = first_of(connection, name, topic.id, &draft)? {
            appended.push(Appended { record, first: false, folded: None, unchanged: None });
            continue;
        }
        if let Some(change) = draft.state.take() {
            match states::fold(connection, topic.id, &change, head + 1)? {
                state::Outcome::Changed(_, body) => draft.body = body,
                state::Outcome::Unchanged(unchanged) => {
                    appended.push(Appended::unchanged(name, timestamp, draft, unchanged));
                    continue;
                }
            }
        }
        head += 1;
        let change = draft.change.clone();
        let folded =
            change.map(|change| fold(connection, name, topic.id, head, &change, announce)).transpose()?;
        let folded = folded.map(|Outcome { record, change_body, erases }| {
            has_erased |= erases;
            draft.body = change_body.unwrap_or_else(|| std::mem::take(&mut draft.body));
            record
        });
        let mut thread = None;
        if let Some(reference) = draft.reference.take() {
            let resolved = reference.rule.resolve(&referred(connection, name, topic.id, &reference)?);
            let resolved = resolved.map_err(StoreError::Rejected)?;
            (draft.body, thread) = (resolved.body, resolved.thread);
        }
        let is_lasting = draft.lasting;
        files::attach(connection, topic.id, head, &draft.author, &draft.files)?;
        let record = insert(connection, name, topic.id, head, timestamp, draft, thread)?;
        if is_lasting {
            search::append(connection, topic.id, &record, announce)?;
        }
        appended.push(Appended { record, first: true, folded, unchanged: None });
    }
    // If all were repeats or changed nothing, nothing is written.
    if is_new_topic && head == topic.head {
        connection.prepare_cached("DELETE FROM topics WHERE id = ?1")?.execute([topic.id])?;
    }
    if head > topic.head {
        connection
            .prepare_cached("UPDATE topics SET head = ?2, timestamp = ?3 WHERE id = ?1")?
            .execute(params![topic.id, head, timestamp])?;
    }
    if has_erased {
        erasure::note_due(connection)?;
    }
    Ok(Batch { epoch: epoch_of(name, &topic.epoch)?, appended, has_erased })
}

/// The entries to which an entry refers.
fn referred(
    connection: &Connection,
    name: &TopicName,
    topic: i64,
    reference: &Reference,
) -> Result<Vec<Option<Record>>, StoreError> {
    reference.targets.iter().map(|target| stored_at(connection, name, topic, *target)).collect()
}

/// The outcome of a change.
struct Outcome {
    /// The entry as it is then.
    record: Record,
    /// The new body of the change.
    change_body: Option<String>,
    /// Something was erased.
    erases: bool,
}

/// Folds the change at `offset` into its entry.
fn fold(
    connection: &Connection,
    name: &TopicName,
    topic: i64,
    offset: Offset,
    change: &Change,
    announce: &dyn Announce,
) -> Result<Outcome, StoreError> {
    let stored = stored_at(connection, name, topic, change.target)?;
    let state = match &change.tag {
        Some(tag) => tags::state(connection, topic, change.target, tag)?,
        None => TagState::default(),
    };
    let folded = change.fold.fold(stored.as_ref(), &state, offset).map_err(StoreError::Rejected)?;
    let stored =
        stored.ok_or_else(|| StoreError::Damaged(format!("an entry that is not in {name} was changed")))?;
    connection
        .prepare_cached("UPDATE entries SET body = ?3 WHERE topic = ?1 AND offset = ?2")?
        .execute(params![topic, change.target, folded.body])?;
    if let Some(tag) = &change.tag {
        tags::apply(connection, topic, change.target, tag, offset)?;
    }
    if let Some(erase) = folded.erase {
        erase_changes(connection, topic, change.target, erase)?;
        tags::remove(connection, topic, change.target)?;
        files::remove(connection, topic, change.target)?;
        threads::leave(connection, topic, change.target)?;
    }
    let (body, change_body) = (folded.body, folded.change_body);
    let record = Record { body, ..stored.clone() };
    search::change(connection, topic, &stored, &record, announce)?;
    Ok(Outcome { record, change_body, erases: folded.erase.is_some() })
}

/// Rewrites the bodies of the changes of an entry.
fn erase_changes(
    connection: &Connection,
    topic: i64,
    target: Offset,
    erase: Erase,
) -> Result<(), StoreError> {
    let mut select =
        connection.prepare_cached("SELECT offset, body FROM entries WHERE topic = ?1 AND target = ?2")?;
    let rows = select.query_map(params![topic, target], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let changes: Vec<(Offset, String)> = rows.collect::<Result<_, _>>()?;
    let mut update =
        connection.prepare_cached("UPDATE entries SET body = ?3 WHERE topic = ?1 AND offset = ?2")?;
    for (offset, body) in changes {
        update.execute(params![topic, offset, erase(&body)])?;
    }
    Ok(())
}

/// The entry that this author appended earlier with the same client id. If it was removed since, its offset and
/// timestamp with the text of `draft`.
fn first_of(
    connection: &Connection,
    name: &TopicName,
    topic: i64,
    draft: &NewEntry,
) -> Result<Option<Record>, StoreError> {
    let Some(client_id) = &draft.client_id else { return Ok(None) };
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM entries WHERE topic = ?1 AND author = ?2 AND client_id = ?3"
    ))?;
    let first = select.query_row(params![topic, draft.author, client_id], |row| record_of(name, row));
    if let Some(first) = first.optional()? {
        return Ok(Some(first));
    }
    let mut select = connection.prepare_cached(
        "SELECT offset, timestamp FROM past_client_ids WHERE topic = ?1 AND author = ?2 AND client_id = ?3",
    )?;
    let place = select
        .query_row(params![topic, draft.author, client_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(place.map(|(offset, timestamp)| draft.clone().into_record(name, offset, timestamp)))
}

fn insert(
    connection: &Connection,
    name: &TopicName,
    topic: i64,
    offset: Offset,
    timestamp: i64,
    draft: NewEntry,
    thread: Option<Offset>,
) -> Result<Record, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO entries (topic, offset, timestamp, author, client_id, channel, lasting, body, target, thread)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            topic,
            offset,
            timestamp,
            draft.author,
            draft.client_id,
            draft.channel,
            draft.lasting,
            draft.body,
            draft.change.as_ref().map(|change| change.target),
            thread,
        ])?;
    Ok(draft.into_record(name, offset, timestamp))
}

/// Takes a room from the list. Its topic stays. Returns true if it was there.
pub(super) fn remove_room(connection: &Connection, room: &RoomId) -> Result<bool, StoreError> {
    erasure::note_due(connection)?;
    files::remove_of_topic(connection, &TopicName::Room(room.clone()).to_string())?;
    let removed = connection.prepare_cached("DELETE FROM rooms WHERE id = ?1")?.execute([room.as_str()])?;
    if removed > 0 {
        writes::note_change(connection)?;
    }
    Ok(removed > 0)
}

/// Creates a room and its topic, unless the room exists or there are `limit` rooms.
pub(super) fn create_room(
    connection: &Connection,
    room: &Room,
    limit: usize,
) -> Result<RoomCreation, StoreError> {
    let exists: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM rooms WHERE id = ?1)")?
        .query_row([room.id.as_str()], |row| row.get(0))?;
    let count: usize =
        connection.prepare_cached("SELECT count(*) FROM rooms")?.query_row([], |row| row.get(0))?;
    if exists {
        return Ok(RoomCreation::Exists);
    }
    if count >= limit {
        return Ok(RoomCreation::Full);
    }
    connection
        .prepare_cached("INSERT INTO rooms (id, name) VALUES (?1, ?2)")?
        .execute(params![room.id.as_str(), room.name])?;
    ensure_topic(connection, &TopicName::Room(room.id.clone()))?;
    writes::note_change(connection)?;
    Ok(RoomCreation::Created)
}
