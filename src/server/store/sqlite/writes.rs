//! Counts the writes in a database: its entries, by the offsets that were given out, and its changes of rooms and
//! documents, by a counter in the database. `opening` and the guard compare the count with the high-water mark; jobs of
//! the writer raise the counter in their transaction. Writes that can be repeated without a loss (a trim, a probe, an
//! empty topic) must not count.

use rusqlite::Connection;

use super::schema;
use crate::server::store::StoreError;

/// Counts a room that was created, or one change of documents.
pub(super) fn note_change(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE changes SET count = count + 1")?.execute([])?;
    Ok(())
}

/// The number of writes in a database of any version, or in an empty one.
pub(super) fn count(connection: &Connection) -> Result<u64, StoreError> {
    let changes = match schema::has_changes(connection)? {
        true => connection.query_row("SELECT sum(count) FROM changes", [], |row| row.get(0))?,
        false => 0,
    };
    Ok(count_entries(connection)? + changes)
}

/// The number of entries that were ever given an offset.
pub(super) fn count_entries(connection: &Connection) -> Result<u64, StoreError> {
    if !schema::has_topics(connection)? {
        return Ok(0);
    }
    Ok(connection.query_row("SELECT coalesce(sum(head), 0) FROM topics", [], |row| row.get(0))?)
}
