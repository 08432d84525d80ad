//! The queries. Each runs in one read transaction, so that entries and bounds show the same instant.

use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::{
    channel_names::names_of,
    record::{COLUMNS, record_of},
    removals::removed,
};
use crate::{
    protocol::{
        chat::Room,
        cursor::{Epoch, Offset},
        name::RoomId,
    },
    server::store::{Bounds, Channels, Filter, Record, Slice, StoreError, TopicName},
};

/// The row id and the bounds of a topic; `None` if it does not exist.
pub(super) fn bounds(connection: &Connection, name: &TopicName) -> Result<Option<(i64, Bounds)>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT id, epoch, floor, head FROM topics WHERE name = ?1")?;
    let row = select
        .query_row([name.to_string()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((id, epoch, floor, head)) = row else { return Ok(None) };
    Ok(Some((id, Bounds { epoch: epoch_of(name, &epoch)?, floor, head })))
}

/// The bounds of a topic, and the highest removed offset among the entries that pass the filter. `None` if the topic
/// does not exist.
pub(super) fn bounds_for(
    connection: &Connection,
    name: &TopicName,
    filter: &Filter,
) -> Result<Option<(Bounds, Offset)>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((id, bounds)) = bounds(&transaction, name)? else { return Ok(None) };
    Ok(Some((bounds, removed(&transaction, id, filter)?)))
}

/// Parses an epoch from the database.
pub(super) fn epoch_of(name: &TopicName, text: &str) -> Result<Epoch, StoreError> {
    Epoch::parse(text).ok_or_else(|| StoreError::Damaged(format!("{name} has the epoch {text:?}")))
}

/// The entry at this offset.
pub(super) fn stored_at(
    connection: &Connection,
    name: &TopicName,
    topic: i64,
    offset: Offset,
) -> Result<Option<Record>, StoreError> {
    let mut select = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM entries WHERE topic = ?1 AND offset = ?2"))?;
    // SQLite's integers are signed.
    let Ok(offset) = i64::try_from(offset) else { return Ok(None) };
    Ok(select.query_row(params![topic, offset], |row| record_of(name, row)).optional()?)
}

/// The starting offset, exclusive, and the direction of a read.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    After(Offset),
    Before(Offset),
}

/// A slice in either direction. `None` if the topic does not exist.
pub(super) fn slice(
    connection: &Connection,
    name: &TopicName,
    from: From,
    filter: &Filter,
    limit: usize,
) -> Result<Option<Slice>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((id, bounds)) = bounds(&transaction, name)? else { return Ok(None) };
    let (condition, order, offset) = match from {
        From::After(offset) => ("offset > :offset", "ASC", offset),
        From::Before(offset) => ("offset < :offset", "DESC", offset),
    };
    let mut select = transaction.prepare_cached(&select_slice(name, condition, order, filter))?;
    let (mut only, except) = names_of(&filter.channels);
    if let Some(channel) = filter.channels.one() {
        only = Some(channel.to_owned());
    }
    let rows = select.query_map(
        // One row more than asked for shows whether there are more. SQLite's integers are signed.
        named_params! {
            ":topic": id, ":offset": i64::try_from(offset).unwrap_or(i64::MAX),
            ":only": only, ":except": except, ":limit": limit + 1,
        },
        |row| record_of(name, row),
    )?;
    let mut records = rows.collect::<Result<Vec<_>, _>>()?;
    let more = records.len() > limit;
    records.truncate(limit);
    if matches!(from, From::Before(_)) {
        records.reverse();
    }
    let removed = removed(&transaction, id, filter)?;
    Ok(Some(Slice { bounds, removed, records, more }))
}

/// The entries of the feed that are notices, and those that are values, each with its index by channel. What tells an
/// index is text and not a parameter: only then can SQLite prove that the index contains all the rows.
const NOTICES: (&str, &str) = ("lasting = 1 AND channel IS NOT NULL", "entries_notices_by_channel");
const VALUES: (&str, &str) = ("lasting = 0", "entries_values");

/// The statement of [`slice()`].
pub(super) fn select_slice(name: &TopicName, condition: &str, order: &str, filter: &Filter) -> String {
    // One channel is read by its indexes; `:only` is its name as it is. Without the hint SQLite reads all channels.
    let of_one = |(kind, index): (&str, &str)| {
        format!(
            "SELECT * FROM (
                 SELECT {COLUMNS} FROM entries INDEXED BY {index}
                 WHERE topic = :topic AND {condition} AND channel = :only AND :except IS NULL AND {kind}
                 ORDER BY offset {order} LIMIT :limit
             )"
        )
    };
    match (filter.channels.one(), filter.lasting) {
        (Some(_), true) => of_one(NOTICES),
        (Some(_), false) => {
            let (notices, values) = (of_one(NOTICES), of_one(VALUES));
            format!("{notices} UNION ALL {values} ORDER BY offset {order} LIMIT :limit")
        }
        (None, lasting) => {
            let kind = match name {
                TopicName::Feed if lasting => NOTICES.0,
                TopicName::Room(_) if lasting && filter.outside_threads => "lasting = 1 AND thread IS NULL",
                TopicName::Room(_) if lasting => "lasting = 1",
                TopicName::Feed | TopicName::Room(_) | TopicName::User(_) => "true",
            };
            format!(
                "SELECT {COLUMNS} FROM entries
                 WHERE topic = :topic AND {condition} AND {kind}
                 AND (:only IS NULL OR channel IN (SELECT value FROM json_each(:only)))
                 AND (:except IS NULL OR channel IS NULL OR channel NOT IN (SELECT value FROM json_each(:except)))
                 ORDER BY offset {order} LIMIT :limit"
            )
        }
    }
}

/// The first `limit` names, in the order of their bytes, of the channels that have entries.
pub(super) fn channel_names(
    connection: &Connection,
    name: &TopicName,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let mut select = connection.prepare_cached(&select_channel_names())?;
    let rows = select.query_map(params![name.to_string(), limit], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The statement of [`channel_names`]: as in [`latest_by_channel`] from channel to channel through the indexes.
pub(super) fn select_channel_names() -> String {
    let names = |name: &str, (kind, index): (&str, &str)| {
        let next = format!(
            "SELECT min(channel) FROM entries INDEXED BY {index}
             WHERE topic = (SELECT id FROM topics WHERE name = ?1) AND {kind}"
        );
        format!(
            "{name} (channel, number) AS (
                 SELECT ({next}), 1
                 UNION ALL
                 SELECT ({next} AND channel > {name}.channel), number + 1
                 FROM {name} WHERE {name}.channel IS NOT NULL AND number < ?2
             )"
        )
    };
    format!(
        "WITH RECURSIVE {}, {}
         SELECT channel FROM measured WHERE channel IS NOT NULL
         UNION SELECT channel FROM noted WHERE channel IS NOT NULL ORDER BY channel LIMIT ?2",
        names("measured", VALUES),
        names("noted", NOTICES)
    )
}

/// The newest entries of the channels with the most recent ones, as [`crate::server::store::Store::latest_by_channel`]
/// defines. `None` if the topic does not exist.
pub(super) fn latest_by_channel(
    connection: &Connection,
    name: &TopicName,
    channels: &Channels,
    count: usize,
    limit: usize,
) -> Result<Option<Slice>, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let Some((id, bounds)) = bounds(&transaction, name)? else { return Ok(None) };
    // The recursion jumps from channel to channel through the index instead of reading every entry.
    let mut select = transaction.prepare_cached(
        "WITH RECURSIVE names (channel) AS (
             SELECT min(channel) FROM entries WHERE topic = ?1 AND lasting = 0
             UNION ALL
             SELECT (SELECT min(channel) FROM entries WHERE topic = ?1 AND lasting = 0 AND channel > names.channel)
             FROM names WHERE names.channel IS NOT NULL
         )
         SELECT channel FROM names WHERE channel IS NOT NULL
         AND (?3 IS NULL OR channel IN (SELECT value FROM json_each(?3)))
         AND (?4 IS NULL OR channel NOT IN (SELECT value FROM json_each(?4)))
         ORDER BY (SELECT max(offset) FROM entries WHERE topic = ?1 AND lasting = 0 AND channel = names.channel) DESC
         LIMIT ?2",
    )?;
    let (only, except) = names_of(channels);
    let names = select
        .query_map(params![id, count, only, except], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut select = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM entries
         WHERE topic = ?1 AND lasting = 0 AND channel = ?2 ORDER BY offset DESC LIMIT ?3"
    ))?;
    let mut records = Vec::new();
    for channel in names {
        let rows = select.query_map(params![id, channel, limit], |row| record_of(name, row))?;
        records.extend(rows.collect::<Result<Vec<_>, _>>()?);
    }
    records.sort_unstable_by_key(|record| record.offset);
    let filter = Filter { channels: channels.clone(), lasting: false, ..Filter::default() };
    let removed = removed(&transaction, id, &filter)?;
    Ok(Some(Slice { bounds, removed, records, more: false }))
}

/// The newest timestamp of any topic that is not after `until_ms`, in milliseconds since the Unix epoch.
pub(super) fn newest_timestamp(connection: &Connection, until_ms: i64) -> Result<Option<i64>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT max(timestamp) FROM topics WHERE timestamp > 0 AND timestamp <= ?1")?;
    Ok(select.query_row([until_ms], |row| row.get(0))?)
}

/// The names of all topics.
pub(super) fn topics(connection: &Connection) -> Result<Vec<TopicName>, StoreError> {
    let mut select = connection.prepare_cached("SELECT name FROM topics ORDER BY id")?;
    let names = select.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    names.iter().map(|name| name.parse()).collect()
}

/// All rooms, in the order of their creation.
pub(super) fn rooms(connection: &Connection) -> Result<Vec<Room>, StoreError> {
    let mut select = connection.prepare_cached("SELECT id, name FROM rooms ORDER BY position")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (id, name) = row?;
        let id = RoomId::parse(&id)
            .map_err(|_| StoreError::Damaged(format!("there is a room with the id {id:?}")))?;
        Ok(Room::new(id, name))
    })
    .collect()
}
