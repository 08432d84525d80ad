//! The backplane on Redis or Valkey: Pub/Sub for the subjects, one key for each allowance in use. `state` creates it.
//! It must never store anything of value there: a Redis that is lost loses nothing.
//!
//! Two connections: a `sender` publishes and takes allowances, a `receiver` subscribes. Each reconnects by itself.

mod address;
#[cfg(test)]
#[path = "../../../../tests/support/gate.rs"]
mod gate;
mod pub_sub_receiver;
mod pub_sub_sender;
#[cfg(test)]
#[allow(dead_code, reason = "the tests over sockets need more of it")]
#[path = "../../../../tests/support/redis.rs"]
pub(crate) mod server;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::address::BadRedisUrl;
use self::{
    pub_sub_receiver::{PubSubReceiver, Subscriptions},
    pub_sub_sender::PubSubSender,
};
use super::{Allowance, Backplane, MessageHandler, Unreachable};
use crate::server::config::{Rate, RedisUrl};

/// Longest time for Redis to answer, and for a connection to be established. A connection that is silent for so long is
/// lost: with the pause before the next attempt, nodes that cannot reach each other know it within 3 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// Interval at which an idle connection checks that Redis answers.
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// The pause before another attempt to connect.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);
/// Longest time that the shutdown waits for queued messages to be sent.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The backplane on Redis.
pub struct Redis {
    node_context: Arc<NodeContext>,
    subjects: Arc<Subscriptions>,
    sender: Arc<PubSubSender>,
    connectivity: watch::Receiver<bool>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The name of this node, its installation and its handler of messages.
struct NodeContext {
    node: String,
    /// The prefix of the installation's subjects and keys on Redis, where all installations share one namespace.
    prefix: OnceLock<String>,
    handler: OnceLock<Arc<dyn MessageHandler>>,
}

impl Redis {
    /// Starts to connect; `ca` is a file with the certificate authorities to trust.
    pub fn start(url: &RedisUrl, ca: Option<&Path>) -> Result<Self, BadRedisUrl> {
        let client = address::client(url, ca)?;
        let node = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
        let node_context = Arc::new(NodeContext { node, prefix: OnceLock::new(), handler: OnceLock::new() });
        let (sender, subjects) =
            (Arc::new(PubSubSender::new(node_context.clone())), Arc::new(Subscriptions::default()));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let (can_send, can_receive) = (watch::Sender::new(false), watch::Sender::new(false));
        let connectivity = join_connectivity(&tasks, &stop, can_send.subscribe(), can_receive.subscribe());
        tasks.spawn(sender.clone().run(client.clone(), can_send, stop.clone()));
        let receiver = PubSubReceiver {
            node_context: node_context.clone(),
            subjects: subjects.clone(),
            is_up: can_receive,
        };
        tasks.spawn(receiver.run(client, stop.clone()));
        Ok(Self { node_context, subjects, sender, connectivity, tasks, stop })
    }
}

/// The timeouts of the sender's connection.
fn config() -> redis::AsyncConnectionConfig {
    redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_TIMEOUT))
        .set_response_timeout(Some(ANSWER_TIMEOUT))
}

/// The connectivity: true while both connections are up.
fn join_connectivity(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    mut can_send: watch::Receiver<bool>,
    mut can_receive: watch::Receiver<bool>,
) -> watch::Receiver<bool> {
    let (both, connectivity) = watch::channel(false);
    let joined = async move {
        loop {
            let is_up = *can_send.borrow_and_update() && *can_receive.borrow_and_update();
            let was_up = both.send_replace(is_up);
            if is_up && !was_up {
                tracing::info!("connected to Redis: nodes receive each other's messages");
            }
            tokio::select! {
                Ok(()) = can_send.changed() => {}
                Ok(()) = can_receive.changed() => {}
                else => return,
            }
        }
    };
    let stop = stop.clone();
    tasks.spawn(async move { stop.run_until_cancelled(joined).await });
    connectivity
}

#[async_trait]
impl Backplane for Redis {
    fn node(&self) -> &str {
        &self.node_context.node
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn attach(&self, installation: &str, handler: Arc<dyn MessageHandler>) {
        self.node_context.prefix.get_or_init(|| format!("idobata:{installation}:"));
        self.node_context.handler.get_or_init(|| handler);
        self.subjects.wake();
    }

    fn publish(&self, subject: &str, message: String) {
        self.sender.publish(subject, message);
    }

    fn subscribe(&self, subject: &str) {
        self.subjects.acquire(subject);
    }

    fn unsubscribe(&self, subject: &str) {
        self.subjects.release(subject);
    }

    async fn allow(&self, key: &str, rate: Rate) -> Result<Allowance, Unreachable> {
        self.sender.allow(key, rate).await
    }

    fn connectivity(&self) -> watch::Receiver<bool> {
        self.connectivity.clone()
    }

    async fn close(&self) {
        self.sender.close();
        let sent = tokio::time::timeout(CLOSE_TIMEOUT, self.sender.drained());
        if sent.await.is_err() {
            tracing::warn!("cannot send the last messages to other nodes");
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
