//! The keyed state of topics: `append` folds it in its transaction, and the reads list it. It must not decide what a
//! value means.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::read::bounds;
use crate::{
    protocol::cursor::Offset,
    server::store::{
        Bounds, State, StateChange, StoreError, TopicName,
        state::{self, Outcome},
    },
};

/// Folds the entry at `offset` into the state of its key, and stores the new state.
pub(super) fn fold(
    connection: &Connection,
    topic: i64,
    change: &StateChange,
    offset: Offset,
) -> Result<Outcome, StoreError> {
    let stored = stored(connection, topic, &change.key)?;
    let count = if stored.is_none() { count(connection, topic)? } else { 0 };
    let outcome = state::fold(change, stored, count, offset)?;
    if let Outcome::Changed(State { key, value, offset }, _) = &outcome {
        connection
            .prepare_cached(
                "INSERT INTO states (topic, key, value, offset) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (topic, key) DO UPDATE SET value = excluded.value, offset = excluded.offset",
            )?
            .execute(params![topic, key, value, offset])?;
    }
    Ok(outcome)
}

fn count(connection: &Connection, topic: i64) -> Result<u64, StoreError> {
    let mut select = connection.prepare_cached("SELECT count(*) FROM states WHERE topic = ?1")?;
    Ok(select.query_row([topic], |row| row.get(0))?)
}

fn stored(connection: &Connection, topic: i64, key: &str) -> Result<Option<State>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT key, value, offset FROM states WHERE topic = ?1 AND key = ?2")?;
    Ok(select.query_row(params![topic, key], state_of).optional()?)
}

fn state_of(row: &Row<'_>) -> rusqlite::Result<State> {
    Ok(State { key: row.get(0)?, value: row.get(1)?, offset: row.get(2)? })
}

/// The bounds of a topic and all of its state. `None` if the topic does not exist.
pub(super) fn all(
    connection: &Connection,
    name: &TopicName,
) -> Result<Option<(Bounds, Vec<State>)>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((id, bounds)) = bounds(&transaction, name)? else { return Ok(None) };
    let mut select =
        transaction.prepare_cached("SELECT key, value, offset FROM states WHERE topic = ?1 ORDER BY key")?;
    let states = select.query_map([id], state_of)?.collect::<Result<_, _>>()?;
    Ok(Some((bounds, states)))
}

/// The state of one key.
pub(super) fn one(connection: &Connection, name: &TopicName, key: &str) -> Result<Option<State>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((id, _)) = bounds(&transaction, name)? else { return Ok(None) };
    stored(&transaction, id, key)
}
