//! Trims the topics at intervals: removes the entries that the settings no longer keep. `server` runs it for the life
//! of the process. The rule is in store/sqlite/trim.rs and store/postgres/trim.rs. It must never stop at one topic's
//! fault.

use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use crate::server::{clock::Clock, config::Config, store::TopicName};

/// Trims every topic until the token is cancelled.
pub(crate) async fn run(hub: Hub, clock: &Clock, config: &Config, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(config.retention.trim_interval.0);
    let retention_of = |topic: &TopicName| match topic {
        TopicName::Feed => config.retention.of_feed(),
        TopicName::Room(_) => config.retention.of_room(),
        TopicName::User(_) => config.retention.of_user(),
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        // A trim goes in small steps, each complete in itself: it may end after any of them.
        let removed = tokio::select! {
            () = stop.cancelled() => return,
            removed = hub.trim(retention_of, clock.settled_ms()) => removed,
        };
        match removed {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "trimmed the history"),
            Err(error) => tracing::error!(%error, "cannot list the topics to trim"),
        }
    }
}
