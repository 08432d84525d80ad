//! The pool of connections to PostgreSQL. It opens them on demand and drops those that broke. The rest of this folder
//! takes connections from here and returns them; nothing else connects.
//!
//! No error may contain a password: PostgreSQL's messages about a connection have none, and the address is not
//! repeated.

use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use deadpool_postgres::{
    Client, Hook, HookError, Object, Pool, PoolError, Runtime, tokio_postgres::config::SslMode,
};

use super::{address::Address, error::describe, identity, read};
use crate::server::store::{StoreError, health::Health};

/// Limit for opening a connection, and for waiting for a free one: a user waits no longer for an error.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Limit that PostgreSQL sets on a statement (`statement_timeout`). Our longest one, a step of a trim, takes a tenth of
/// a second; a statement that takes longer waits for a lock of another program. The same limit applies to an idle
/// transaction, because a machine that is gone must not hold its locks until TCP notices.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit for a few statements together, after which their connection is closed. It covers a server that does not
/// respond at all and so cannot apply its own limit.
const WORK_TIMEOUT: Duration = Duration::from_secs(15);
/// TCP keepalive: the idle time before the first probe, the interval, and the number of probes. A lost machine is
/// noticed within 16 s.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 3;

/// The server's pool of connections to one database.
pub(super) struct Connections {
    pool: Pool,
    /// Identity of the database at the start, once it is known. A connection to another one is rejected.
    identity: Arc<OnceLock<String>>,
    /// True if the server decides about TLS, and may have none.
    may_be_plain: bool,
    writability: Arc<Writability>,
}

/// The record of whether the database can be written to, and the connections that predate its latest change. A
/// connection keeps the settings with which it began, so one from before the change would stay read only after the
/// database is not.
#[derive(Default)]
struct Writability {
    health: Health,
    /// Number of changes so far.
    generation: AtomicU64,
}

impl Writability {
    /// Records an error, if it is about writing, and closes the connections that are not in use. Those in use are
    /// closed when they are returned.
    fn note(&self, error: &StoreError, pool: Option<&Pool>) {
        if let StoreError::NotWritable(cause) = error {
            self.health.failed(cause);
            self.discard_connections(pool);
        }
    }

    fn discard_connections(&self, pool: Option<&Pool>) {
        self.generation.fetch_add(1, Relaxed);
        if let Some(pool) = pool {
            pool.retain(|_, _| false);
        }
    }
}

impl Connections {
    /// Parses the address; connects to nothing yet. The pool holds `count` connections, and one for the instance lock.
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
        let writability = Arc::<Writability>::default();
        let pool = Pool::builder(address.manager(config)?)
            .max_size(count + 1) // one more, for the instance lock
            .wait_timeout(Some(CONNECT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .post_create(prepare_connection(identity.clone(), writability.clone()))
            .build()
            .map_err(|error| StoreError::Address(error.to_string()))?;
        Ok(Self { pool, identity, may_be_plain, writability })
    }

    /// Returns true if a connection may be without TLS although the operator did not choose that.
    pub(super) fn may_be_plain(&self) -> bool {
        self.may_be_plain
    }

    /// Takes a connection from the pool for exclusive use.
    pub(super) async fn get(&self) -> Result<Connection, StoreError> {
        let generation = self.writability.generation.load(Relaxed);
        match self.pool.get().await {
            Ok(object) => Ok(Connection {
                object: Some(object),
                writability: self.writability.clone(),
                generation,
                is_finished: AtomicBool::new(false),
            }),
            Err(PoolError::Backend(error)) => Err(StoreError::Unreachable(describe(&error))),
            Err(PoolError::PostCreateHook(HookError::Message(_))) => Err(StoreError::Replaced),
            Err(PoolError::PostCreateHook(HookError::Backend(error))) => Err(error.into()),
            Err(PoolError::Timeout(_)) => Err(StoreError::NoAnswer(CONNECT_TIMEOUT)),
            Err(PoolError::Closed | PoolError::NoRuntimeSpecified) => Err(StoreError::Closed),
        }
    }

    /// The record of whether the database can be written to.
    pub(super) fn health(&self) -> &Health {
        &self.writability.health
    }

    /// Records that a write reached the disk. If writes failed before, the connections from that time are closed.
    pub(super) fn note_success(&self) {
        if self.writability.health.succeeded() {
            self.writability.discard_connections(Some(&self.pool));
        }
    }

    /// Records an error of the append queue, whether or not [`Connection::finish`] has recorded it already.
    pub(super) fn note(&self, error: &StoreError) {
        self.writability.note(error, Some(&self.pool));
    }

    /// Requires every new connection to lead to the database with this identity.
    pub(super) fn expect_identity(&self, identity: String) {
        self.identity.get_or_init(|| identity);
    }

    /// Closes the pool; nobody gets a connection any more.
    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// The setup of each new connection: its settings, and the check of the database's identity. A connection that begins
/// read only is recorded, so that it is closed when the database is writable again, even if nobody wrote meanwhile.
fn prepare_connection(expected: Arc<OnceLock<String>>, writability: Arc<Writability>) -> Hook {
    Hook::async_fn(move |client, _| {
        let (expected, writability) = (expected.clone(), writability.clone());
        Box::pin(async move {
            // Every query of ours has an index. A plan that was made while a table was small must not scan all of it
            // when it has grown.
            let settings = format!(
                "SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit};
                 SET enable_seqscan = off; SET enable_hashjoin = off;
                 SET enable_mergejoin = off; SET enable_bitmapscan = off; SET jit = off",
                limit = STATEMENT_TIMEOUT.as_millis()
            );
            client.batch_execute(&settings).await.map_err(HookError::Backend)?;
            if let Err(StoreError::NotWritable(cause)) = read::check(client).await {
                writability.health.failed(&cause);
            }
            let Some(expected) = expected.get() else { return Ok(()) };
            let found = identity::read(client).await.map_err(HookError::Backend)?;
            if found == *expected {
                return Ok(());
            }
            tracing::error!("PostgreSQL was replaced or lost its newest writes: restart this server");
            Err(HookError::message("replaced"))
        })
    })
}

/// A connection of the pool. It is returned only after [`Connection::finish`] succeeded. A connection that was dropped
/// in the middle of its work, or after an error, may still be in a transaction and is closed. So is one from before the
/// latest change of [`Writability`].
pub(super) struct Connection {
    object: Option<Object>,
    writability: Arc<Writability>,
    generation: u64,
    is_finished: AtomicBool,
}

impl Connection {
    /// Does the last work with this connection, within the time limit. The connection is returned to the pool only if
    /// it succeeds.
    pub(super) async fn finish<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let done = in_time(work).await;
        self.is_finished.store(done.is_ok(), Relaxed);
        if let Err(error) = &done {
            self.writability.note(error, self.object.as_ref().and_then(Object::pool).as_ref());
        }
        done
    }
}

/// Fails with [`StoreError::NoAnswer`] if the work takes longer than [`WORK_TIMEOUT`].
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
        let is_current = self.generation == self.writability.generation.load(Relaxed);
        if !self.is_finished.load(Relaxed) || !is_current {
            drop(Object::take(object));
        }
    }
}
