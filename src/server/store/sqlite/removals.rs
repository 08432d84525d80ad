//! The highest removed offset of each channel of a topic. A trim removes entries through this module, and reads ask for
//! the highest removed offset among the entries that pass their filter. The offsets must be written in the transaction
//! that removes the entries.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::{channel_names::names_of, files, search, tags};
use crate::{
    protocol::cursor::Offset,
    server::store::{Filter, REMOVALS_MAX, StoreError},
};

/// The highest removed offset, by channel (`''` for none) and by whether the entries were lasting.
type Newest = HashMap<(String, bool), Offset>;

/// Condition for the entries that a trim removes. Parameters: the topic, the floor, the last offset that is too old,
/// and the number of lasting entries to keep.
pub(super) const REMOVED: &str = "topic = ?1 AND offset <= ?2 AND (lasting = 0 OR offset <= ?3
    OR offset <= (SELECT offset FROM entries WHERE topic = ?1 AND lasting = 1
                  ORDER BY offset DESC LIMIT 1 OFFSET ?4))";

/// Removes the entries that [`REMOVED`] selects, which has the same parameters, and records their highest offsets.
/// Returns the number of removed entries.
pub(super) fn remove(
    connection: &Connection,
    topic: i64,
    floor: Offset,
    old: Offset,
    entries: u64,
) -> Result<usize, StoreError> {
    let mut delete = connection.prepare_cached(&format!(
        "DELETE FROM entries WHERE {REMOVED} RETURNING coalesce(channel, ''), lasting, offset"
    ))?;
    let mut rows = delete.query(params![topic, floor, old, entries])?;
    let (mut newest, mut count) = (Newest::new(), 0);
    while let Some(row) = rows.next()? {
        let known = newest.entry((row.get(0)?, row.get(1)?)).or_default();
        let (is_lasting, offset) = (row.get::<_, bool>(1)?, row.get::<_, Offset>(2)?);
        *known = offset.max(*known);
        if is_lasting {
            tags::remove(connection, topic, offset)?;
            search::remove(connection, topic, offset)?;
            files::remove(connection, topic, offset)?;
        }
        count += 1;
    }
    note(connection, topic, newest)?;
    Ok(count)
}

fn note(connection: &Connection, topic: i64, newest: Newest) -> Result<(), StoreError> {
    if newest.is_empty() {
        return Ok(());
    }
    // An offset at or below `topics.removed`, which is assumed for every channel, needs no row.
    let mut insert = connection.prepare_cached(
        "INSERT INTO removals (topic, channel, lasting, offset)
         SELECT ?1, ?2, ?3, ?4 WHERE ?4 > (SELECT removed FROM topics WHERE id = ?1)
         ON CONFLICT (topic, channel, lasting) DO UPDATE SET offset = max(offset, excluded.offset)",
    )?;
    for ((channel, lasting), offset) in newest {
        insert.execute(params![topic, channel, lasting, offset])?;
    }
    fold(connection, topic)
}

/// Keeps the [`REMOVALS_MAX`] newest rows and raises `topics.removed`, which is assumed for every channel, to the
/// newest offset of the rest.
fn fold(connection: &Connection, topic: i64) -> Result<(), StoreError> {
    let newest_surplus: Option<Offset> = connection
        .prepare_cached(
            "SELECT offset FROM removals WHERE topic = ?1 ORDER BY offset DESC LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![topic, REMOVALS_MAX], |row| row.get(0))
        .optional()?;
    let Some(offset) = newest_surplus else { return Ok(()) };
    connection
        .prepare_cached("DELETE FROM removals WHERE topic = ?1 AND offset <= ?2")?
        .execute(params![topic, offset])?;
    connection
        .prepare_cached("UPDATE topics SET removed = max(removed, ?2) WHERE id = ?1")?
        .execute(params![topic, offset])?;
    Ok(())
}

/// The highest removed offset among the entries that pass the filter, for [`crate::server::store::Slice::removed`].
pub(super) fn removed(connection: &Connection, topic: i64, filter: &Filter) -> Result<Offset, StoreError> {
    let lasting = if filter.lasting { "AND lasting = 1 AND channel <> ''" } else { "" };
    let mut select = connection.prepare_cached(&format!(
        "SELECT max(removed, coalesce((
             SELECT offset FROM removals WHERE topic = :topic {lasting}
             AND (:only IS NULL OR channel IN (SELECT value FROM json_each(:only)))
             AND (:except IS NULL OR channel NOT IN (SELECT value FROM json_each(:except)))
             ORDER BY offset DESC LIMIT 1), 0))
         FROM topics WHERE id = :topic"
    ))?;
    let (only, except) = names_of(&filter.channels);
    let parameters = named_params! { ":topic": topic, ":only": only, ":except": except };
    Ok(select.query_row(parameters, |row| row.get(0))?)
}
