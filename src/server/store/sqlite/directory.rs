//! The documents of the directory in SQLite. Queries read on their own connections; a change is a job of the writer.

use rusqlite::{Connection, OptionalExtension, params};

use super::writes;
use crate::server::store::{
    StoreError,
    directory::{Kind, Mutation, Op, Outcome},
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

/// Looks at every expectation first, then takes the steps. There is no log: a file has one server, which knows what it
/// changed.
pub(super) fn change(connection: &Connection, steps: &[Mutation]) -> Result<Outcome, StoreError> {
    for step in steps {
        if !step.expect.holds(get(connection, step.kind, &step.id)?.as_deref()) {
            return Ok(Outcome::Not);
        }
    }
    for step in steps {
        take(connection, step)?;
    }
    writes::note_change(connection)?;
    Ok(Outcome::Unlogged)
}

fn take(connection: &Connection, Mutation { kind, id, act, .. }: &Mutation) -> Result<(), StoreError> {
    match act {
        Op::Check => 0,
        Op::Put(body) => connection
            .prepare_cached("INSERT OR REPLACE INTO documents (kind, id, body) VALUES (?1, ?2, ?3)")?
            .execute(params![kind.as_str(), id, body])?,
        Op::Remove => connection
            .prepare_cached("DELETE FROM documents WHERE kind = ?1 AND id = ?2")?
            .execute(params![kind.as_str(), id])?,
        Op::RemoveUnder { except } => connection
            .prepare_cached(
                "DELETE FROM documents WHERE kind = ?1 AND id >= ?2 AND id < ?3 AND id IS NOT ?4",
            )?
            .execute(params![kind.as_str(), id, format!("{id}{LAST_CHARACTER}"), except])?,
    };
    Ok(())
}
