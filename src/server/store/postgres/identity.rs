//! Identity of the database, which detects that it was restored from a backup: then it would give out offsets again
//! that readers have already seen. If the identity has changed, every topic gets a new epoch, and readers are told by a
//! reset.
//!
//! The identity has three parts. The cluster's system identifier changes if the tables are restored elsewhere. The
//! WAL's timeline changes if a standby is promoted or the cluster is recovered to a point in time; the last commits may
//! be gone. The object ids of the database and its tables change if those are created again and restored in place. A
//! copy of the cluster's files that is put back without a recovery keeps all three and is not detected; an operator who
//! does that empties the table `identity` before the start.

use deadpool_postgres::{Client, tokio_postgres};

use crate::server::store::{StoreError, new_epoch};

/// Reads the database's identity. Fails on a standby, which cannot be written to.
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

/// Compares the database's identity with the stored one. If they differ, gives every topic a new epoch and stores the
/// identity. Returns it. The caller has a transaction with the schema's lock.
pub(super) async fn settle(client: &Client) -> Result<String, StoreError> {
    let identity = read(client).await?;
    let known = client.query_opt("SELECT value FROM identity", &[]).await?;
    if known.is_some_and(|row| row.get::<_, &str>(0) == identity) {
        return Ok(identity);
    }
    let topics = client.query("SELECT id FROM topics", &[]).await?;
    if !topics.is_empty() {
        tracing::warn!(
            "the database is not the one of the last run: it was restored, copied or promoted; readers get a reset"
        );
    }
    for topic in topics {
        let (id, epoch): (i64, _) = (topic.get(0), new_epoch());
        client.execute("UPDATE topics SET epoch = $2 WHERE id = $1", &[&id, &epoch]).await?;
    }
    write(client, &identity).await?;
    Ok(identity)
}

/// Stores the identity.
pub(super) async fn write(client: &Client, identity: &str) -> Result<(), StoreError> {
    client.execute("DELETE FROM identity", &[]).await?;
    client.execute("INSERT INTO identity VALUES ($1)", &[&identity]).await?;
    Ok(())
}
