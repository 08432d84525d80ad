//! The work of the writer's jobs, inside their transaction: append, trim, create topics and rooms.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    read::{epoch_of, record_of},
    removals::{self, REMOVED},
    writes,
};
use crate::{
    protocol::{
        chat::Room,
        cursor::{Epoch, Offset},
    },
    server::{
        clock::{EARLIEST_MS, now_ms},
        config::Retention,
        store::{
            Appended, NewEntry, PAST_CLIENT_IDS_MAX, Record, RoomCreation, StoreError, TRIM_STEP, TopicName,
            new_epoch,
        },
    },
};

struct Topic {
    id: i64,
    epoch: String,
    head: Offset,
    floor: Offset,
}

fn topic(connection: &Connection, name: &TopicName) -> Result<Option<Topic>, StoreError> {
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

/// Appends the entries. A repeated client id gets its first entry and is not stored again. Returns the topic's epoch
/// and one answer per entry.
pub(super) fn append(
    connection: &Connection,
    name: &TopicName,
    drafts: Vec<NewEntry>,
) -> Result<(Epoch, Vec<Appended>), StoreError> {
    let topic = match topic(connection, name)? {
        Some(topic) => topic,
        None => {
            ensure_topic(connection, name)?;
            topic(connection, name)?.ok_or_else(|| StoreError::Damaged(format!("{name} cannot be made")))?
        }
    };
    let timestamp = now_ms();
    let mut head = topic.head;
    let mut appended = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if let Some(record) = first_of(connection, name, topic.id, &draft)? {
            appended.push(Appended { record, first: false });
            continue;
        }
        head += 1;
        appended.push(Appended {
            record: insert(connection, name, topic.id, head, timestamp, draft)?,
            first: true,
        });
    }
    // If all were repeats, nothing is written.
    if head > topic.head {
        connection
            .prepare_cached("UPDATE topics SET head = ?2, timestamp = ?3 WHERE id = ?1")?
            .execute(params![topic.id, head, timestamp])?;
    }
    Ok((epoch_of(name, &topic.epoch)?, appended))
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
    let mut select = connection.prepare_cached(
        "SELECT offset, timestamp, author, client_id, channel, body FROM entries
         WHERE topic = ?1 AND author = ?2 AND client_id = ?3",
    )?;
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
    Ok(place.map(|(offset, timestamp)| record(name, offset, timestamp, draft.clone())))
}

fn record(name: &TopicName, offset: Offset, timestamp: i64, draft: NewEntry) -> Record {
    let NewEntry { author, client_id, channel, body, .. } = draft;
    Record { topic: name.clone(), offset, timestamp, author, client_id, channel, body }
}

fn insert(
    connection: &Connection,
    name: &TopicName,
    topic: i64,
    offset: Offset,
    timestamp: i64,
    draft: NewEntry,
) -> Result<Record, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO entries (topic, offset, timestamp, author, client_id, channel, lasting, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            topic,
            offset,
            timestamp,
            draft.author,
            draft.client_id,
            draft.channel,
            draft.lasting,
            draft.body
        ])?;
    Ok(record(name, offset, timestamp, draft))
}

/// One step of a trim: raises the floor by at most [`TRIM_STEP`] and removes the entries below it that retention does
/// not keep. Returns how many were removed, and whether another step is needed.
pub(super) fn trim(
    connection: &Connection,
    name: &TopicName,
    retention: Retention,
    now_ms: i64,
) -> Result<(u64, bool), StoreError> {
    let Some(topic) = topic(connection, name)? else { return Ok((0, false)) };
    let oldest_ms = now_ms.saturating_sub(retention.age_ms);
    let by_age =
        first_young(connection, topic.id, oldest_ms, now_ms)?.map_or(topic.head, |offset| offset - 1);
    let by_count = topic.head.saturating_sub(retention.entries);
    let target = by_age.max(by_count).max(topic.floor);
    let floor = target.min(topic.floor + TRIM_STEP);
    connection
        .prepare_cached(&format!(
            "INSERT OR IGNORE INTO past_client_ids SELECT topic, author, client_id, offset, timestamp
             FROM entries WHERE {REMOVED} AND client_id IS NOT NULL"
        ))?
        .execute(params![topic.id, floor, by_age, retention.entries])?;
    let removed = removals::remove(connection, topic.id, floor, by_age, retention.entries)?;
    if floor > topic.floor {
        connection
            .prepare_cached("UPDATE topics SET floor = ?2 WHERE id = ?1")?
            .execute(params![topic.id, floor])?;
    }
    let oldest_id_ms = now_ms.saturating_sub(retention.client_id_age_ms);
    let forgotten = forget_client_ids(connection, topic.id, oldest_id_ms)?;
    Ok((removed as u64, floor < target || forgotten == TRIM_STEP as usize))
}

/// The first entry that is not too old. Timestamps between [`EARLIEST_MS`] and `now_ms` are trusted. Everything up to
/// the last trusted old entry before the first trusted young one is too old. Entries between those two are dated in the
/// future, or before this program existed, and may be young.
fn first_young(
    connection: &Connection,
    topic: i64,
    oldest_ms: i64,
    now_ms: i64,
) -> Result<Option<Offset>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT offset FROM entries WHERE topic = ?1 AND (timestamp >= ?2 OR timestamp < ?4) AND offset > coalesce((
             SELECT offset FROM entries WHERE topic = ?1 AND timestamp >= ?4 AND timestamp < ?2 AND offset < coalesce((
                 SELECT offset FROM entries WHERE topic = ?1 AND timestamp BETWEEN ?2 AND ?3
                 ORDER BY offset LIMIT 1), 9223372036854775807)
             ORDER BY offset DESC LIMIT 1), 0)
         ORDER BY offset LIMIT 1",
    )?;
    Ok(select.query_row(params![topic, oldest_ms, now_ms, EARLIEST_MS], |row| row.get(0)).optional()?)
}

/// Removes up to [`TRIM_STEP`] client ids of removed entries: those that are too old, and the oldest of those beyond
/// [`PAST_CLIENT_IDS_MAX`]. Returns how many.
fn forget_client_ids(connection: &Connection, topic: i64, oldest_ms: i64) -> Result<usize, StoreError> {
    // Both queries follow the index by age: the row after the newest [`PAST_CLIENT_IDS_MAX`] is the newest surplus one.
    let surplus_ms: Option<i64> = connection
        .prepare_cached(
            "SELECT timestamp FROM past_client_ids WHERE topic = ?1 ORDER BY timestamp DESC LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![topic, PAST_CLIENT_IDS_MAX], |row| row.get(0))
        .optional()?;
    let surplus_ms = surplus_ms.map_or(i64::MIN, |surplus_ms| surplus_ms + 1);
    let removed = connection
        .prepare_cached(
            "DELETE FROM past_client_ids WHERE topic = ?1 AND (author, client_id) IN (
                 SELECT author, client_id FROM past_client_ids
                 WHERE topic = ?1 AND (timestamp < ?2 AND timestamp >= ?5 OR timestamp < ?4)
                 ORDER BY timestamp LIMIT ?3)",
        )?
        .execute(params![topic, oldest_ms, TRIM_STEP, surplus_ms, EARLIEST_MS])?;
    Ok(removed)
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
