//! The record in a row of `entries`, for the modules that select some. They name its columns by [`COLUMNS`].

use rusqlite::Row;

use crate::server::store::{Record, TopicName};

/// The columns of a record.
pub(super) const COLUMNS: &str = "offset, timestamp, author, client_id, channel, body, target";

/// The record of a row with the columns [`COLUMNS`].
pub(super) fn record_of(topic: &TopicName, row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        topic: topic.clone(),
        offset: row.get(0)?,
        timestamp: row.get(1)?,
        author: row.get(2)?,
        client_id: row.get(3)?,
        channel: row.get(4)?,
        body: row.get(5)?,
        target: row.get(6)?,
    })
}
