//! The reports of a piece of work: its progress, once a second at most, and its end. `run` and `progress`
//! use it. The work never waits for it: a task of its own publishes, and only the end is waited for, for a bounded time.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};
use uuid::Uuid;

use super::{publisher::Publisher, settings::Server, tell};
use crate::protocol::feed::ProgressState;

/// Time between two reports: a person reads no faster, and the server's limit of publishes is far away.
const EVERY: Duration = Duration::from_secs(1);
/// Time for the report of the end.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Time of it for a report that is on its way when the work ends.
const LAST_TIMEOUT: Duration = Duration::from_secs(2);

/// The progress of the work.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Report {
    pub(super) done: f64,
    /// `None`: nobody knows it.
    pub(super) total: Option<f64>,
    pub(super) text: Option<String>,
    pub(super) state: ProgressState,
}

/// A piece of work that is reported.
pub(super) struct Job {
    server: Server,
    channel: String,
    key: String,
    reports: watch::Sender<Value>,
    task: JoinHandle<Publisher>,
}

impl Report {
    /// The entry, within what the API takes.
    pub(super) fn entry(&self, key: &str) -> Value {
        let total = self.total.filter(|total| total.is_finite() && *total > 0.0);
        let done = if self.done.is_finite() { self.done.clamp(0.0, total.unwrap_or(f64::MAX)) } else { 0.0 };
        let mut entry = json!({"type": "progress", "key": key, "done": done, "state": self.state.as_str()});
        if let Some(total) = total {
            entry["total"] = total.into();
        }
        if let Some(text) = &self.text {
            entry["text"] = text.as_str().into();
        }
        entry
    }
}

impl Job {
    /// Begins to report, with an entry that says that it has begun.
    ///
    /// # Errors
    /// The settings of TLS cannot be used.
    pub(super) fn begin(server: Server, channel: &str, key: String, first: Value) -> anyhow::Result<Self> {
        let publisher = Publisher::new(server.clone(), channel, |_| {})?;
        let (reports, receiver) = watch::channel(first);
        let task = tokio::spawn(publish_reports(publisher, receiver));
        Ok(Self { server, channel: channel.to_owned(), key, reports, task })
    }

    /// The key of its entries.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The place for an entry that is to be published instead of the one before.
    pub(super) fn reports(&self) -> watch::Sender<Value> {
        self.reports.clone()
    }

    /// Publishes the last entries. That it failed is told, and nothing else.
    pub(super) async fn end(self, entries: Vec<Value>) {
        let Self { server, channel, mut task, reports, .. } = self;
        // The task ends when it sees the empty entry.
        reports.send_replace(Value::Null);
        let deadline = Instant::now() + END_TIMEOUT;
        let publisher = match timeout(LAST_TIMEOUT, &mut task).await {
            Ok(Ok(publisher)) => Ok(publisher),
            _ => {
                task.abort();
                Publisher::new(server, &channel, |_| {})
            }
        };
        let published = async {
            let json = Value::Array(entries).to_string();
            publisher?.publish(&json, &Uuid::new_v4().to_string(), Some(deadline)).await?;
            anyhow::Ok(())
        };
        match timeout(deadline - Instant::now(), published).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tell(&format!("the end is not published: {error:#}")),
            Err(_) => {
                tell(&format!("the end is not published: no answer within {} s", END_TIMEOUT.as_secs()))
            }
        }
    }
}

/// Publishes the newest entry whenever there is one, until an empty one ends it. One that could not be published is
/// tried again, unless a newer one takes its place.
async fn publish_reports(mut publisher: Publisher, mut reports: watch::Receiver<Value>) -> Publisher {
    loop {
        let (entry, begun) = (reports.borrow_and_update().clone(), Instant::now());
        if entry.is_null() {
            return publisher;
        }
        let key = Uuid::new_v4().to_string();
        let is_published = publisher.publish(&entry.to_string(), &key, Some(begun)).await.is_ok();
        let is_over = |entry: &Value| entry.is_null();
        tokio::select! {
            _ = reports.wait_for(is_over) => return publisher,
            () = sleep_until(begun + EVERY) => {}
        }
        if is_published && reports.changed().await.is_err() {
            return publisher;
        }
    }
}
