//! Writes that only show whether something can be written. The store's check is the caller.

use deadpool_postgres::Client;

use crate::server::store::{StoreError, health::LARGE_PROBE_BYTES};

/// The least: a row with the value that it has. Nothing else writes it while servers run.
pub(super) async fn write_a_row(client: &Client) -> Result<(), StoreError> {
    Ok(client.batch_execute("UPDATE identity SET value = value").await?)
}

/// As much as a store needs that was failing. Rolled back, the files have grown all the same.
pub(super) async fn write_pages(client: &Client) -> Result<(), StoreError> {
    // Of chance, because PostgreSQL compresses what it can.
    let hashes = LARGE_PROBE_BYTES / 32;
    let insert = format!(
        "BEGIN;
         INSERT INTO documents (kind, id, body)
             SELECT 'probe', md5(random()::text), string_agg(md5(random()::text), '')
             FROM generate_series(1, {hashes});
         ROLLBACK"
    );
    client.batch_execute(&insert).await?;
    write_a_row(client).await
}
