//! Who may serve a database: one server that is alone, or any number of nodes that have a Redis to tell each other what
//! they append. The readers of a server that is told nothing would hear late what is said at another, and its rights
//! would stay as they were in its memory.
//!
//! The claim is a session's advisory lock (PostgreSQL 15, 13.3.5) on a connection that is kept for it: nodes share it,
//! a server that is alone has it for itself. A restart of PostgreSQL gives it up, until this server is started anew.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connect::{Connection, Connections};
use crate::server::store::{Sharing, StoreError};

/// The lock's number: the letters of the name.
const LOCK: i64 = i64::from_be_bytes(*b"idobata1");
/// How long a claim waits for the one before: PostgreSQL notices that a killed server is gone, but not at once.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// Holds the claim as long as it lives.
pub(super) struct InstanceLock(#[expect(dead_code, reason = "it is held, not used")] Connection);

impl InstanceLock {
    /// Refuses when a server has the database with which it cannot be shared.
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
