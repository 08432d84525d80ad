//! Retention: removes entries in steps, each inside one of the writer's transactions. `removals` selects and notes what a
//! step removes; store/postgres/trim.rs has the same rule.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    append::topic,
    removals::{self, REMOVED},
};
use crate::{
    protocol::cursor::Offset,
    server::{
        clock::EARLIEST_MS,
        config::Retention,
        store::{PAST_CLIENT_IDS_MAX, StoreError, TRIM_STEP, TopicName},
    },
};

/// One step of a trim: raises the floor by at most [`TRIM_STEP`] and removes the entries below it that retention does
/// not keep. Returns how many were removed, and whether another step is needed.
pub(super) fn trim(
    connection: &Connection,
    name: &TopicName,
    retention: Retention,
    now_ms: i64,
) -> Result<(u64, bool), StoreError> {
    let Some(topic) = topic(connection, name)? else { return Ok((0, false)) };
    let oldest_ms = now_ms.saturating_sub(retention.age_ms);
    let by_age =
        first_young(connection, topic.id, oldest_ms, now_ms)?.map_or(topic.head, |offset| offset - 1);
    let by_count = topic.head.saturating_sub(retention.entries);
    let target = by_age.max(by_count).max(topic.floor);
    let floor = target.min(topic.floor + TRIM_STEP);
    connection
        .prepare_cached(&format!(
            "INSERT OR IGNORE INTO past_client_ids SELECT topic, author, client_id, offset, timestamp
             FROM entries WHERE {REMOVED} AND client_id IS NOT NULL"
        ))?
        .execute(params![topic.id, floor, by_age, retention.entries])?;
    let removed = removals::remove(connection, topic.id, floor, by_age, retention.entries)?;
    if floor > topic.floor {
        connection
            .prepare_cached("UPDATE topics SET floor = ?2 WHERE id = ?1")?
            .execute(params![topic.id, floor])?;
    }
    let oldest_id_ms = now_ms.saturating_sub(retention.client_id_age_ms);
    let forgotten = forget_client_ids(connection, topic.id, oldest_id_ms)?;
    Ok((removed as u64, floor < target || forgotten == TRIM_STEP as usize))
}

/// The first entry that is not too old. Timestamps between [`EARLIEST_MS`] and `now_ms` are trusted. Everything up to
/// the last trusted old entry before the first trusted young one is too old. Entries between those two are dated in the
/// future, or before this program existed, and may be young.
fn first_young(
    connection: &Connection,
    topic: i64,
    oldest_ms: i64,
    now_ms: i64,
) -> Result<Option<Offset>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT offset FROM entries WHERE topic = ?1 AND (timestamp >= ?2 OR timestamp < ?4) AND offset > coalesce((
             SELECT offset FROM entries WHERE topic = ?1 AND timestamp >= ?4 AND timestamp < ?2 AND offset < coalesce((
                 SELECT offset FROM entries WHERE topic = ?1 AND timestamp BETWEEN ?2 AND ?3
                 ORDER BY offset LIMIT 1), 9223372036854775807)
             ORDER BY offset DESC LIMIT 1), 0)
         ORDER BY offset LIMIT 1",
    )?;
    Ok(select.query_row(params![topic, oldest_ms, now_ms, EARLIEST_MS], |row| row.get(0)).optional()?)
}

/// Removes up to [`TRIM_STEP`] client ids of removed entries: those that are too old, and the oldest of those beyond
/// [`PAST_CLIENT_IDS_MAX`]. Returns how many.
fn forget_client_ids(connection: &Connection, topic: i64, oldest_ms: i64) -> Result<usize, StoreError> {
    // Both queries follow the index by age: the row after the newest [`PAST_CLIENT_IDS_MAX`] is the newest surplus one.
    let surplus_ms: Option<i64> = connection
        .prepare_cached(
            "SELECT timestamp FROM past_client_ids WHERE topic = ?1 ORDER BY timestamp DESC LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![topic, PAST_CLIENT_IDS_MAX], |row| row.get(0))
        .optional()?;
    let surplus_ms = surplus_ms.map_or(i64::MIN, |surplus_ms| surplus_ms + 1);
    let removed = connection
        .prepare_cached(
            "DELETE FROM past_client_ids WHERE topic = ?1 AND (author, client_id) IN (
                 SELECT author, client_id FROM past_client_ids
                 WHERE topic = ?1 AND (timestamp < ?2 AND timestamp >= ?5 OR timestamp < ?4)
                 ORDER BY timestamp LIMIT ?3)",
        )?
        .execute(params![topic, oldest_ms, TRIM_STEP, surplus_ms, EARLIEST_MS])?;
    Ok(removed)
}
