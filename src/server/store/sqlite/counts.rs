//! Counts of what a room shows after an offset. The index `entries_counted` has nothing else, so that neither reactions
//! nor answers in threads are walked through.

use rusqlite::{Connection, params};

use super::read::bounds;
use crate::{
    protocol::cursor::Offset,
    server::store::{NewestCounted, StoreError, TopicName},
};

/// The statement of [`count_after`]. Parameters: the topic, the offset, the author, and the most that is counted.
pub(super) const COUNT: &str = "SELECT count(*) FROM (
    SELECT 1 FROM entries INDEXED BY entries_counted
    WHERE topic = ?1 AND offset > ?2 AND author <> ?3
    AND lasting = 1 AND channel IS NULL AND thread IS NULL AND erased = 0 LIMIT ?4)";

/// The counts, as [`crate::server::store::Store::count_after`] defines, all of one instant.
pub(super) fn count_after(
    connection: &Connection,
    places: &[(TopicName, Offset)],
    author: &str,
    max: u64,
) -> Result<Vec<u64>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let mut select = transaction.prepare_cached(COUNT)?;
    let count = |(name, after): &(TopicName, Offset)| {
        let Some((id, _)) = bounds(&transaction, name)? else { return Ok(0) };
        // SQLite's integers are signed.
        let after = i64::try_from(*after).unwrap_or(i64::MAX);
        Ok(select.query_row(params![id, after, author, max], |row| row.get(0))?)
    };
    places.iter().map(count).collect()
}

/// The newest of them, as [`crate::server::store::Store::newest_counted`] defines.
pub(super) fn newest(
    connection: &Connection,
    name: &TopicName,
    limit: usize,
) -> Result<Option<NewestCounted>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((id, bounds)) = bounds(&transaction, name)? else { return Ok(None) };
    let mut select = transaction.prepare_cached(
        "SELECT offset, author FROM entries INDEXED BY entries_counted
         WHERE topic = ?1 AND lasting = 1 AND channel IS NULL AND thread IS NULL AND erased = 0
         ORDER BY offset DESC LIMIT ?2",
    )?;
    let rows = select.query_map(params![id, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Some(NewestCounted { bounds, entries: rows.collect::<Result<_, _>>()? }))
}
