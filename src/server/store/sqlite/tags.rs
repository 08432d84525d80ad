//! The tags of entries: `append` gives and takes them in its transaction, `trim` removes those of removed entries, and the
//! reads list them. It must not decide what a tag means.

use rusqlite::{Connection, OptionalExtension, params};

use super::record::{COLUMNS, record_of};
use crate::{
    protocol::cursor::Offset,
    server::store::{Record, StoreError, TAG_HOLDERS, TagChange, TagState, TopicName},
};

/// The tag before the change.
pub(super) fn state(
    connection: &Connection,
    topic: i64,
    target: Offset,
    tag: &TagChange,
) -> Result<TagState, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT holder, holder_name FROM tags WHERE topic = ?1 AND target = ?2 AND name = ?3 ORDER BY offset LIMIT ?4",
    )?;
    let rows = select
        .query_map(params![topic, target, tag.name, TAG_HOLDERS], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(TagState {
        is_held: is_held(connection, topic, target, &tag.name, &tag.holder)?,
        first: rows.collect::<Result<_, _>>()?,
    })
}

fn is_held(
    connection: &Connection,
    topic: i64,
    target: Offset,
    name: &str,
    holder: &str,
) -> Result<bool, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM tags WHERE topic = ?1 AND target = ?2 AND name = ?3 AND holder = ?4)",
    )?;
    Ok(select.query_row(params![topic, target, name, holder], |row| row.get(0))?)
}

/// Gives or takes the tag by the change at `offset`.
pub(super) fn apply(
    connection: &Connection,
    topic: i64,
    target: Offset,
    tag: &TagChange,
    offset: Offset,
) -> Result<(), StoreError> {
    let TagChange { name, holder, holder_name, is_given } = tag;
    if *is_given {
        connection
            .prepare_cached(
                "INSERT INTO tags (topic, target, name, holder, holder_name, offset) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![topic, target, name, holder, holder_name, offset])?;
    } else {
        connection
            .prepare_cached(
                "DELETE FROM tags WHERE topic = ?1 AND target = ?2 AND name = ?3 AND holder = ?4",
            )?
            .execute(params![topic, target, name, holder])?;
    }
    Ok(())
}

/// Removes all tags of an entry.
pub(super) fn remove(connection: &Connection, topic: i64, target: Offset) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM tags WHERE topic = ?1 AND target = ?2")?
        .execute(params![topic, target])?;
    Ok(())
}

/// The entries that hold this tag themselves, those first that got it last.
pub(super) fn tagged(
    connection: &Connection,
    name: &TopicName,
    tag: &str,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let columns: Vec<_> = COLUMNS.split(", ").map(|column| format!("entries.{column}")).collect();
    let mut select = connection.prepare_cached(&format!(
        "SELECT {} FROM tags JOIN entries ON entries.topic = tags.topic AND entries.offset = tags.target
         WHERE tags.topic = (SELECT id FROM topics WHERE name = ?1) AND tags.name = ?2 AND tags.holder = ''
         ORDER BY tags.offset DESC LIMIT ?3",
        columns.join(", ")
    ))?;
    let rows = select.query_map(params![name.to_string(), tag, limit], |row| record_of(name, row))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Those of the `(entry, tag)` pairs that the holder holds.
pub(super) fn held(
    connection: &Connection,
    name: &TopicName,
    holder: &str,
    pairs: Vec<(Offset, String)>,
) -> Result<Vec<(Offset, String)>, StoreError> {
    let mut select = connection.prepare_cached("SELECT id FROM topics WHERE name = ?1")?;
    let id = select.query_row([name.to_string()], |row| row.get::<_, i64>(0)).optional()?;
    let Some(id) = id else { return Ok(Vec::new()) };
    let mut held = Vec::new();
    for (target, tag) in pairs {
        if is_held(connection, id, target, &tag, holder)? {
            held.push((target, tag));
        }
    }
    Ok(held)
}
