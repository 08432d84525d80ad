//! The connection that hears: subscribed to the lines that are wanted here, and to nothing else.

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

/// How long a line stays subscribed that nobody wants: whoever polls wants it anew with every poll.
const LINGER: Duration = Duration::from_secs(10);
/// Lines in one command.
const SUBSCRIBE_LINES: usize = 1_000;

/// The lines that are wanted.
#[derive(Default)]
pub(super) struct Subscriptions {
    wanted: Mutex<HashMap<String, Want>>,
    changed: Notify,
}

/// How much a line is wanted.
enum Want {
    /// By so many.
    By(usize),
    /// By nobody since then.
    Nobody(Instant),
}

impl Subscriptions {
    /// One more wants the line.
    pub(super) fn acquire(&self, subject: &str) {
        let mut wanted = self.lock();
        match wanted.get_mut(subject) {
            Some(Want::By(count)) => *count += 1,
            Some(acquire @ Want::Nobody(_)) => *acquire = Want::By(1),
            None => {
                wanted.insert(subject.to_owned(), Want::By(1));
                self.changed.notify_one();
            }
        }
    }

    /// One fewer wants it.
    pub(super) fn unwant(&self, subject: &str) {
        if let Some(acquire @ Want::By(_)) = self.lock().get_mut(subject) {
            *acquire = match acquire {
                Want::By(count) if *count > 1 => Want::By(*count - 1),
                _ => Want::Nobody(Instant::now()),
            };
        }
    }

    /// Lets the listener look again.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// The lines that are wanted and not among these.
    pub(super) fn missing(&self, subscribed: &HashSet<String>) -> Vec<String> {
        self.lock().keys().filter(|subject| !subscribed.contains(*subject)).cloned().collect()
    }

    /// Forgets the lines that nobody has wanted for a while, and gives them.
    pub(super) fn take_idle(&self) -> Vec<String> {
        let is_idle = |_: &String, acquire: &mut Want| matches!(acquire, Want::Nobody(since) if since.elapsed() >= LINGER);
        self.lock().extract_if(is_idle).map(|(subject, _)| subject).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Want>> {
        self.wanted.lock()
    }
}

/// See the module.
pub(super) struct PubSubReceiver {
    pub(super) node_context: Arc<NodeContext>,
    pub(super) subjects: Arc<Subscriptions>,
    pub(super) is_up: watch::Sender<bool>,
}

impl PubSubReceiver {
    /// Hears until `stop`, and comes back to Redis whenever it is lost.
    pub(super) async fn run(self, client: redis::Client, stop: CancellationToken) {
        let on_subscribed = async {
            loop {
                let Err(error) = self.receive(&client).await;
                tracing::debug!(%error, "the connection that hears is lost");
                self.is_up.send_replace(false);
                sleep(RETRY_INTERVAL).await;
            }
        };
        stop.run_until_cancelled(on_subscribed).await;
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
                // What was said before is heard before a line is said to be heard anew.
                biased;
                message = messages.next() => self.pass(&message.ok_or_else(lost)?),
                () = self.subjects.changed.notified() => self.subscribe(&mut sink, &mut subscribed).await?,
                _ = ticks.tick() => {
                    self.unsubscribe(&mut sink, &mut subscribed).await?;
                    in_time(sink.ping::<redis::Value>()).await?;
                }
            }
        }
    }

    /// Subscribes to what is wanted and was not subscribed to.
    async fn subscribe(&self, sink: &mut PubSubSink, subscribed: &mut HashSet<String>) -> RedisResult<()> {
        // What is heard before there are ears would be lost without anybody knowing.
        let (Some(handler), Some(prefix)) = (self.node_context.handler.get(), self.node_context.prefix.get())
        else {
            return Ok(());
        };
        for subjects in self.subjects.missing(subscribed).chunks(SUBSCRIBE_LINES) {
            let channels: Vec<String> = subjects.iter().map(|subject| format!("{prefix}{subject}")).collect();
            in_time(sink.subscribe(channels)).await?;
            subscribed.extend(subjects.iter().cloned());
            subjects.iter().for_each(|subject| handler.on_subscribed(subject));
        }
        Ok(())
    }

    async fn unsubscribe(&self, sink: &mut PubSubSink, subscribed: &mut HashSet<String>) -> RedisResult<()> {
        let Some(prefix) = self.node_context.prefix.get() else { return Ok(()) };
        let idle = self.subjects.take_idle();
        for subjects in idle.chunks(SUBSCRIBE_LINES) {
            // First forgotten: what is wanted again meanwhile is subscribed to again.
            for subject in subjects {
                subscribed.remove(subject);
            }
            let channels: Vec<String> = subjects.iter().map(|subject| format!("{prefix}{subject}")).collect();
            in_time(sink.unsubscribe(channels)).await?;
        }
        Ok(())
    }

    fn pass(&self, message: &Msg) {
        let (Some(handler), Some(prefix)) = (self.node_context.handler.get(), self.node_context.prefix.get())
        else {
            return;
        };
        let Some(subject) = message.get_channel_name().strip_prefix(&**prefix) else { return };
        let heard =
            std::str::from_utf8(message.get_payload_bytes()).ok().and_then(|text| text.split_once(' '));
        match heard {
            Some((node, _)) if node == self.node_context.node => {}
            Some((node, text)) => handler.on_message(subject, node, text),
            None => tracing::error!(subject, "something on Redis that is not a node's was ignored"),
        }
    }
}

async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| Err(lost()))
}

fn lost() -> RedisError {
    (redis::ErrorKind::Io, "no answer").into()
}
