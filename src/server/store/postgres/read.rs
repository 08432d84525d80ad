//! The queries. Each is one statement and so shows one instant: its rows repeat the topic's bounds.

use deadpool_postgres::{
    Client,
    tokio_postgres::{self, Row},
};

use super::{NULL, place, removals::removed, signed};
use crate::{
    protocol::{
        chat::Room,
        cursor::{Epoch, Offset},
        name::RoomId,
    },
    server::store::{Bounds, Channels, Filter, Record, Slice, StoreError, TopicName},
};

/// The starting offset, exclusive, and the direction of a read.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    After(Offset),
    Before(Offset),
}

/// The bounds of a topic; `None` if it does not exist.
pub(super) async fn bounds(client: &Client, name: &TopicName) -> Result<Option<Bounds>, StoreError> {
    let select = client.prepare_cached("SELECT epoch, floor, head FROM topics WHERE name = $1").await?;
    let row = client.query_opt(&select, &[&name.to_string()]).await?;
    row.map(|row| bounds_of(name, &row)).transpose()
}

/// The bounds of a topic, and the highest removed offset among the entries that pass the filter. `None` if the topic
/// does not exist.
pub(super) async fn bounds_for(
    client: &Client,
    name: &TopicName,
    filter: &Filter,
) -> Result<Option<(Bounds, Offset)>, StoreError> {
    let removed = removed(filter, "$2", "$3");
    let select = format!("SELECT epoch, floor, head, {removed} FROM topics WHERE name = $1");
    let select = client.prepare_cached(&select).await?;
    let (only, except) = readable_names(&filter.channels);
    let row = client.query_opt(&select, &[&name.to_string(), &only, &except]).await?;
    row.map(|row| Ok((bounds_of(name, &row)?, place(row.get(3))))).transpose()
}

/// The bounds of each of these topics that exists.
pub(super) async fn bounds_of_all(
    client: &Client,
    names: &[TopicName],
) -> Result<Vec<(TopicName, Bounds)>, StoreError> {
    let select =
        client.prepare_cached("SELECT epoch, floor, head, name FROM topics WHERE name = ANY ($1)").await?;
    let names: Vec<String> = names.iter().map(TopicName::to_string).collect();
    let rows = client.query(&select, &[&names]).await?;
    let named = |row: &Row| {
        let name: TopicName = row.get::<_, &str>(3).parse()?;
        Ok((name.clone(), bounds_of(&name, row)?))
    };
    rows.iter().map(named).collect()
}

/// The bounds in a row that begins with `epoch, floor, head`.
pub(super) fn bounds_of(name: &TopicName, row: &Row) -> Result<Bounds, StoreError> {
    Ok(Bounds { epoch: epoch_of(name, row.get(0))?, floor: place(row.get(1)), head: place(row.get(2)) })
}

/// Parses an epoch from the database.
pub(super) fn epoch_of(name: &TopicName, text: &str) -> Result<Epoch, StoreError> {
    Epoch::parse(text).ok_or_else(|| StoreError::Damaged(format!("{name} has the epoch {text:?}")))
}

/// The columns of a record.
pub(super) const COLUMNS: &str = r#""offset", timestamp, author, client_id, channel, body, target"#;

/// The record in a row that has [`COLUMNS`] from the column `first` on.
/// `None` if these are null: a topic without entries has one row all the same.
pub(super) fn record_of(name: &TopicName, row: &Row, first: usize) -> Option<Record> {
    let offset: Option<i64> = row.get(first);
    Some(Record {
        topic: name.clone(),
        offset: place(offset?),
        timestamp: row.get(first + 1),
        author: row.get(first + 2),
        client_id: row.get(first + 3),
        channel: row.get(first + 4),
        body: row.get(first + 5),
        target: row.get::<_, Option<i64>>(first + 6).map(place),
    })
}

/// The slice in rows that have bounds, the removed offset, and a record each. `None` without rows.
pub(super) fn slice_of(name: &TopicName, rows: &[Row]) -> Result<Option<Slice>, StoreError> {
    let Some(first) = rows.first() else { return Ok(None) };
    let bounds = bounds_of(name, first)?;
    let removed = place(first.get(3));
    let records = rows.iter().filter_map(|row| record_of(name, row, 4)).collect();
    Ok(Some(Slice { bounds, removed, records, more: false }))
}

/// The `(only, except)` bounds of channels, without names that contain a null character: PostgreSQL does not accept
/// them, and no entry has such a name.
fn readable_names(channels: &Channels) -> (Option<Vec<&str>>, Option<Vec<&str>>) {
    fn storable(names: &[String]) -> Vec<&str> {
        names.iter().map(String::as_str).filter(|name| !name.contains(NULL)).collect()
    }
    let (only, except) = channels.bounds();
    (only.map(storable), except.map(storable))
}

/// A slice in either direction. `None` if the topic does not exist.
pub(super) async fn slice(
    client: &Client,
    name: &TopicName,
    from: From,
    filter: &Filter,
    limit: usize,
) -> Result<Option<Slice>, StoreError> {
    let (condition, order, offset) = match from {
        From::After(offset) => (r#""offset" > $2"#, "ASC", offset),
        From::Before(offset) => (r#""offset" < $2"#, "DESC", offset),
    };
    let removed = removed(filter, "$4", "$5");
    // MATERIALIZED: the removed offset is computed once, and not for each row.
    let select = client
        .prepare_cached(&format!(
            r#"WITH t AS MATERIALIZED (
                   SELECT id, epoch, floor, head, {removed} AS removed FROM topics WHERE name = $1
               )
               SELECT t.epoch, t.floor, t.head, t.removed, e.* FROM t LEFT JOIN LATERAL (
                   {}
                   ORDER BY "offset" {order} LIMIT $3
               ) e ON true
               ORDER BY e."offset" {order}"#,
            select_entries(name, condition, order, filter)
        ))
        .await?;
    // One row more than asked for shows whether there are more.
    let (asked, name_text) = (signed(limit as u64 + 1), name.to_string());
    let (only, except) = readable_names(&filter.channels);
    let rows = client.query(&select, &[&name_text, &signed(offset), &asked, &only, &except]).await?;
    let Some(mut slice) = slice_of(name, &rows)? else { return Ok(None) };
    slice.more = slice.records.len() > limit;
    slice.records.truncate(limit);
    if matches!(from, From::Before(_)) {
        slice.records.reverse();
    }
    Ok(Some(slice))
}

/// The entries of [`slice()`]. What tells an index is text and not a parameter: only then can PostgreSQL prove that the
/// index contains all the rows.
fn select_entries(name: &TopicName, condition: &str, order: &str, filter: &Filter) -> String {
    const LASTING: &str = "lasting AND channel IS NOT NULL";
    // One channel has an index for each kind of entry.
    let of_one = |kind: &str| {
        format!(
            "SELECT {COLUMNS} FROM entries
             WHERE topic = t.id AND {condition} AND channel = ($4::text[])[1] AND $5::text[] IS NULL AND {kind}"
        )
    };
    match (filter.channels.one(), filter.lasting) {
        (Some(_), true) => of_one(LASTING),
        (Some(_), false) => {
            let newest = format!(r#"ORDER BY "offset" {order} LIMIT $3"#);
            let (of_notices, of_values) = (of_one(LASTING), of_one("NOT lasting"));
            format!("({of_notices} {newest}) UNION ALL ({of_values} {newest})")
        }
        (None, lasting) => {
            let kind = match name {
                TopicName::Feed if lasting => LASTING,
                TopicName::Room(_) if lasting && filter.outside_threads => "lasting AND thread IS NULL",
                TopicName::Room(_) if lasting => "lasting",
                TopicName::Feed | TopicName::Room(_) | TopicName::User(_) => "true",
            };
            format!(
                "SELECT {COLUMNS} FROM entries
                 WHERE topic = t.id AND {condition} AND {kind} AND ($4::text[] IS NULL OR channel = ANY ($4))
                 AND ($5::text[] IS NULL OR channel IS NULL OR channel <> ALL ($5))"
            )
        }
    }
}

/// The first `limit` names, in the order of their bytes, of the channels that have entries.
pub(super) async fn channel_names(
    client: &Client,
    name: &TopicName,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    // As in `latest_by_channel`: from channel to channel through the indexes.
    let names = |name: &str, kind: &str| {
        format!(
            "{name} (channel, number) AS (
                 SELECT min(channel), 1::bigint FROM entries WHERE topic = (SELECT id FROM t) AND {kind}
                 UNION ALL
                 SELECT (SELECT min(channel) FROM entries
                         WHERE topic = (SELECT id FROM t) AND {kind} AND channel > {name}.channel),
                     number + 1
                 FROM {name} WHERE {name}.channel IS NOT NULL AND number < $2
             )"
        )
    };
    let select = client
        .prepare_cached(&format!(
            "WITH RECURSIVE t AS MATERIALIZED (SELECT id FROM topics WHERE name = $1), {}, {}
             SELECT channel FROM measured WHERE channel IS NOT NULL
             UNION SELECT channel FROM noted WHERE channel IS NOT NULL ORDER BY channel LIMIT $2",
            names("measured", "NOT lasting"),
            names("noted", "lasting AND channel IS NOT NULL")
        ))
        .await?;
    let rows = client.query(&select, &[&name.to_string(), &signed(limit as u64)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The newest entries of the channels with the most recent ones, as [`crate::server::store::Store::latest_by_channel`]
/// defines. `None` if the topic does not exist.
pub(super) async fn latest_by_channel(
    client: &Client,
    name: &TopicName,
    channels: &Channels,
    count: usize,
    limit: usize,
) -> Result<Option<Slice>, StoreError> {
    // The recursion jumps from channel to channel through the index instead of reading every entry.
    let removed =
        removed(&Filter { channels: channels.clone(), lasting: false, ..Filter::default() }, "$4", "$5");
    let select = client
        .prepare_cached(&format!(
            r#"WITH RECURSIVE t AS MATERIALIZED (
                   SELECT id, epoch, floor, head, {removed} AS removed FROM topics WHERE name = $1
               ),
               names (channel) AS (
                   SELECT min(channel) FROM entries WHERE topic = (SELECT id FROM t) AND NOT lasting
                   UNION ALL
                   SELECT (SELECT min(channel) FROM entries
                           WHERE topic = (SELECT id FROM t) AND NOT lasting AND channel > names.channel)
                   FROM names WHERE names.channel IS NOT NULL
               ),
               latest AS (
                   SELECT channel, (SELECT max("offset") FROM entries
                                    WHERE topic = (SELECT id FROM t) AND NOT lasting AND channel = names.channel)
                          AS newest
                   FROM names WHERE channel IS NOT NULL
                   AND ($4::text[] IS NULL OR channel = ANY ($4)) AND ($5::text[] IS NULL OR channel <> ALL ($5))
                   ORDER BY newest DESC LIMIT $2
               )
               SELECT t.epoch, t.floor, t.head, t.removed, e.* FROM t LEFT JOIN (
                   SELECT found.* FROM latest CROSS JOIN LATERAL (
                       SELECT {COLUMNS} FROM entries
                       WHERE topic = (SELECT id FROM t) AND NOT lasting AND channel = latest.channel
                       ORDER BY "offset" DESC LIMIT $3
                   ) found
               ) e ON true
               ORDER BY e."offset""#
        ))
        .await?;
    let (count, limit) = (signed(count as u64), signed(limit as u64));
    let (only, except) = readable_names(channels);
    let rows = client.query(&select, &[&name.to_string(), &count, &limit, &only, &except]).await?;
    slice_of(name, &rows)
}

/// The newest timestamp of any topic that is not after `until_ms`, in milliseconds since the Unix epoch.
pub(super) async fn newest_timestamp(client: &Client, until_ms: i64) -> Result<Option<i64>, StoreError> {
    let select = client
        .prepare_cached("SELECT max(timestamp) FROM topics WHERE timestamp > 0 AND timestamp <= $1")
        .await?;
    Ok(client.query_one(&select, &[&until_ms]).await?.get(0))
}

/// The names of all topics.
pub(super) async fn topics(client: &Client) -> Result<Vec<TopicName>, StoreError> {
    let select = client.prepare_cached("SELECT name FROM topics ORDER BY id").await?;
    client.query(&select, &[]).await?.iter().map(|row| row.get::<_, &str>(0).parse()).collect()
}

/// All rooms, in the order of their creation.
pub(super) async fn rooms(client: &Client) -> Result<Vec<Room>, StoreError> {
    let select = client.prepare_cached("SELECT id, name FROM rooms ORDER BY position").await?;
    let room = |row: &Row| {
        let id: &str = row.get(0);
        let id = RoomId::parse(id)
            .map_err(|_| StoreError::Damaged(format!("there is a room with the id {id:?}")))?;
        Ok(Room::new(id, row.get(1)))
    };
    client.query(&select, &[]).await?.iter().map(room).collect()
}

/// Fails if the session is read only.
pub(super) async fn check(client: &tokio_postgres::Client) -> Result<(), StoreError> {
    let row = client.query_one("SELECT current_setting('transaction_read_only')::bool", &[]).await?;
    match row.get(0) {
        true => Err(StoreError::NotWritable("it is read only (default_transaction_read_only)".into())),
        false => Ok(()),
    }
}
