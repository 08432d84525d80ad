//! The connection that says what this node has to say, in order and many at once, and that takes allowances.
//!
//! What waits is bounded; what has no room, or no Redis to go to, is not said. That is lawful: all of it are hints.

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

/// Messages that may wait: a second of a busy node.
const QUEUE_MESSAGES: usize = 16_384;
/// Bytes of messages that may wait.
const QUEUE_BYTES: usize = 16 * 1024 * 1024;
/// Messages that are sent before the answer to them is awaited.
const BATCH_MESSAGES: usize = 256;
/// How long a person may wait for Redis to count: longer, and the node's own count has to do.
const ALLOWANCE_TIMEOUT: Duration = Duration::from_millis(250);
/// The generic cell rate algorithm, as each node's own limiter has it.
const ALLOWANCE: &str = include_str!("../allowance.lua");

struct Message {
    subject: String,
    text: String,
}

/// See the module.
pub(super) struct PubSubSender {
    node_context: Arc<NodeContext>,
    queue: Mutex<Option<Sender<Message>>>,
    waiting: Mutex<Option<Receiver<Message>>>,
    waiting_bytes: AtomicUsize,
    connection: Mutex<Option<MultiplexedConnection>>,
    allowance: Script,
    done: Notify,
}

impl PubSubSender {
    /// Nothing is said before [`PubSubSender::run`].
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

    /// Says it soon, if there is room and Redis can be reached.
    pub(super) fn say(&self, subject: &str, message: String) {
        let Some(prefix) = self.node_context.prefix.get().filter(|_| self.connection.lock().is_some()) else {
            return;
        };
        let message = Message {
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

    /// Takes one of what all nodes have under this key.
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

    /// Takes nothing more; what waits is still said.
    pub(super) fn close(&self) {
        drop(self.queue.lock().take());
    }

    /// Returns when nothing is left to say.
    pub(super) async fn is_done(&self) {
        self.done.notified().await;
    }

    /// Says what waits, and comes back to Redis whenever it is lost.
    pub(super) async fn run(
        self: Arc<Self>,
        client: redis::Client,
        is_up: watch::Sender<bool>,
        stop: CancellationToken,
    ) {
        let Some(mut waiting) = self.waiting.lock().take() else { return };
        let speaking = async {
            let mut is_told = false;
            loop {
                let connected = client.get_multiplexed_async_connection_with_config(&config()).await;
                let spoken = match connected {
                    Ok(connection) => {
                        *self.connection.lock() = Some(connection.clone());
                        is_told = false;
                        is_up.send_replace(true);
                        let spoken = self.speak(connection, &mut waiting).await;
                        *self.connection.lock() = None;
                        is_up.send_replace(false);
                        spoken
                    }
                    Err(error) => Err(error),
                };
                let Err(error) = spoken else { return };
                if !is_told {
                    tracing::warn!(
                        %error,
                        "Redis cannot be reached: until it is back, other nodes' entries come from the database"
                    );
                }
                is_told = true;
                // What was to be said is old when Redis is back.
                while let Ok(message) = waiting.try_recv() {
                    self.waiting_bytes.fetch_sub(message.text.len(), Relaxed);
                }
                if waiting.is_closed() {
                    return;
                }
                sleep(RETRY_INTERVAL).await;
            }
        };
        stop.run_until_cancelled(speaking).await;
        self.done.notify_one();
    }

    /// Returns when the connection is lost, or without an error when all is said.
    async fn speak(
        &self,
        mut connection: MultiplexedConnection,
        waiting: &mut Receiver<Message>,
    ) -> RedisResult<()> {
        let mut messages = Vec::with_capacity(BATCH_MESSAGES);
        loop {
            let received = timeout(PING_INTERVAL, waiting.recv_many(&mut messages, BATCH_MESSAGES)).await;
            let mut said = Pipeline::with_capacity(messages.len());
            match received {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    for Message { subject, text } in messages.drain(..) {
                        self.waiting_bytes.fetch_sub(text.len(), Relaxed);
                        said.cmd("PUBLISH").arg(subject).arg(text).ignore();
                    }
                }
                Err(_) => drop(said.cmd("PING").ignore()),
            }
            // The connection has its own limit for an answer; this one is for a peer that takes nothing.
            let answered = timeout(2 * ANSWER_TIMEOUT, said.exec_async(&mut connection)).await;
            answered.unwrap_or_else(|_| Err((redis::ErrorKind::Io, "no answer").into()))?;
        }
    }
}
