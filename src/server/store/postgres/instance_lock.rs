//! The lock that decides which servers may use a database: one alone, or any number of nodes that announce their
//! appends to each other through Redis. A server without announcements would show its readers late what another one
//! appends, and would go on with the old rights that it holds in memory.
//!
//! It is a session-level advisory lock (PostgreSQL 15, 13.3.5) on a connection of its own: nodes take it shared, a
//! single server exclusively. A restart of PostgreSQL releases it, and it stays released until this server restarts.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connect::{Connection, Connections};
use crate::server::store::{Sharing, StoreError};

/// Number of the advisory lock: the letters of the name.
const LOCK: i64 = i64::from_be_bytes(*b"idobata1");
/// Wait for the previous holder: PostgreSQL notices that a killed server is gone, but not at once.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// The held lock; dropping it releases the lock.
pub(super) struct InstanceLock(#[expect(dead_code, reason = "it is held, not used")] Connection);

impl InstanceLock {
    /// Takes the lock. Fails with [`StoreError::DatabaseInUse`] if a server holds it in a mode that does not fit.
    pub(super) async fn take(connections: &Connections, sharing: Sharing) -> Result<Self, StoreError> {
        let deadline = Instant::now() + PATIENCE;
        let connection = connections.get().await?;
        let take = match sharing {
            Sharing::Alone => "SELECT pg_try_advisory_lock($1)",
            Sharing::WithNodes => "SELECT pg_try_advisory_lock_shared($1)",
        };
        loop {
            let row = connection.query_one(take, &[&LOCK]).await?;
            if row.get(0) {
                return Ok(Self(connection));
            }
            if Instant::now() >= deadline {
                return Err(StoreError::DatabaseInUse);
            }
            sleep(PAUSE).await;
        }
    }
}
