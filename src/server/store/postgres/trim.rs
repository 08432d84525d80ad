//! Applies retention in steps. Each step is a transaction that holds the lock on the topic's row, as an append does.

use deadpool_postgres::Client;

use super::{
    place,
    removals::{self, REMOVED},
    signed,
};
use crate::{
    protocol::cursor::Offset,
    server::{
        clock::EARLIEST_MS,
        config::Retention,
        store::{PAST_CLIENT_IDS_MAX, StoreError, TRIM_STEP, TopicName},
    },
};

struct Topic {
    id: i64,
    head: Offset,
    floor: Offset,
}

/// One step of a trim: raises the floor by at most [`TRIM_STEP`] and removes the entries below it that retention does
/// not keep. Returns how many were removed, and whether another step is needed.
pub(super) async fn step(
    client: &Client,
    name: &TopicName,
    retention: Retention,
    now_ms: i64,
) -> Result<(u64, bool), StoreError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let removed = match lock(client, name).await? {
        Some(topic) => trim(client, &topic, retention, now_ms).await?,
        None => (0, false),
    };
    client.batch_execute("COMMIT").await?;
    Ok(removed)
}

async fn lock(client: &Client, name: &TopicName) -> Result<Option<Topic>, StoreError> {
    let select =
        client.prepare_cached("SELECT id, head, floor FROM topics WHERE name = $1 FOR NO KEY UPDATE").await?;
    let row = client.query_opt(&select, &[&name.to_string()]).await?;
    Ok(row.map(|row| Topic { id: row.get(0), head: place(row.get(1)), floor: place(row.get(2)) }))
}

async fn trim(
    client: &Client,
    topic: &Topic,
    retention: Retention,
    now_ms: i64,
) -> Result<(u64, bool), StoreError> {
    let oldest_ms = now_ms.saturating_sub(retention.age_ms);
    let by_age =
        first_young(client, topic.id, oldest_ms, now_ms).await?.map_or(topic.head, |offset| offset - 1);
    let by_count = topic.head.saturating_sub(retention.entries);
    let target = by_age.max(by_count).max(topic.floor);
    let floor = target.min(topic.floor + TRIM_STEP);
    let (below, old, kept) = (signed(floor), signed(by_age), signed(retention.entries));
    let remember = client
        .prepare_cached(&format!(
            r#"INSERT INTO past_client_ids SELECT topic, author, client_id, "offset", timestamp
               FROM entries WHERE {REMOVED} AND client_id IS NOT NULL ON CONFLICT DO NOTHING"#
        ))
        .await?;
    client.execute(&remember, &[&topic.id, &below, &old, &kept]).await?;
    let removed = removals::remove(client, topic.id, below, old, kept).await?;
    if floor > topic.floor {
        let raise = client.prepare_cached("UPDATE topics SET floor = $2 WHERE id = $1").await?;
        client.execute(&raise, &[&topic.id, &below]).await?;
    }
    let oldest_id_ms = now_ms.saturating_sub(retention.client_id_age_ms);
    let forgotten = forget_client_ids(client, topic.id, oldest_id_ms).await?;
    Ok((removed, floor < target || forgotten == TRIM_STEP))
}

/// The first entry that is not too old. Timestamps between [`EARLIEST_MS`] and `now_ms` are trusted. Everything up to
/// the last trusted old entry before the first trusted young one is too old. Entries between those two are dated in the
/// future, or before this program existed, and may be young.
async fn first_young(
    client: &Client,
    topic: i64,
    oldest_ms: i64,
    now_ms: i64,
) -> Result<Option<Offset>, StoreError> {
    let select = client
        .prepare_cached(
            r#"SELECT "offset" FROM entries
               WHERE topic = $1 AND (timestamp >= $2 OR timestamp < $4) AND "offset" > coalesce((
                   SELECT "offset" FROM entries
                   WHERE topic = $1 AND timestamp >= $4 AND timestamp < $2 AND "offset" < coalesce((
                       SELECT "offset" FROM entries WHERE topic = $1 AND timestamp BETWEEN $2 AND $3
                       ORDER BY "offset" LIMIT 1), 9223372036854775807)
                   ORDER BY "offset" DESC LIMIT 1), 0)
               ORDER BY "offset" LIMIT 1"#,
        )
        .await?;
    let row = client.query_opt(&select, &[&topic, &oldest_ms, &now_ms, &EARLIEST_MS]).await?;
    Ok(row.map(|row| place(row.get(0))))
}

/// Removes up to [`TRIM_STEP`] client ids of removed entries: those that are too old, and the oldest of those beyond
/// [`PAST_CLIENT_IDS_MAX`]. Returns how many.
async fn forget_client_ids(client: &Client, topic: i64, oldest_ms: i64) -> Result<u64, StoreError> {
    // Both queries follow the index by age: the row after the newest [`PAST_CLIENT_IDS_MAX`] is the newest surplus one.
    let select = client
        .prepare_cached(
            "SELECT timestamp FROM past_client_ids WHERE topic = $1 ORDER BY timestamp DESC LIMIT 1 OFFSET $2",
        )
        .await?;
    let surplus = client.query_opt(&select, &[&topic, &signed(PAST_CLIENT_IDS_MAX)]).await?;
    let surplus_ms = surplus.map_or(i64::MIN, |row| row.get::<_, i64>(0) + 1);
    let remove = client
        .prepare_cached(
            "DELETE FROM past_client_ids WHERE ctid = ANY (ARRAY (
                 SELECT ctid FROM past_client_ids
                 WHERE topic = $1 AND (timestamp < $2 AND timestamp >= $5 OR timestamp < $4)
                 ORDER BY timestamp LIMIT $3))",
        )
        .await?;
    Ok(client.execute(&remove, &[&topic, &oldest_ms, &signed(TRIM_STEP), &surplus_ms, &EARLIEST_MS]).await?)
}
