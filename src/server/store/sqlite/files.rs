//! The records of files: added and looked up for `server::files`, removed with their entry by `append` and `trim`. Nothing
//! here touches a content.
//!
//! Whatever removes a record must note its hash in the same transaction ([`NOTE`]).

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::writes;
use crate::{
    protocol::cursor::Offset,
    server::store::{FileAddition, FileQuota, FileRecord, StoreError, files::not_theirs},
};

/// The columns that [`record_of`] reads.
const COLUMNS: &str =
    "f.id, f.hash, t.name, f.offset, f.owner, f.name, f.type, f.size, f.width, f.height, f.created";

/// Notes the hashes of records that a condition selects, before they are removed.
const NOTE: &str = "INSERT OR IGNORE INTO removed_contents SELECT hash FROM files WHERE";

/// Adds a file, unless the quota is used up.
pub(super) fn add(
    connection: &Connection,
    file: &FileRecord,
    quota: FileQuota,
) -> Result<FileAddition, StoreError> {
    let mut select = connection.prepare_cached("SELECT id FROM topics WHERE name = ?1")?;
    let topic: Option<i64> = select.query_row([file.topic.to_string()], |row| row.get(0)).optional()?;
    let Some(topic) = topic else { return Ok(FileAddition::NoTopic) };
    let of_person = connection
        .prepare_cached("SELECT coalesce(sum(size), 0) FROM files WHERE owner = ?1 AND created >= ?2")?
        .query_row(params![file.owner, quota.since_ms], |row| row.get(0))?;
    let of_room = connection
        .prepare_cached("SELECT coalesce(sum(size), 0) FROM files WHERE topic = ?1")?
        .query_row([topic], |row| row.get(0))?;
    let addition = quota.judge(file.size, of_person, of_room);
    if addition == FileAddition::Added {
        insert(connection, topic, file)?;
        writes::note_change(connection)?;
    }
    Ok(addition)
}

fn insert(connection: &Connection, topic: i64, file: &FileRecord) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO files (id, hash, topic, offset, owner, name, type, size, width, height, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            file.id,
            file.hash,
            topic,
            file.offset,
            file.owner,
            file.name,
            file.media_type,
            file.size,
            file.width,
            file.height,
            file.created,
        ])?;
    Ok(())
}

/// The files with these ids that are stored.
pub(super) fn by_id(connection: &Connection, ids: &[String]) -> Result<Vec<FileRecord>, StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM files AS f JOIN topics AS t ON t.id = f.topic WHERE f.id = ?1"
    ))?;
    let mut found = Vec::new();
    for id in ids {
        for row in select.query_map([id], record_of)? {
            found.push(row??);
        }
    }
    Ok(found)
}

/// The next files after this id, in the order of their ids.
pub(super) fn after(connection: &Connection, id: &str, limit: u32) -> Result<Vec<FileRecord>, StoreError> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM files AS f JOIN topics AS t ON t.id = f.topic WHERE f.id > ?1 ORDER BY f.id LIMIT ?2"
    ))?;
    let rows = select.query_map(params![id, limit], record_of)?;
    rows.map(|row| row?).collect()
}

fn record_of(row: &Row<'_>) -> rusqlite::Result<Result<FileRecord, StoreError>> {
    let topic = match row.get::<_, String>(2)?.parse() {
        Ok(topic) => topic,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(FileRecord {
        id: row.get(0)?,
        hash: row.get(1)?,
        topic,
        offset: row.get(3)?,
        owner: row.get(4)?,
        name: row.get(5)?,
        media_type: row.get(6)?,
        size: row.get(7)?,
        width: row.get(8)?,
        height: row.get(9)?,
        created: row.get(10)?,
    }))
}

/// Makes files part of the entry at `offset`. Fails if one is not its author's, or part of an entry already.
pub(super) fn attach(
    connection: &Connection,
    topic: i64,
    offset: Offset,
    author: &str,
    ids: &[String],
) -> Result<(), StoreError> {
    let mut update = connection.prepare_cached(
        "UPDATE files SET offset = ?1 WHERE id = ?2 AND topic = ?3 AND owner = ?4 AND offset IS NULL",
    )?;
    for id in ids {
        if update.execute(params![offset, id, topic, author])? == 0 {
            return Err(not_theirs());
        }
    }
    Ok(())
}

/// Removes the files of an entry.
pub(super) fn remove(connection: &Connection, topic: i64, offset: Offset) -> Result<(), StoreError> {
    let of_entry = "topic = ?1 AND offset = ?2";
    connection.prepare_cached(&format!("{NOTE} {of_entry}"))?.execute(params![topic, offset])?;
    connection
        .prepare_cached(&format!("DELETE FROM files WHERE {of_entry}"))?
        .execute(params![topic, offset])?;
    Ok(())
}

/// Removes all files of a room, also those that no entry names.
pub(super) fn remove_of_topic(connection: &Connection, topic_name: &str) -> Result<(), StoreError> {
    let of_topic = "topic = (SELECT id FROM topics WHERE name = ?1)";
    connection.prepare_cached(&format!("{NOTE} {of_topic}"))?.execute([topic_name])?;
    connection.prepare_cached(&format!("DELETE FROM files WHERE {of_topic}"))?.execute([topic_name])?;
    Ok(())
}

/// Removes the files that were uploaded before a time and that no entry names. Returns how many.
pub(super) fn expire(connection: &Connection, before_ms: i64) -> Result<u64, StoreError> {
    let is_due = "offset IS NULL AND created < ?1";
    connection.prepare_cached(&format!("{NOTE} {is_due}"))?.execute([before_ms])?;
    let removed =
        connection.prepare_cached(&format!("DELETE FROM files WHERE {is_due}"))?.execute([before_ms])?;
    Ok(removed as u64)
}

/// Hashes that lost a record.
pub(super) fn removed_contents(connection: &Connection, limit: usize) -> Result<Vec<String>, StoreError> {
    let mut select = connection.prepare_cached("SELECT hash FROM removed_contents LIMIT ?1")?;
    Ok(select.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Forgets a hash that lost a record: its content was looked after.
pub(super) fn forget_removed_content(connection: &Connection, hash: &str) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM removed_contents WHERE hash = ?1")?.execute([hash])?;
    Ok(())
}

/// Those of the hashes that a record has.
pub(super) fn known_contents(connection: &Connection, hashes: &[String]) -> Result<Vec<String>, StoreError> {
    let mut select = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM files WHERE hash = ?1)")?;
    let mut known = Vec::new();
    for hash in hashes {
        if select.query_row([hash], |row| row.get(0))? {
            known.push(hash.clone());
        }
    }
    Ok(known)
}
