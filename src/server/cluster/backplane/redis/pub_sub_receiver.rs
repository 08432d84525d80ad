//! The connection that hears: subscribed to the lines that are wanted here, and to nothing else.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use redis::{Msg, RedisError, RedisResult, aio::PubSubSink};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{ANSWER_TIMEOUT, PING_INTERVAL, RETRY_INTERVAL, Us};

/// How long a line stays subscribed that nobody wants: whoever polls wants it anew with every poll.
const LINGER: Duration = Duration::from_secs(10);
/// Lines in one command.
const SUBSCRIBE_LINES: usize = 1_000;

/// The lines that are wanted.
#[derive(Default)]
pub(super) struct Lines {
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

impl Lines {
    /// One more wants the line.
    pub(super) fn want(&self, line: &str) {
        let mut wanted = self.lock();
        match wanted.get_mut(line) {
            Some(Want::By(count)) => *count += 1,
            Some(want @ Want::Nobody(_)) => *want = Want::By(1),
            None => {
                wanted.insert(line.to_owned(), Want::By(1));
                self.changed.notify_one();
            }
        }
    }

    /// One fewer wants it.
    pub(super) fn unwant(&self, line: &str) {
        if let Some(want @ Want::By(_)) = self.lock().get_mut(line) {
            *want = match want {
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
        self.lock().keys().filter(|line| !subscribed.contains(*line)).cloned().collect()
    }

    /// Forgets the lines that nobody has wanted for a while, and gives them.
    pub(super) fn take_idle(&self) -> Vec<String> {
        let is_idle =
            |_: &String, want: &mut Want| matches!(want, Want::Nobody(since) if since.elapsed() >= LINGER);
        self.lock().extract_if(is_idle).map(|(line, _)| line).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Want>> {
        // Nothing here can be left half-changed by a panic.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module.
pub(super) struct Listener {
    pub(super) us: Arc<Us>,
    pub(super) lines: Arc<Lines>,
    pub(super) is_up: watch::Sender<bool>,
}

impl Listener {
    /// Hears until `stop`, and comes back to Redis whenever it is lost.
    pub(super) async fn run(self, client: redis::Client, stop: CancellationToken) {
        let listening = async {
            loop {
                let Err(error) = self.hear(&client).await;
                tracing::debug!(%error, "the connection that hears is lost");
                self.is_up.send_replace(false);
                sleep(RETRY_INTERVAL).await;
            }
        };
        stop.run_until_cancelled(listening).await;
    }

    /// Returns when the connection is lost.
    async fn hear(&self, client: &redis::Client) -> Result<std::convert::Infallible, RedisError> {
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
                () = self.lines.changed.notified() => self.subscribe(&mut sink, &mut subscribed).await?,
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
        let (Some(ears), Some(prefix)) = (self.us.ears.get(), self.us.prefix.get()) else { return Ok(()) };
        for lines in self.lines.missing(subscribed).chunks(SUBSCRIBE_LINES) {
            let channels: Vec<String> = lines.iter().map(|line| format!("{prefix}{line}")).collect();
            in_time(sink.subscribe(channels)).await?;
            subscribed.extend(lines.iter().cloned());
            lines.iter().for_each(|line| ears.listening(line));
        }
        Ok(())
    }

    async fn unsubscribe(&self, sink: &mut PubSubSink, subscribed: &mut HashSet<String>) -> RedisResult<()> {
        let Some(prefix) = self.us.prefix.get() else { return Ok(()) };
        let idle = self.lines.take_idle();
        for lines in idle.chunks(SUBSCRIBE_LINES) {
            // First forgotten: what is wanted again meanwhile is subscribed to again.
            for line in lines {
                subscribed.remove(line);
            }
            let channels: Vec<String> = lines.iter().map(|line| format!("{prefix}{line}")).collect();
            in_time(sink.unsubscribe(channels)).await?;
        }
        Ok(())
    }

    fn pass(&self, message: &Msg) {
        let (Some(ears), Some(prefix)) = (self.us.ears.get(), self.us.prefix.get()) else { return };
        let Some(line) = message.get_channel_name().strip_prefix(&**prefix) else { return };
        let heard =
            std::str::from_utf8(message.get_payload_bytes()).ok().and_then(|text| text.split_once(' '));
        match heard {
            Some((node, _)) if node == self.us.node => {}
            Some((node, text)) => ears.hear(line, node, text),
            None => tracing::error!(line, "something on Redis that is not a node's was ignored"),
        }
    }
}

async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| Err(lost()))
}

fn lost() -> RedisError {
    (redis::ErrorKind::Io, "no answer").into()
}
