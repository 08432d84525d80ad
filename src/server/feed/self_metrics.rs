//! The measurements of this process, taken once a second and published to the feed's channel `server`. A node among
//! several has a channel of its own, because the values of two nodes would make one senseless curve. The server runs it
//! as a background task; it never stops for a publish that failed.

use std::{sync::Arc, time::Duration};

use cpu_time::ProcessTime;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Feed;
use crate::{
    protocol::{feed::Body, name::NODE_KEY, publication::Publication},
    server::observability::metrics::Metrics,
};

/// The time between two measurements.
const INTERVAL: Duration = Duration::from_secs(1);

/// Measures and publishes until the token is cancelled.
pub async fn run(feed: Arc<Feed>, channel: String, metrics: Arc<Metrics>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(INTERVAL);
    // After a pause of the machine one value is enough, not one for each missed second.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Reading::take(&metrics);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = Reading::take(&metrics);
        if let Err(error) = feed.publish(&channel, &channel, now.since(&last), None).await {
            tracing::warn!(%error, "cannot publish the server's metrics to the feed");
        }
        last = now;
    }
}

/// One measurement.
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

    /// The values for the time since `last`. Values that the system does not report are left out.
    fn since(&self, last: &Self) -> Vec<Publication> {
        let seconds = self.at.duration_since(last.at).as_secs_f64().max(f64::EPSILON);
        let cpu = self
            .cpu
            .zip(last.cpu)
            .map(|(now, last)| now.duration_since(last).as_secs_f64() / seconds * 100.0);
        [
            ("connections", Some(self.connections as f64), None),
            (NODE_KEY, Some((self.deliveries - last.deliveries) as f64 / seconds), Some("/s")),
            ("memory", self.memory_bytes.map(|bytes| bytes as f64 / 1e6), Some("MB")),
            ("cpu", cpu, Some("%")),
        ]
        .into_iter()
        .filter_map(|(key, value, unit)| {
            // A thousandth is precise enough for a reader, and keeps the log short.
            let value = (value? * 1e3).round() / 1e3;
            let body = Body::Update { value, unit: unit.map(str::to_owned), key: Some(key.to_owned()) };
            Some(Publication::new(body).expect("our own words are within the limits"))
        })
        .collect()
    }
}
