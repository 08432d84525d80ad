//! Threads: the entries that have the same root. `append` places an entry in one, and takes an erased one out of it.

use rusqlite::{Connection, named_params, params};

use super::{
    read::{bounds, stored_at},
    record::{COLUMNS, record_of},
};
use crate::{
    protocol::cursor::Offset,
    server::store::{Record, Side, Slice, StoreError, Thread, TopicName},
};

/// Takes an erased entry out of its thread, and out of what is counted.
pub(super) fn leave(connection: &Connection, topic: i64, offset: Offset) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE entries SET thread = NULL, erased = 1 WHERE topic = ?1 AND offset = ?2")?
        .execute(params![topic, offset])?;
    Ok(())
}

/// The entries at these offsets, as far as they are stored.
pub(super) fn read_each(
    connection: &Connection,
    name: &TopicName,
    offsets: &[Offset],
) -> Result<Vec<Record>, StoreError> {
    let Some((id, _)) = bounds(connection, name)? else { return Ok(Vec::new()) };
    let mut offsets = offsets.to_vec();
    offsets.sort_unstable();
    offsets.dedup();
    let found = offsets.into_iter().map(|offset| stored_at(connection, name, id, offset));
    found.filter_map(Result::transpose).collect()
}

/// A part of a thread with its root. `None` if the topic does not exist.
pub(super) fn slice(
    connection: &Connection,
    name: &TopicName,
    root: Offset,
    side: Side,
    limit: usize,
) -> Result<Option<Slice>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((id, bounds)) = bounds(&transaction, name)? else { return Ok(None) };
    let (condition, order, offset) = match side {
        Side::After(offset) => ("offset > :offset", "ASC", offset),
        Side::Before(offset) => ("offset < :offset", "DESC", offset),
    };
    let mut select = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM entries
         WHERE topic = :topic AND offset = :root AND target IS NULL AND {condition}
         UNION ALL SELECT * FROM (
             SELECT {COLUMNS} FROM entries WHERE topic = :topic AND thread = :root AND {condition}
             ORDER BY offset {order} LIMIT :limit
         ) ORDER BY offset {order} LIMIT :limit"
    ))?;
    let signed = |offset: Offset| i64::try_from(offset).unwrap_or(i64::MAX);
    let rows = select.query_map(
        // One row more than asked for shows whether there are more.
        named_params! { ":topic": id, ":root": signed(root), ":offset": signed(offset), ":limit": limit + 1 },
        |row| record_of(name, row),
    )?;
    let mut records = rows.collect::<Result<Vec<_>, _>>()?;
    let more = records.len() > limit;
    records.truncate(limit);
    if matches!(side, Side::Before(_)) {
        records.reverse();
    }
    Ok(Some(Slice { bounds, removed: 0, records, more }))
}

/// The head, and the threads with these roots.
pub(super) fn threads(
    connection: &Connection,
    name: &TopicName,
    roots: &[Offset],
) -> Result<(Offset, Vec<Thread>), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((id, bounds)) = bounds(&transaction, name)? else { return Ok((0, Vec::new())) };
    let mut select = transaction.prepare_cached(
        "SELECT count(*), coalesce(max(offset), 0) FROM entries WHERE topic = ?1 AND thread = ?2",
    )?;
    let mut threads = Vec::new();
    for root in roots {
        let (count, newest) = select.query_row(params![id, root], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let Some(last) = stored_at(&transaction, name, id, newest)? {
            threads.push(Thread { root: *root, count, last });
        }
    }
    Ok((bounds.head, threads))
}
