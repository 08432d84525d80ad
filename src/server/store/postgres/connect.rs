//! Connections to PostgreSQL: a pool that makes them when they are needed and lets go of those that broke. The rest of
//! this folder asks here for one and gives it back; nothing else connects.
//!
//! No password may get into an error: what PostgreSQL says of a connection has none, and the address is not repeated.

use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use deadpool_postgres::{
    Client, Hook, HookError, Object, Pool, PoolError, Runtime, tokio_postgres::config::SslMode,
};

use super::{address::Address, error::describe, identity};
use crate::server::store::{StoreError, health::Health};

/// How long a new connection may take, and a caller wait for a free one: a person waits no longer for a refusal.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long PostgreSQL may work on a statement (`statement_timeout`). The longest of ours, a step of a trim, takes a
/// tenth of a second; what takes longer waits for a lock that something else holds. The same for a transaction that
/// nothing is asked in: a machine that is gone must not hold its locks for as long as TCP takes to notice.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a piece of work of a few statements may take before its connection is given up. It is for a server that
/// does not answer at all and so cannot hold itself to its own limit.
const WORK_TIMEOUT: Duration = Duration::from_secs(15);
/// When a silent connection is asked whether it is still there, and how often: a lost machine is noticed in 16 s.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 3;

/// The program's pool of connections to one database.
pub(super) struct Connections {
    pool: Pool,
    /// Which database it was at the start. A connection to another one is refused.
    identity: Arc<OnceLock<String>>,
    /// Whether TLS is left to the server, which may have none.
    may_be_plain: bool,
    health: Arc<Health>,
}

impl Connections {
    /// Reads the address; connects to nothing yet. At most `count` connections at the same time.
    pub(super) fn new(address: &Address, count: usize) -> Result<Self, StoreError> {
        let mut config = address.read()?;
        let may_be_plain = config.get_ssl_mode() == SslMode::Prefer;
        config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(WORK_TIMEOUT);
        config.keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
        config.keepalives_retries(KEEPALIVE_RETRIES);
        if config.get_application_name().is_none() {
            config.application_name("idobata");
        }
        let identity = Arc::new(OnceLock::new());
        let pool = Pool::builder(address.manager(config)?)
            .max_size(count + 1) // one is kept for the claim
            .wait_timeout(Some(CONNECT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .post_create(prepare_connection(identity.clone()))
            .build()
            .map_err(|error| StoreError::Address(error.to_string()))?;
        Ok(Self { pool, identity, may_be_plain, health: Arc::default() })
    }

    /// Whether a connection may be without TLS although nobody asked for that.
    pub(super) fn may_be_plain(&self) -> bool {
        self.may_be_plain
    }

    /// A connection that nobody else has.
    pub(super) async fn get(&self) -> Result<Connection, StoreError> {
        match self.pool.get().await {
            Ok(object) => {
                let (object, health) = (Some(object), self.health.clone());
                Ok(Connection { object, health, is_finished: AtomicBool::new(false) })
            }
            Err(PoolError::Backend(error)) => Err(StoreError::Unreachable(describe(&error))),
            Err(PoolError::PostCreateHook(HookError::Message(_))) => Err(StoreError::Replaced),
            Err(PoolError::PostCreateHook(HookError::Backend(error))) => Err(error.into()),
            Err(PoolError::Timeout(_)) => Err(StoreError::NoAnswer(CONNECT_TIMEOUT)),
            Err(PoolError::Closed | PoolError::NoRuntimeSpecified) => Err(StoreError::Closed),
        }
    }

    /// Whether the database can be written to.
    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    /// Takes notice of an error of the queue, whether [`Connection::finish`] has seen it or not.
    pub(super) fn note(&self, error: &StoreError) {
        note(error, &self.health, Some(&self.pool));
    }

    /// From now on every new connection has to lead to this database.
    pub(super) fn expect_identity(&self, identity: String) {
        self.identity.get_or_init(|| identity);
    }

    /// Nobody gets a connection any more.
    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// Notes that the database cannot be written to. The connections that wait go: each of them keeps the settings that it
/// began with, and would be read only when the database is not any more.
fn note(error: &StoreError, health: &Health, pool: Option<&Pool>) {
    if let StoreError::NotWritable(cause) = error {
        health.failed(cause);
        if let Some(pool) = pool {
            pool.retain(|_, _| false);
        }
    }
}

/// What is done with each new connection before anybody gets it.
fn prepare_connection(expected: Arc<OnceLock<String>>) -> Hook {
    Hook::async_fn(move |client, _| {
        let expected = expected.clone();
        Box::pin(async move {
            // Every query of ours has an index. A plan that was made while a table was small must not go on to read
            // all of it when it has grown.
            let settings = format!(
                "SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit};
                 SET enable_seqscan = off; SET enable_hashjoin = off;
                 SET enable_mergejoin = off; SET enable_bitmapscan = off; SET jit = off",
                limit = STATEMENT_TIMEOUT.as_millis()
            );
            client.batch_execute(&settings).await.map_err(HookError::Backend)?;
            let Some(expected) = expected.get() else { return Ok(()) };
            let found = identity::read(client).await.map_err(HookError::Backend)?;
            if found == *expected {
                return Ok(());
            }
            tracing::error!("PostgreSQL was replaced by another one or lost its end: restart this server");
            Err(HookError::message("replaced"))
        })
    })
}

/// A connection of the pool. It goes back only after [`Connection::finish`]: one that was dropped in the middle of its
/// work, or after an error, may be in a transaction still and is closed.
pub(super) struct Connection {
    object: Option<Object>,
    health: Arc<Health>,
    is_finished: AtomicBool,
}

impl Connection {
    /// Does the last piece of work with this connection.
    pub(super) async fn finish<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let done = in_time(work).await;
        self.is_finished.store(done.is_ok(), Relaxed);
        if let Err(error) = &done {
            note(error, &self.health, self.object.as_ref().and_then(Object::pool).as_ref());
        }
        done
    }
}

/// Does not wait for ever for a server that does not answer.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let done = tokio::time::timeout(WORK_TIMEOUT, work).await;
    done.unwrap_or(Err(StoreError::NoAnswer(WORK_TIMEOUT)))
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.object.as_ref().expect("taken only when it is dropped")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let object = self.object.take().expect("dropped once");
        if !self.is_finished.load(Relaxed) {
            drop(Object::take(object));
        }
    }
}
