//! A writer that posts a hundred times per second, and repeats posts that were not acknowledged.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::MissedTickBehavior,
};

use super::{Fault, load::text, server::client};

/// A hundred posts per second.
const EVERY: Duration = Duration::from_millis(10);

pub(crate) struct Writer {
    stop: watch::Sender<bool>,
    writing: JoinHandle<Result<u64, Fault>>,
    began: Instant,
}

impl Writer {
    pub(crate) fn start(address: SocketAddr, token: String) -> Self {
        let (stop, stopped) = watch::channel(false);
        let writing = tokio::spawn(write(address, token, stopped));
        Self { stop, writing, began: Instant::now() }
    }

    /// Waits for the pending posts. Returns the number of acknowledged messages, in all and per second.
    pub(crate) async fn stop(self) -> Result<(u64, f64), Fault> {
        self.stop.send_replace(true);
        let seconds = self.began.elapsed().as_secs_f64();
        let acknowledged = self.writing.await??;
        Ok((acknowledged, acknowledged as f64 / seconds))
    }
}

async fn write(address: SocketAddr, token: String, stopped: watch::Receiver<bool>) -> Result<u64, Fault> {
    let client = client()?;
    let url = format!("http://{address}/api/rooms/general/messages");
    let mut turns = tokio::time::interval(EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Each post is a task: the next does not wait for the answer to the last.
    let mut posts = JoinSet::new();
    while !*stopped.borrow() {
        turns.tick().await;
        posts.spawn(post(client.clone(), url.clone(), token.clone()));
    }
    let mut acknowledged = 0;
    while let Some(post) = posts.join_next().await {
        post??;
        acknowledged += 1;
    }
    Ok(acknowledged)
}

/// Repeats a post with the same id until it is acknowledged; it is stored once, however often it is sent.
async fn post(client: reqwest::Client, url: String, token: String) -> Result<(), Fault> {
    let post = json!({ "id": uuid::Uuid::new_v4().to_string(), "text": text() });
    loop {
        match client.post(&url).bearer_auth(&token).json(&post).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) if answer.status() != 503 => {
                return Err(format!("a post was answered {}", answer.status()).into());
            }
            _ => tokio::time::sleep(Duration::from_millis(fastrand::u64(100..500))).await,
        }
    }
}
