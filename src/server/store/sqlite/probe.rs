//! Writes that only test whether the database is writable. The store's check runs them on the writer's thread.

use rusqlite::Connection;

use crate::server::store::{StoreError, health::LARGE_PROBE_BYTES};

/// The smallest write: the page with the database's header, with an unchanged value.
pub(super) fn write_a_page(connection: &Connection) -> Result<(), StoreError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(connection.pragma_update(None, "user_version", version)?)
}

/// A larger write ([`LARGE_PROBE_BYTES`]), for a store that was failing. Follow it with [`remove_pages`] in another
/// transaction: data that is written and removed in one transaction never reaches the disk.
pub(super) fn write_pages(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO documents (kind, id, body) VALUES ('probe', '', ?1)")?
        .execute(["-".repeat(LARGE_PROBE_BYTES)])?;
    Ok(())
}

/// Removes the row that [`write_pages`] wrote.
pub(super) fn remove_pages(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM documents WHERE kind = 'probe'")?.execute([])?;
    Ok(())
}
