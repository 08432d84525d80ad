//! The sending connection: publishes this node's messages in order, many in one batch, and takes allowances. The
//! backplane on Redis starts it.
//!
//! The queue is bounded. A message that finds no room, or no connection to Redis, is dropped, which is correct because
//! messages are hints. Publishing must never block the caller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use redis::{Pipeline, RedisResult, Script, aio::MultiplexedConnection};
use tokio::{
    sync::{
        Notify,
        mpsc::{self, Receiver, Sender},
        watch,
    },
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{ANSWER_TIMEOUT, Allowance, NodeContext, PING_INTERVAL, RETRY_INTERVAL, Unreachable, config};
use crate::server::config::Rate;

/// Most queued messages: a second of a busy node.
const QUEUE_MESSAGES: usize = 16_384;
/// Most bytes of queued messages.
const QUEUE_BYTES: usize = 16 * 1024 * 1024;
/// Most messages in one batch, whose answer is awaited before the next one.
const BATCH_MESSAGES: usize = 256;
/// Longest time for Redis to count: users feel a longer wait. After it the node's own count, which is less exact, is used.
const ALLOWANCE_TIMEOUT: Duration = Duration::from_millis(250);
/// The generic cell rate algorithm, as in each node's own limiter.
const ALLOWANCE: &str = include_str!("../allowance.lua");

/// A queued message.
struct QueuedAnnouncement {
    /// The subject with the prefix of the installation.
    subject: String,
    /// This node's name, a space and the message.
    text: String,
}

/// The sending connection and its queue.
pub(super) struct PubSubSender {
    node_context: Arc<NodeContext>,
    queue: Mutex<Option<Sender<QueuedAnnouncement>>>,
    waiting: Mutex<Option<Receiver<QueuedAnnouncement>>>,
    waiting_bytes: AtomicUsize,
    connection: Mutex<Option<MultiplexedConnection>>,
    allowance: Script,
    done: Notify,
}

impl PubSubSender {
    /// Sends nothing before [`PubSubSender::run`].
    pub(super) fn new(node_context: Arc<NodeContext>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MESSAGES);
        Self {
            node_context,
            queue: Mutex::new(Some(queue)),
            waiting: Mutex::new(Some(waiting)),
            waiting_bytes: AtomicUsize::new(0),
            connection: Mutex::default(),
            allowance: Script::new(ALLOWANCE),
            done: Notify::new(),
        }
    }

    /// Queues a message, or drops it if the queue is full or Redis cannot be reached.
    pub(super) fn publish(&self, subject: &str, message: String) {
        let Some(prefix) = self.node_context.prefix.get().filter(|_| self.connection.lock().is_some()) else {
            return;
        };
        let message = QueuedAnnouncement {
            subject: format!("{prefix}{subject}"),
            text: format!("{} {message}", self.node_context.node),
        };
        let bytes = message.text.len();
        if self.waiting_bytes.fetch_add(bytes, Relaxed) + bytes > QUEUE_BYTES
            || self.queue.lock().as_ref().is_none_or(|queue| queue.try_send(message).is_err())
        {
            self.waiting_bytes.fetch_sub(bytes, Relaxed);
        }
    }

    /// Takes one from the allowance that all nodes share under this key.
    pub(super) async fn allow(&self, key: &str, rate: Rate) -> Result<Allowance, Unreachable> {
        let mut connection = self.connection.lock().clone().ok_or(Unreachable)?;
        let key = format!("{}allowance:{key}", self.node_context.prefix.get().ok_or(Unreachable)?);
        let interval_us = (rate.period.as_micros() as u64 / u64::from(rate.count.get())).max(1);
        let tolerance_us = interval_us * u64::from(rate.count.get() - 1);
        let mut asked = self.allowance.key(key);
        let asked = asked.arg(interval_us).arg(tolerance_us).invoke_async::<u64>(&mut connection);
        match timeout(ALLOWANCE_TIMEOUT, asked).await {
            Ok(Ok(0)) => Ok(Allowance::Taken),
            Ok(Ok(wait_us)) => Ok(Allowance::UsedUp(Duration::from_micros(wait_us))),
            Ok(Err(_)) | Err(_) => Err(Unreachable),
        }
    }

    /// Closes the queue; queued messages are still sent.
    pub(super) fn close(&self) {
        drop(self.queue.lock().take());
    }

    /// Returns when all queued messages are sent.
    pub(super) async fn drained(&self) {
        self.done.notified().await;
    }

    /// Sends queued messages until `stop` or [`PubSubSender::close`], and reconnects whenever Redis is lost.
    pub(super) async fn run(
        self: Arc<Self>,
        client: redis::Client,
        is_up: watch::Sender<bool>,
        stop: CancellationToken,
    ) {
        let Some(mut waiting) = self.waiting.lock().take() else { return };
        let sending = async {
            let mut is_logged = false;
            loop {
                let connected = client.get_multiplexed_async_connection_with_config(&config()).await;
                let ended = match connected {
                    Ok(connection) => {
                        *self.connection.lock() = Some(connection.clone());
                        is_logged = false;
                        is_up.send_replace(true);
                        let ended = self.send(connection, &mut waiting).await;
                        *self.connection.lock() = None;
                        is_up.send_replace(false);
                        ended
                    }
                    Err(error) => Err(error),
                };
                let Err(error) = ended else { return };
                if !is_logged {
                    tracing::warn!(
                        %error,
                        "cannot reach Redis: until it is back, entries of other nodes come from the database"
                    );
                }
                is_logged = true;
                // Drop queued messages: they are stale after an outage.
                while let Ok(message) = waiting.try_recv() {
                    self.waiting_bytes.fetch_sub(message.text.len(), Relaxed);
                }
                if waiting.is_closed() {
                    return;
                }
                sleep(RETRY_INTERVAL).await;
            }
        };
        stop.run_until_cancelled(sending).await;
        self.done.notify_one();
    }

    /// Sends until the connection is lost, or returns without an error when the queue is closed and empty.
    async fn send(
        &self,
        mut connection: MultiplexedConnection,
        waiting: &mut Receiver<QueuedAnnouncement>,
    ) -> RedisResult<()> {
        let mut messages = Vec::with_capacity(BATCH_MESSAGES);
        loop {
            let received = timeout(PING_INTERVAL, waiting.recv_many(&mut messages, BATCH_MESSAGES)).await;
            let mut batch = Pipeline::with_capacity(messages.len());
            match received {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    for QueuedAnnouncement { subject, text } in messages.drain(..) {
                        self.waiting_bytes.fetch_sub(text.len(), Relaxed);
                        batch.cmd("PUBLISH").arg(subject).arg(text).ignore();
                    }
                }
                Err(_) => drop(batch.cmd("PING").ignore()),
            }
            // The connection has its own timeout for an answer; this one is for a peer that reads nothing.
            let answered = timeout(2 * ANSWER_TIMEOUT, batch.exec_async(&mut connection)).await;
            answered.unwrap_or_else(|_| Err((redis::ErrorKind::Io, "no answer").into()))?;
        }
    }
}
