//! Decides who gets a push of an event of the feed that `events` has queued, and sends it. `queue` calls it.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::{
    Notifier,
    delivery::Urgency,
    payload::Payload,
    queued::{Queued, QueuedEvent},
    rules::PersonRules,
};
use crate::{
    protocol::{cursor::Cursor, feed::Entry},
    server::store::{StoreError, directory::id_prefix_of},
};

/// Newer entries of a channel among which one is looked for that replaces an event.
const NEWER_MAX: usize = 200;

impl Notifier {
    /// Sends the pushes of an event, or of the word that more came.
    pub(super) async fn push_event(&self, queued: &Queued, event: &QueuedEvent) -> Result<(), StoreError> {
        let found = match event.is_word {
            true => None,
            false => self.feed.entry_at(event.cursor.offset, event.timestamp).await?,
        };
        if self.is_late(event.timestamp) || (found.is_none() && !event.is_word) {
            tracing::info!(cursor = %event.cursor, "an event is gone or too old to be pushed");
            return Ok(());
        }
        let urgency = if event.is_urgent() { Urgency::High } else { Urgency::Normal };
        let mut deliveries = Vec::new();
        for user_id in &event.told {
            if !self.is_event_wanted(event, user_id).await? {
                continue;
            }
            let (prefix, badge) = (id_prefix_of(user_id), self.badge_of(user_id).await?);
            for (id, device) in self.devices(user_id).await? {
                let payload = Payload::of_event(event, found.as_ref(), device.language()).with_badge(badge);
                deliveries.push(self.push_to(queued, payload, urgency, (format!("{prefix}{id}"), device)));
            }
        }
        join_all(deliveries).await.into_iter().collect()
    }

    /// Waits until a word may be said again that more events came.
    pub(super) async fn wait_for_word(&self, event: &QueuedEvent) {
        for user_id in event.told.iter().filter(|_| event.is_word) {
            while let Err(rejection) = self.limits.feed_push_word(user_id) {
                sleep(Duration::from_millis(rejection.retry_after_ms.unwrap_or(1_000))).await;
            }
        }
    }

    /// Returns true if a person is to get a push of an event now: they have a rule for it, may read its channel, have no
    /// quiet hours, and nothing newer takes its place.
    pub(super) async fn is_event_wanted(
        &self,
        event: &QueuedEvent,
        user_id: &str,
    ) -> Result<bool, StoreError> {
        let rules = self.person_rules(user_id).await?;
        if !event.is_wanted_by(&rules) || !self.feed.may_read(&event.channel, user_id) {
            return Ok(false);
        }
        Ok(!self.is_quiet_in(&self.settings_of(user_id).await?) && !self.is_replaced(event, &rules).await?)
    }

    /// Returns true if there is a newer event with the same key that the person gets, too, which may be on the device by now,
    /// or if it is deleted.
    async fn is_replaced(&self, event: &QueuedEvent, rules: &PersonRules) -> Result<bool, StoreError> {
        if event.key.is_none() || event.is_word {
            return Ok(false);
        }
        let newer = self.feed.consume_channel(&event.channel, event.cursor.offset, NEWER_MAX).await?;
        let mut newer = newer.iter().filter(|entry| entry.body.key() == event.key.as_deref());
        let is_wanted = |entry: &Entry| {
            let cursor = Cursor { epoch: event.cursor.epoch.clone(), offset: entry.offset };
            QueuedEvent::of(entry, cursor).is_some_and(|newer| newer.is_wanted_by(rules))
        };
        Ok(newer.any(|newer| newer.body.is_deletion() || is_wanted(newer)))
    }
}
