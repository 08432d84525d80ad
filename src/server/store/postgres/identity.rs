//! Which database this is, so that one that was put back from a backup is noticed: its numbering goes on from an
//! earlier place, so offsets that readers have seen would be given out anew. Then every topic gets a new epoch, and
//! readers are told.
//!
//! It is made of the cluster's system identifier (another one: the tables were restored elsewhere), the WAL's timeline
//! (another one: a standby was promoted or the cluster recovered to a point in time; what was committed last may be
//! gone) and the object ids of the database and its tables (others: they were made anew and restored in place). A copy of the cluster's
//! files that is put back without a recovery has them all and is not noticed; whoever does that empties the table
//! `identity` before the start.

use deadpool_postgres::{Client, tokio_postgres};

use crate::server::store::{StoreError, new_epoch};

/// Reads what the database is. Fails on a standby, which nothing can be written to.
pub(super) async fn read(client: &tokio_postgres::Client) -> Result<String, tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' ||
                 left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' ||
                 (SELECT oid FROM pg_database WHERE datname = current_database())::text || '/' ||
                 'topics'::regclass::oid::text || '/' ||
                 'entries'::regclass::oid::text",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

/// Compares what the database is with what it was, gives every topic a new epoch when that is not the same, and
/// returns the former. The caller has a transaction and the lock of the schema.
pub(super) async fn settle(client: &Client) -> Result<String, StoreError> {
    let identity = read(client).await?;
    let known = client.query_opt("SELECT value FROM identity", &[]).await?;
    if known.is_some_and(|row| row.get::<_, &str>(0) == identity) {
        return Ok(identity);
    }
    let topics = client.query("SELECT id FROM topics", &[]).await?;
    if !topics.is_empty() {
        tracing::warn!(
            "the database is not the one of the last run: it was restored, copied or promoted; readers are told"
        );
    }
    for topic in topics {
        let (id, epoch): (i64, _) = (topic.get(0), new_epoch());
        client.execute("UPDATE topics SET epoch = $2 WHERE id = $1", &[&id, &epoch]).await?;
    }
    write(client, &identity).await?;
    Ok(identity)
}

/// Notes that the database is this one.
pub(super) async fn write(client: &Client, identity: &str) -> Result<(), StoreError> {
    client.execute("DELETE FROM identity", &[]).await?;
    client.execute("INSERT INTO identity VALUES ($1)", &[&identity]).await?;
    Ok(())
}
