//! The log of changes to the document store, for nodes that hold some documents in memory.
//!
//! The number of a change is taken in its transaction, from a row that stays locked until the commit: numbers have no
//! gaps and are in commit order, so a node that has seen a number has seen all below it. Logged changes therefore run
//! one at a time; there are a few per minute.

use deadpool_postgres::Client;

use super::signed;
use crate::server::store::{
    StoreError,
    directory::{Change, Changes, ReplicatedOp},
};

/// Changes that are kept. A node that missed more reads all documents again, as it does at its start.
const KEPT: i64 = 10_000;
/// Changes per read. The longest ones, of a channel with the maximum of readers, have 100 kB.
const PAGE_ROWS: i64 = 200;

/// Appends a change, in the transaction that makes it. Returns its number.
pub(super) async fn append(client: &Client, steps: &[ReplicatedOp]) -> Result<u64, StoreError> {
    let append = client
        .prepare_cached(
            "WITH head AS (UPDATE change_head SET number = number + 1 RETURNING number),
                  old AS (DELETE FROM changes USING head WHERE changes.number <= head.number - $2)
             INSERT INTO changes (number, timestamp, steps)
             SELECT number, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $1 FROM head
             RETURNING number",
        )
        .await?;
    let steps = serde_json::to_string(steps).expect("steps have only string keys");
    Ok(unsigned(client.query_one(&append, &[&steps, &KEPT]).await?.get(0)))
}

/// The changes after `number`, for `DocumentStore::changes_after`. One statement, so that the newest number and the
/// rows show the same instant.
pub(super) async fn after(client: &Client, number: u64) -> Result<Changes, StoreError> {
    let select = client
        .prepare_cached(
            "SELECT head.number, found.number, found.steps FROM change_head AS head
             LEFT JOIN LATERAL (SELECT number, steps FROM changes WHERE number > $1 ORDER BY number LIMIT $2)
                 AS found ON true
             ORDER BY found.number",
        )
        .await?;
    let rows = client.query(&select, &[&signed(number), &PAGE_ROWS]).await?;
    let newest = rows.first().map_or(0, |row| unsigned(row.get(0)));
    let mut changes = Vec::new();
    for row in &rows {
        let (Some(number), Some(steps)) = (row.get(1), row.get::<_, Option<&str>>(2)) else { break };
        match serde_json::from_str(steps) {
            Ok(ops) => changes.push(Change { number: unsigned(number), ops }),
            // A later version of this program may have written it.
            Err(error) => {
                tracing::error!(number, %error, "cannot read a change of the directory");
                return Ok(Changes { newest, after: None });
            }
        }
    }
    let is_whole = match changes.first() {
        Some(first) => first.number == number + 1,
        None => number == newest,
    };
    Ok(Changes { newest, after: is_whole.then_some(changes) })
}

/// The inverse of [`signed`].
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
