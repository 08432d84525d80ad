//! The backplane on Redis or Valkey: Pub/Sub for the lines, one key for each allowance that is in use. Nothing of value
//! is kept there; a Redis that is lost loses nothing.
//!
//! Two connections: a `speaker` publishes and takes allowances, a `listener` hears. Each comes back by itself when it
//! is lost. Made by `state`.

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
    pub_sub_receiver::{Lines, Listener},
    pub_sub_sender::Speaker,
};
use super::{Allowance, Backplane, Hear, Unreachable};
use crate::server::config::{Rate, RedisUrl};

/// How long Redis may take to answer, and a connection to be made. What is silent for so long is lost: with the pause
/// before the next attempt, nodes that cannot hear each other know it within 3 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection that has nothing to say asks whether Redis is there.
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// The pause before another attempt to connect.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);
/// How long the end waits for what is still to be said.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// See the module.
pub struct Redis {
    us: Arc<Us>,
    lines: Arc<Lines>,
    speaker: Arc<Speaker>,
    link: watch::Receiver<bool>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Which node this is, of which installation.
struct Us {
    node: String,
    /// What the names of our lines and keys begin with on Redis, which has one room for the messages of all who use it.
    prefix: OnceLock<String>,
    ears: OnceLock<Arc<dyn Hear>>,
}

impl Redis {
    /// Begins to connect; `ca` is a file with authorities whose certificates are believed.
    pub fn start(url: &RedisUrl, ca: Option<&Path>) -> Result<Self, BadRedisUrl> {
        let client = address::client(url, ca)?;
        let node = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
        let us = Arc::new(Us { node, prefix: OnceLock::new(), ears: OnceLock::new() });
        let (speaker, lines) = (Arc::new(Speaker::new(us.clone())), Arc::new(Lines::default()));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let (speaks, hears) = (watch::Sender::new(false), watch::Sender::new(false));
        let link = join_links(&tasks, &stop, speaks.subscribe(), hears.subscribe());
        tasks.spawn(speaker.clone().run(client.clone(), speaks, stop.clone()));
        let listener = Listener { us: us.clone(), lines: lines.clone(), is_up: hears };
        tasks.spawn(listener.run(client, stop.clone()));
        Ok(Self { us, lines, speaker, link, tasks, stop })
    }
}

/// How connections are made.
fn config() -> redis::AsyncConnectionConfig {
    redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_TIMEOUT))
        .set_response_timeout(Some(ANSWER_TIMEOUT))
}

/// The link is up while both connections are.
fn join_links(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    mut speaks: watch::Receiver<bool>,
    mut hears: watch::Receiver<bool>,
) -> watch::Receiver<bool> {
    let (both, link) = watch::channel(false);
    let joined = async move {
        loop {
            let is_up = *speaks.borrow_and_update() && *hears.borrow_and_update();
            let was_up = both.send_replace(is_up);
            if is_up && !was_up {
                tracing::info!("Redis is there: this node and the others hear each other");
            }
            tokio::select! {
                Ok(()) = speaks.changed() => {}
                Ok(()) = hears.changed() => {}
                else => return,
            }
        }
    };
    let stop = stop.clone();
    tasks.spawn(async move { stop.run_until_cancelled(joined).await });
    link
}

#[async_trait]
impl Backplane for Redis {
    fn node(&self) -> &str {
        &self.us.node
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn attach(&self, installation: &str, ears: Arc<dyn Hear>) {
        self.us.prefix.get_or_init(|| format!("idobata:{installation}:"));
        self.us.ears.get_or_init(|| ears);
        self.lines.wake();
    }

    fn tell(&self, line: &str, message: String) {
        self.speaker.say(line, message);
    }

    fn listen(&self, line: &str) {
        self.lines.want(line);
    }

    fn unlisten(&self, line: &str) {
        self.lines.unwant(line);
    }

    async fn allow(&self, key: &str, rate: Rate) -> Result<Allowance, Unreachable> {
        self.speaker.allow(key, rate).await
    }

    fn link(&self) -> watch::Receiver<bool> {
        self.link.clone()
    }

    async fn close(&self) {
        self.speaker.close();
        let said = tokio::time::timeout(CLOSE_TIMEOUT, self.speaker.is_done());
        if said.await.is_err() {
            tracing::warn!("other nodes were not told the last things");
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
