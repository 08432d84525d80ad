//! Trims the topics at intervals: removes the entries that the settings no longer keep. `server` runs it for the life
//! of the process. The rule is in store/sqlite/trim.rs and store/postgres/trim.rs. It must never stop at one topic's
//! fault.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::hub::Hub;
use crate::{
    protocol::name::RoomId,
    server::{
        clock::Clock,
        config::{Config, Retention},
        store::TopicName,
    },
};

/// Age at which a person who has no marks is forgotten: the lifetime of a session after its last renewal. Whoever comes later
/// as a guest is somebody else, and who has an account is noted again.
const PERSON_AGE_MS: i64 = 30 * 24 * 3_600_000;

/// The time between two searches for people to forget: they are looked through one by one.
const PEOPLE_INTERVAL: Duration = Duration::from_secs(3_600);

/// Trims every topic until the token is cancelled. `is_removed` tells the rooms of which nothing is kept.
pub(crate) async fn run(
    hub: Hub,
    clock: &Clock,
    config: &Config,
    is_removed: impl Fn(&RoomId) -> bool,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(config.retention.trim_interval.0);
    let retention_of = |topic: &TopicName| match topic {
        TopicName::Feed => config.retention.of_feed(),
        // Entries that were on their way when the room was removed.
        TopicName::Room(room) if is_removed(room) => Retention::NOTHING,
        TopicName::Room(_) => config.retention.of_room(),
        TopicName::User(_) => config.retention.of_user(),
    };
    let mut people_due = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if Instant::now() >= people_due {
            people_due = Instant::now() + PEOPLE_INTERVAL;
            expire_people(&hub, clock).await;
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

async fn expire_people(hub: &Hub, clock: &Clock) {
    match hub.store().expire_people(clock.settled_ms().saturating_sub(PERSON_AGE_MS)).await {
        Ok(0) => {}
        Ok(removed) => tracing::debug!(removed, "forgot people who were not seen for long"),
        Err(error) => tracing::error!(%error, "cannot forget people who were not seen for long"),
    }
}
