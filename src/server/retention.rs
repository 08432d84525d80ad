//! The housekeeper: removes what the settings no longer keep, now and then.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    auth::forget_old_submissions,
    clock::Clock,
    config::Config,
    hub::Hub,
    store::{TopicName, directory::Directory},
};

/// Trims every topic, and what is kept of forms, until the token is cancelled.
pub(super) async fn run(
    hub: Hub,
    directory: Arc<dyn Directory>,
    clock: Arc<Clock>,
    config: Config,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(config.trim_interval.0);
    let retention_of = |topic: &TopicName| match topic {
        TopicName::Feed => config.feed_retention(),
        TopicName::Room(_) => config.room_retention(),
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
            Err(error) => tracing::error!(%error, "the topics could not be listed for trimming"),
        }
        if let Err(error) = forget_old_submissions(&*directory, clock.settled_ms()).await {
            tracing::error!(%error, "forms that were sent long ago could not be forgotten");
        }
    }
}
