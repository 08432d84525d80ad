//! The notifications of the feed's events that an open page shows by itself (`public/page_notifications.js`). The route
//! `/api/user/events` asks. The rules are those of pushes, and so is the tag: a device that gets both shows one.

use std::collections::HashSet;

use serde::Serialize;

use super::{Notifier, payload::Payload, queued::QueuedEvent, rules::PersonRules};
use crate::{
    app::i18n::Language,
    protocol::{cursor::Cursor, feed::Entry},
    server::store::StoreError,
};

/// Entries that one answer looks through: the newest of a burst are enough, the feed has the others.
const LOOKED_THROUGH_MAX: usize = 200;
/// Notifications of one answer: more at once are noise.
const SHOWN_MAX: usize = 5;

/// The notifications of events.
#[derive(Debug, Serialize)]
pub struct EventNotifications {
    /// The end of the feed, to ask after the next time.
    cursor: Cursor,
    /// The newest last.
    notifications: Vec<Payload>,
}

impl Notifier {
    /// The notifications of the events after a cursor that a person has rules for. Without a cursor, and with one of an earlier
    /// epoch, there are none: nothing is new then.
    pub async fn events_for_open_page(
        &self,
        user_id: &str,
        after: Option<Cursor>,
        language: Language,
    ) -> Result<EventNotifications, StoreError> {
        let (cursor, rules) = (self.feed.end().await?, self.person_rules(user_id).await?);
        let is_quiet = self.is_quiet_in(&self.settings_of(user_id).await?);
        let start = after.filter(|after| after.epoch == cursor.epoch && !is_quiet && !rules.is_empty());
        let entries = match start {
            Some(start) => {
                let oldest = cursor.offset.saturating_sub(LOOKED_THROUGH_MAX as u64);
                self.feed.consume(start.offset.max(oldest), LOOKED_THROUGH_MAX).await?.entries
            }
            None => Vec::new(),
        };
        let mut notifications = self.shown(user_id, &rules, &entries, &cursor, language);
        notifications.reverse();
        Ok(EventNotifications { cursor, notifications })
    }

    /// The newest that are shown, the newest first. Of those with one key it is the newest.
    fn shown(
        &self,
        user_id: &str,
        rules: &PersonRules,
        entries: &[Entry],
        end: &Cursor,
        language: Language,
    ) -> Vec<Payload> {
        let mut tags = HashSet::new();
        let payload = |entry: &Entry| {
            let cursor = Cursor { epoch: end.epoch.clone(), offset: entry.offset };
            let event = QueuedEvent::of(entry, cursor)?;
            let is_shown = event.is_wanted_by(rules)
                && self.feed.may_read(&event.channel, user_id)
                && !self.is_late(event.timestamp)
                && tags.insert(event.tag());
            is_shown.then(|| Payload::of_event(&event, Some(entry), language))
        };
        let deletes = |newer: &Entry, entry: &Entry| {
            newer.body.is_deletion() && newer.offset > entry.offset && newer.replaces(entry)
        };
        let is_there = |entry: &&Entry| !entries.iter().any(|newer| deletes(newer, entry));
        entries.iter().rev().filter(is_there).filter_map(payload).take(SHOWN_MAX).collect()
    }
}
