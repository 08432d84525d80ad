//! The documents of the directory in SQLite. Queries read on their own connections; a change is a job of the writer.

use rusqlite::{Connection, OptionalExtension, params};

use crate::server::store::{
    StoreError,
    directory::{Expect, Kind, Step},
};

/// After every id that begins with a prefix.
const LAST_CHARACTER: char = char::MAX;

pub(super) fn get(connection: &Connection, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
    let mut select = connection.prepare_cached("SELECT body FROM documents WHERE kind = ?1 AND id = ?2")?;
    Ok(select.query_row(params![kind.as_str(), id], |row| row.get(0)).optional()?)
}

pub(super) fn list(
    connection: &Connection,
    kind: Kind,
    prefix: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, body FROM documents WHERE kind = ?1 AND id >= ?2 AND id < ?3 ORDER BY id",
    )?;
    let end = format!("{prefix}{LAST_CHARACTER}");
    let rows = select.query_map(params![kind.as_str(), prefix, end], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Looks at every expectation first, then takes the steps. False: one did not hold, and nothing was done.
pub(super) fn change(connection: &Connection, steps: &[Step]) -> Result<bool, StoreError> {
    for step in steps {
        let exists: bool = connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM documents WHERE kind = ?1 AND id = ?2)")?
            .query_row(params![step.kind.as_str(), step.id], |row| row.get(0))?;
        let holds = match step.expect {
            Expect::Anything => true,
            Expect::Absent => !exists,
            Expect::Present => exists,
        };
        if !holds {
            return Ok(false);
        }
    }
    for Step { kind, id, body, .. } in steps {
        match body {
            Some(body) => connection
                .prepare_cached("INSERT OR REPLACE INTO documents (kind, id, body) VALUES (?1, ?2, ?3)")?
                .execute(params![kind.as_str(), id, body])?,
            None => connection
                .prepare_cached("DELETE FROM documents WHERE kind = ?1 AND id = ?2")?
                .execute(params![kind.as_str(), id])?,
        };
    }
    Ok(true)
}
