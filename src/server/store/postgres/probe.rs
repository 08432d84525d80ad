//! Writes that only test whether the database is writable. The store's check is the caller.

use deadpool_postgres::Client;

use crate::server::store::{StoreError, health::LARGE_PROBE_BYTES};

/// The smallest write: a row with an unchanged value. Nothing else writes that row while servers run.
pub(super) async fn write_a_row(client: &Client) -> Result<(), StoreError> {
    Ok(client.batch_execute("UPDATE identity SET value = value").await?)
}

/// A larger write ([`LARGE_PROBE_BYTES`]), for a store that was failing. It is rolled back, but the files grow all the
/// same.
pub(super) async fn write_pages(client: &Client) -> Result<(), StoreError> {
    // Random text, because PostgreSQL compresses values.
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
