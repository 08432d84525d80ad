//! Threads: the entries that have the same root. `append` places an entry in one, and takes an erased one out of it.

use deadpool_postgres::Client;

use super::{
    place,
    read::{COLUMNS, record_of, slice_of},
    signed,
};
use crate::{
    protocol::cursor::Offset,
    server::store::{Side, Slice, StoreError, Thread, TopicName},
};

/// A part of a thread with its root. `None` if the topic does not exist.
pub(super) async fn slice(
    client: &Client,
    name: &TopicName,
    root: Offset,
    side: Side,
    limit: usize,
) -> Result<Option<Slice>, StoreError> {
    let (condition, order, offset) = match side {
        Side::After(offset) => (r#""offset" > $3"#, "ASC", offset),
        Side::Before(offset) => (r#""offset" < $3"#, "DESC", offset),
    };
    let select = client
        .prepare_cached(&format!(
            r#"WITH t AS MATERIALIZED (SELECT id, epoch, floor, head FROM topics WHERE name = $1)
               SELECT t.epoch, t.floor, t.head, 0::bigint, e.* FROM t LEFT JOIN LATERAL (
                   SELECT {COLUMNS} FROM entries
                   WHERE topic = t.id AND "offset" = $2 AND target IS NULL AND {condition}
                   UNION ALL (
                       SELECT {COLUMNS} FROM entries
                       WHERE topic = t.id AND thread = $2 AND thread IS NOT NULL AND {condition}
                       ORDER BY "offset" {order} LIMIT $4
                   ) ORDER BY "offset" {order} LIMIT $4
               ) e ON true
               ORDER BY e."offset" {order}"#
        ))
        .await?;
    // One row more than asked for shows whether there are more.
    let asked = signed(limit as u64 + 1);
    let rows = client.query(&select, &[&name.to_string(), &signed(root), &signed(offset), &asked]).await?;
    let Some(mut slice) = slice_of(name, &rows)? else { return Ok(None) };
    slice.more = slice.records.len() > limit;
    slice.records.truncate(limit);
    if matches!(side, Side::Before(_)) {
        slice.records.reverse();
    }
    Ok(Some(slice))
}

/// The head, and the threads with these roots.
pub(super) async fn threads(
    client: &Client,
    name: &TopicName,
    roots: &[Offset],
) -> Result<(Offset, Vec<Thread>), StoreError> {
    let select = client
        .prepare_cached(&format!(
            r#"WITH t AS MATERIALIZED (SELECT id, head FROM topics WHERE name = $1),
               counted AS (
                   SELECT thread, count(*) AS count, max("offset") AS newest FROM entries
                   WHERE topic = (SELECT id FROM t) AND thread = ANY ($2) AND thread IS NOT NULL
                   GROUP BY thread
               )
               SELECT t.head, c.thread, c.count, e.* FROM t LEFT JOIN counted AS c ON true LEFT JOIN LATERAL (
                   SELECT {COLUMNS} FROM entries WHERE topic = t.id AND "offset" = c.newest
               ) e ON true ORDER BY c.thread"#
        ))
        .await?;
    let roots: Vec<_> = roots.iter().copied().map(signed).collect();
    let rows = client.query(&select, &[&name.to_string(), &roots]).await?;
    let head = rows.first().map_or(0, |row| place(row.get(0)));
    let threads = rows.iter().filter_map(|row| {
        let last = record_of(name, row, 3)?;
        Some(Thread { root: place(row.get(1)), count: place(row.get(2)), last })
    });
    Ok((head, threads.collect()))
}
