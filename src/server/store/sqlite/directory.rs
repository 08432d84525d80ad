//! The document store in SQLite. The store calls it: reads on connections of their own, commits in a job of the writer.
//! It must never open a transaction: the writer's job has one.

use rusqlite::{Connection, OptionalExtension, params};

use super::writes;
use crate::server::store::{
    StoreError,
    directory::{Kind, Mutation, Op, Outcome},
};

/// A prefix and this character sort after every id that begins with the prefix.
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

/// Checks all preconditions first and applies the mutations then. There is no log: a file has one server, which knows
/// its own changes.
pub(super) fn commit(connection: &Connection, mutations: &[Mutation]) -> Result<Outcome, StoreError> {
    for Mutation { kind, id, precondition, .. } in mutations {
        if !precondition.holds(get(connection, *kind, id)?.as_deref()) {
            return Ok(Outcome::Conflict);
        }
    }
    for mutation in mutations {
        apply(connection, mutation)?;
    }
    writes::note_change(connection)?;
    Ok(Outcome::Unlogged)
}

fn apply(connection: &Connection, Mutation { kind, id, op, .. }: &Mutation) -> Result<(), StoreError> {
    match op {
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
