//! What the process really measures of itself, once a second, published to the feed's channel `server`; of one node among
//! several to a channel of its own, because the values of two of them would make one senseless line.

use std::{sync::Arc, time::Duration};

use cpu_time::ProcessTime;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Feed;
use crate::{
    protocol::{feed::Body, publication::Publication},
    server::observability::metrics::Metrics,
};

const INTERVAL: Duration = Duration::from_secs(1);

/// Measures until the token is cancelled.
pub async fn run(feed: Arc<Feed>, channel: String, metrics: Arc<Metrics>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(INTERVAL);
    // After a pause of the machine one value is right, not one for each second missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Reading::take(&metrics);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = Reading::take(&metrics);
        if let Err(error) = feed.publish(&channel, &channel, now.since(&last), None).await {
            tracing::warn!(%error, "the server's own values could not be published");
        }
        last = now;
    }
}

struct Reading {
    at: Instant,
    cpu: Option<ProcessTime>,
    connections: u64,
    deliveries: u64,
    memory_bytes: Option<usize>,
}

impl Reading {
    fn take(metrics: &Metrics) -> Self {
        Self {
            at: Instant::now(),
            cpu: ProcessTime::try_now().ok(),
            connections: metrics.connections(),
            deliveries: metrics.deliveries(),
            memory_bytes: memory_stats::memory_stats().map(|stats| stats.physical_mem),
        }
    }

    /// What there is to say about the time since `last`. What the system does not tell is left out.
    fn since(&self, last: &Self) -> Vec<Publication> {
        let seconds = self.at.duration_since(last.at).as_secs_f64().max(f64::EPSILON);
        let cpu = self
            .cpu
            .zip(last.cpu)
            .map(|(now, last)| now.duration_since(last).as_secs_f64() / seconds * 100.0);
        [
            ("connections", Some(self.connections as f64), None),
            ("deliveries", Some((self.deliveries - last.deliveries) as f64 / seconds), Some("/s")),
            ("memory", self.memory_bytes.map(|bytes| bytes as f64 / 1e6), Some("MB")),
            ("cpu", cpu, Some("%")),
        ]
        .into_iter()
        .filter_map(|(key, value, unit)| {
            // A reader needs no more than a thousandth, and the log is shorter for it.
            let value = (value? * 1e3).round() / 1e3;
            let body = Body::Update { value, unit: unit.map(str::to_owned), key: Some(key.to_owned()) };
            Some(Publication::new(body).expect("our own words are within the limits"))
        })
        .collect()
    }
}
