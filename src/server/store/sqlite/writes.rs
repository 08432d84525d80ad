//! How many writes were ever acknowledged: each entry, by the offsets that were given out, and each change of rooms and
//! of the directory, by a count in the database. `opening` compares it with the mark, jobs of the writer raise it in
//! their transaction. What can be done again without a loss (a trim, a probe, an empty topic) must not count.

use rusqlite::Connection;

use super::schema;
use crate::server::store::StoreError;

/// A room was made, or documents were changed.
pub(super) fn note_change(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE changes SET count = count + 1")?.execute([])?;
    Ok(())
}

/// Writes in a database of any version, and in one that is empty.
pub(super) fn count(connection: &Connection) -> Result<u64, StoreError> {
    let changes = match schema::has_changes(connection)? {
        true => connection.query_row("SELECT sum(count) FROM changes", [], |row| row.get(0))?,
        false => 0,
    };
    Ok(count_entries(connection)? + changes)
}

/// How many entries were ever given an offset.
pub(super) fn count_entries(connection: &Connection) -> Result<u64, StoreError> {
    if !schema::has_topics(connection)? {
        return Ok(0);
    }
    Ok(connection.query_row("SELECT coalesce(sum(head), 0) FROM topics", [], |row| row.get(0))?)
}
