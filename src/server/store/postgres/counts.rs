//! Counts of what a room shows after an offset, as in SQLite: by the index `entries_counted`, which has nothing else.

use deadpool_postgres::Client;

use super::{place, read::bounds, signed};
use crate::{
    protocol::cursor::Offset,
    server::store::{NewestCounted, StoreError, TopicName},
};

/// The statement of [`count_after`]. Parameters: the names of the logs and the offsets, the author, and the most that
/// is counted of each.
pub(super) const COUNT: &str = r#"SELECT d.number, (SELECT count(*) FROM (
       SELECT 1 FROM entries
       WHERE topic = t.id AND "offset" > d.after AND author <> $3
       AND lasting AND channel IS NULL AND thread IS NULL AND NOT erased ORDER BY "offset" LIMIT $4
   ) AS found)
   FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS d (name, after, number) JOIN topics AS t ON t.name = d.name"#;

/// The counts, as [`crate::server::store::Store::count_after`] defines, all of one instant.
pub(super) async fn count_after(
    client: &Client,
    places: &[(TopicName, Offset)],
    author: &str,
    max: u64,
) -> Result<Vec<u64>, StoreError> {
    let mut counts = vec![0; places.len()];
    if places.is_empty() {
        return Ok(counts);
    }
    let select = client.prepare_cached(COUNT).await?;
    let names: Vec<_> = places.iter().map(|(name, _)| name.to_string()).collect();
    let offsets: Vec<_> = places.iter().map(|(_, after)| signed(*after)).collect();
    for row in client.query(&select, &[&names, &offsets, &author, &signed(max)]).await? {
        // Ordinality counts from 1.
        let index = usize::try_from(row.get::<_, i64>(0) - 1).unwrap_or(usize::MAX);
        if let Some(count) = counts.get_mut(index) {
            *count = place(row.get(1));
        }
    }
    Ok(counts)
}

/// The newest of them, as [`crate::server::store::Store::newest_counted`] defines.
pub(super) async fn newest(
    client: &Client,
    name: &TopicName,
    limit: usize,
) -> Result<Option<NewestCounted>, StoreError> {
    let Some(bounds) = bounds(client, name).await? else { return Ok(None) };
    let select = client
        .prepare_cached(
            r#"SELECT e."offset", e.author FROM entries AS e JOIN topics AS t ON t.id = e.topic
               WHERE t.name = $1 AND e.lasting AND e.channel IS NULL AND e.thread IS NULL AND NOT e.erased
               ORDER BY e."offset" DESC LIMIT $2"#,
        )
        .await?;
    let rows = client.query(&select, &[&name.to_string(), &signed(limit as u64)]).await?;
    let entries = rows.iter().map(|row| (place(row.get(0)), row.get(1))).collect();
    Ok(Some(NewestCounted { bounds, entries }))
}

/// The query plan of [`COUNT`].
#[cfg(test)]
pub(super) async fn explain(client: &Client) -> Result<Vec<String>, StoreError> {
    client.batch_execute(&format!("PREPARE counted (text[], bigint[], text, bigint) AS {COUNT}")).await?;
    let rows = client.query("EXPLAIN EXECUTE counted ('{room:general}', '{2900}', 'a', 100)", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
