//! Writes that only show whether something can be written. The store's check is the caller, on the writer's thread.

use rusqlite::Connection;

use crate::server::store::{StoreError, health::LARGE_PROBE_BYTES};

/// The least: the page with the database's header, with the value that it has.
pub(super) fn write_a_page(connection: &Connection) -> Result<(), StoreError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(connection.pragma_update(None, "user_version", version)?)
}

/// As much as a store needs that was failing. [`remove_pages`] has to follow, in another transaction: what is written and
/// removed in one of them never reaches the disk.
pub(super) fn write_pages(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO documents (kind, id, body) VALUES ('probe', '', ?1)")?
        .execute(["-".repeat(LARGE_PROBE_BYTES)])?;
    Ok(())
}

/// See [`write_pages`].
pub(super) fn remove_pages(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM documents WHERE kind = 'probe'")?.execute([])?;
    Ok(())
}
