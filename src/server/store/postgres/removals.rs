//! The highest removed offset of each channel of a topic. A trim removes entries through this module, and reads ask for
//! the highest removed offset among the entries that pass their filter. The offsets must be written in the transaction
//! that removes the entries, which holds the lock on the topic's row.

use deadpool_postgres::Client;

use super::signed;
use crate::server::store::{Filter, REMOVALS_MAX, StoreError};

/// Condition for the entries that a trim removes. Parameters: the topic, the floor, the last offset that is too old,
/// and the number of lasting entries to keep.
pub(super) const REMOVED: &str = r#"topic = $1 AND "offset" <= $2 AND (NOT lasting OR "offset" <= $3
    OR "offset" <= (SELECT "offset" FROM entries WHERE topic = $1 AND lasting
                    ORDER BY "offset" DESC LIMIT 1 OFFSET $4))"#;

/// Removes the entries that [`REMOVED`] selects, which has the same parameters, and records their highest offsets.
/// Returns the number of removed entries.
pub(super) async fn remove(
    client: &Client,
    topic: i64,
    below: i64,
    old: i64,
    kept: i64,
) -> Result<u64, StoreError> {
    // An offset at or below `topics.removed`, which is assumed for every channel, needs no row.
    let remove = client
        .prepare_cached(&format!(
            r#"WITH gone AS (
                   DELETE FROM entries WHERE {REMOVED}
                   RETURNING coalesce(channel, '') AS channel, lasting, "offset"
               ),
               noted AS (
                   INSERT INTO removals (topic, channel, lasting, "offset")
                   SELECT $1, channel, lasting, max("offset") FROM gone GROUP BY channel, lasting
                   HAVING max("offset") > (SELECT removed FROM topics WHERE id = $1)
                   ON CONFLICT (topic, channel, lasting)
                   DO UPDATE SET "offset" = greatest(removals."offset", excluded."offset")
               ),
               untagged AS (
                   DELETE FROM tags WHERE topic = $1 AND target IN (SELECT "offset" FROM gone WHERE lasting)
               ),
               unfound AS (
                   DELETE FROM search_documents
                   WHERE topic = $1 AND "offset" IN (SELECT "offset" FROM gone WHERE lasting)
               ),
               unfiled AS (
                   DELETE FROM files WHERE topic = $1 AND "offset" IN (SELECT "offset" FROM gone WHERE lasting)
                   RETURNING hash
               ),
               noted_contents AS (
                   INSERT INTO removed_contents SELECT DISTINCT hash FROM unfiled ON CONFLICT DO NOTHING
               )
               SELECT count(*) FROM gone"#
        ))
        .await?;
    let row = client.query_one(&remove, &[&topic, &below, &old, &kept]).await?;
    let removed = u64::try_from(row.get::<_, i64>(0)).unwrap_or_default();
    if removed > 0 {
        fold(client, topic).await?;
    }
    Ok(removed)
}

/// Keeps the [`REMOVALS_MAX`] newest rows and raises `topics.removed`, which is assumed for every channel, to the
/// newest offset of the rest.
async fn fold(client: &Client, topic: i64) -> Result<(), StoreError> {
    let select = client
        .prepare_cached(
            r#"SELECT "offset" FROM removals WHERE topic = $1 ORDER BY "offset" DESC LIMIT 1 OFFSET $2"#,
        )
        .await?;
    let Some(row) = client.query_opt(&select, &[&topic, &signed(REMOVALS_MAX)]).await? else {
        return Ok(());
    };
    let offset: i64 = row.get(0);
    let delete = client.prepare_cached(r#"DELETE FROM removals WHERE topic = $1 AND "offset" <= $2"#).await?;
    client.execute(&delete, &[&topic, &offset]).await?;
    let assume =
        client.prepare_cached("UPDATE topics SET removed = greatest(removed, $2) WHERE id = $1").await?;
    client.execute(&assume, &[&topic, &offset]).await?;
    Ok(())
}

/// An SQL expression over a row of `topics`: the highest removed offset among the entries that pass the filter, for
/// [`crate::server::store::Slice::removed`]. `only` and `except` are the placeholders of the channel names that alone
/// are read, and that are not.
pub(super) fn removed(filter: &Filter, only: &str, except: &str) -> String {
    let lasting = if filter.lasting { "AND lasting AND channel <> ''" } else { "" };
    format!(
        r#"greatest(removed, (
               SELECT "offset" FROM removals WHERE topic = topics.id {lasting}
               AND ({only}::text[] IS NULL OR channel = ANY ({only}))
               AND ({except}::text[] IS NULL OR channel <> ALL ({except}))
               ORDER BY "offset" DESC LIMIT 1))"#
    )
}
