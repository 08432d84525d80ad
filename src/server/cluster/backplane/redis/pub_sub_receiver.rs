//! The receiving connection: subscribed to the subjects in use at this node, and to nothing else. The backplane on
//! Redis starts it; it hands messages to the handler and never publishes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use parking_lot::{Mutex, MutexGuard};
use redis::{Msg, RedisError, RedisResult, aio::PubSubSink};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{ANSWER_TIMEOUT, NodeContext, PING_INTERVAL, RETRY_INTERVAL};

/// Time for which an unused subscription is kept: a reader that polls acquires it again with every poll.
const LINGER: Duration = Duration::from_secs(10);
/// Subjects in one command.
const SUBSCRIBE_SUBJECTS: usize = 1_000;

/// The subjects in use at this node.
#[derive(Default)]
pub(super) struct Subscriptions {
    uses: Mutex<HashMap<String, Use>>,
    changed: Notify,
}

/// The use of a subject.
enum Use {
    /// In use by so many subscribers.
    By(usize),
    /// Unused since then.
    Unused(Instant),
}

impl Subscriptions {
    /// Counts one more subscriber of the subject.
    pub(super) fn acquire(&self, subject: &str) {
        let mut uses = self.lock();
        match uses.get_mut(subject) {
            Some(Use::By(count)) => *count += 1,
            Some(usage @ Use::Unused(_)) => *usage = Use::By(1),
            None => {
                uses.insert(subject.to_owned(), Use::By(1));
                self.changed.notify_one();
            }
        }
    }

    /// Counts one subscriber of the subject less.
    pub(super) fn release(&self, subject: &str) {
        if let Some(usage @ Use::By(_)) = self.lock().get_mut(subject) {
            *usage = match usage {
                Use::By(count) if *count > 1 => Use::By(*count - 1),
                _ => Use::Unused(Instant::now()),
            };
        }
    }

    /// Wakes the receiver to subscribe to what is missing.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// The subjects in use that are not in `subscribed`.
    pub(super) fn missing(&self, subscribed: &HashSet<String>) -> Vec<String> {
        self.lock().keys().filter(|subject| !subscribed.contains(*subject)).cloned().collect()
    }

    /// Removes and returns the subjects that have been unused for [`LINGER`].
    pub(super) fn take_idle(&self) -> Vec<String> {
        let is_idle =
            |_: &String, usage: &mut Use| matches!(usage, Use::Unused(since) if since.elapsed() >= LINGER);
        self.lock().extract_if(is_idle).map(|(subject, _)| subject).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Use>> {
        self.uses.lock()
    }
}

/// The task of the receiving connection.
pub(super) struct PubSubReceiver {
    pub(super) node_context: Arc<NodeContext>,
    pub(super) subjects: Arc<Subscriptions>,
    pub(super) is_up: watch::Sender<bool>,
}

impl PubSubReceiver {
    /// Receives until `stop`, and reconnects whenever Redis is lost.
    pub(super) async fn run(self, client: redis::Client, stop: CancellationToken) {
        let receiving = async {
            loop {
                let Err(error) = self.receive(&client).await;
                tracing::debug!(%error, "lost the receiving connection");
                self.is_up.send_replace(false);
                sleep(RETRY_INTERVAL).await;
            }
        };
        stop.run_until_cancelled(receiving).await;
    }

    /// Returns when the connection is lost.
    async fn receive(&self, client: &redis::Client) -> Result<std::convert::Infallible, RedisError> {
        let (mut sink, mut messages) = in_time(client.get_async_pubsub()).await?.split();
        let mut subscribed = HashSet::new();
        self.subscribe(&mut sink, &mut subscribed).await?;
        self.is_up.send_replace(true);
        let mut ticks = interval(PING_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Earlier messages are handled before `on_subscribed` reports a subscription.
                biased;
                message = messages.next() => self.dispatch(&message.ok_or_else(lost)?),
                () = self.subjects.changed.notified() => self.subscribe(&mut sink, &mut subscribed).await?,
                _ = ticks.tick() => {
                    self.unsubscribe(&mut sink, &mut subscribed).await?;
                    in_time(sink.ping::<redis::Value>()).await?;
                }
            }
        }
    }

    /// Subscribes to the subjects in use that are not subscribed to.
    async fn subscribe(&self, sink: &mut PubSubSink, subscribed: &mut HashSet<String>) -> RedisResult<()> {
        // A message received before there is a handler would be lost unnoticed.
        let (Some(handler), Some(prefix)) = (self.node_context.handler.get(), self.node_context.prefix.get())
        else {
            return Ok(());
        };
        for subjects in self.subjects.missing(subscribed).chunks(SUBSCRIBE_SUBJECTS) {
            let channels: Vec<String> = subjects.iter().map(|subject| format!("{prefix}{subject}")).collect();
            in_time(sink.subscribe(channels)).await?;
            subscribed.extend(subjects.iter().cloned());
            subjects.iter().for_each(|subject| handler.on_subscribed(subject));
        }
        Ok(())
    }

    /// Unsubscribes from the subjects that have been unused for [`LINGER`].
    async fn unsubscribe(&self, sink: &mut PubSubSink, subscribed: &mut HashSet<String>) -> RedisResult<()> {
        let Some(prefix) = self.node_context.prefix.get() else { return Ok(()) };
        let idle = self.subjects.take_idle();
        for subjects in idle.chunks(SUBSCRIBE_SUBJECTS) {
            // Removed first: a subject that is acquired again meanwhile is subscribed to again.
            for subject in subjects {
                subscribed.remove(subject);
            }
            let channels: Vec<String> = subjects.iter().map(|subject| format!("{prefix}{subject}")).collect();
            in_time(sink.unsubscribe(channels)).await?;
        }
        Ok(())
    }

    /// Hands another node's message to the handler. The payload is the node's name, a space and the message.
    fn dispatch(&self, message: &Msg) {
        let (Some(handler), Some(prefix)) = (self.node_context.handler.get(), self.node_context.prefix.get())
        else {
            return;
        };
        let Some(subject) = message.get_channel_name().strip_prefix(&**prefix) else { return };
        let received =
            std::str::from_utf8(message.get_payload_bytes()).ok().and_then(|text| text.split_once(' '));
        match received {
            Some((node, _)) if node == self.node_context.node => {}
            Some((node, text)) => handler.on_message(subject, node, text),
            None => tracing::error!(subject, "ignored a message on Redis that no node sent"),
        }
    }
}

async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| Err(lost()))
}

fn lost() -> RedisError {
    (redis::ErrorKind::Io, "no answer").into()
}
