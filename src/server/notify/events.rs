//! The consumer of the feed: reads what was published after its stored cursor, on the node that holds the lease, and queues
//! the events that somebody has a rule for. The queue and the cursor move in one transaction, so a server that ends at any
//! moment neither loses an event nor queues one twice; `queue` works it off.
//!
//! While nobody has a rule nothing of the feed is read and no cursor is written: a rule holds from the feed's end on at which
//! it was made, so whatever is before the earliest one is nobody's.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Notifier, queued::QueuedEvent, rules::PersonRules};
use crate::{
    protocol::cursor::Cursor,
    server::{
        feed::Consumed,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition, id_prefix_of},
        },
    },
};

/// The id of the cursor's document.
const CURSOR_ID: &str = "feed";
/// Events that are read and queued at once.
const BATCH_MAX: usize = 200;
/// The time for which events are collected: of some with the same key only the newest is pushed, and the rules are read a
/// few times a second at most, however much is published.
const GATHER: Duration = Duration::from_millis(200);

impl Notifier {
    /// Queues and pushes events until `stop`.
    pub(super) async fn run_events(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.take_events(tasks, stop).await {
                tracing::warn!(%error, "cannot queue the pushes of events; retrying");
            }
            let wait = async {
                tokio::select! {
                    () = self.feed.published() => {}
                    () = sleep(self.poll_interval()) => {}
                }
                sleep(GATHER).await;
            };
            stop.run_until_cancelled(wait).await;
        }
    }

    async fn take_events(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        if !self.lease.hold().await? {
            return Ok(());
        }
        while self.queue_batch().await? && !stop.is_cancelled() {}
        self.start_queued(Kind::PushEvent, tasks, stop).await
    }

    /// Queues the next events. Returns true if more follow.
    async fn queue_batch(&self) -> Result<bool, StoreError> {
        let rules = self.all_rules().await?;
        let Some(earliest) = earliest(&rules) else { return Ok(false) };
        let stored = self.documents.read_to_change::<Cursor>(Kind::PushCursor, CURSOR_ID).await?;
        let (stored, unchanged) = match stored {
            Some((cursor, unchanged)) => (Some(cursor), unchanged),
            None => (None, Precondition::Absent),
        };
        let start = self.start_after(stored, earliest);
        let found = self.feed.consume(start.offset, BATCH_MAX).await?;
        let end = Cursor { epoch: found.bounds.epoch.clone(), offset: found.bounds.head };
        if end.epoch != start.epoch || found.removed > start.offset {
            tracing::warn!(cursor = %start, end = %end, "events were gone before they could be pushed; going on at the newest");
            let moved = Mutation::put(Kind::PushCursor, CURSOR_ID, unchanged, &end);
            self.documents.grant(vec![moved]).await?;
            return Ok(false);
        }
        let Some(last) = found.entries.last() else {
            *self.seen.lock() = Some(end);
            return Ok(false);
        };
        let cursor = Cursor { epoch: end.epoch, offset: last.offset };
        // After the events: who made a rule before one of them was published is told of it.
        let mut mutations = self.queued_of(&found, &self.all_rules().await?).await?;
        mutations.push(Mutation::put(Kind::PushCursor, CURSOR_ID, unchanged, &cursor));
        // If another node has moved the cursor, it has queued them.
        let is_moved = self.documents.grant(mutations).await?.is_committed();
        Ok(is_moved && found.more)
    }

    /// The position after which events may have to be pushed.
    fn start_after(&self, stored: Option<Cursor>, earliest: Cursor) -> Cursor {
        let Some(stored) = stored else { return earliest };
        // Nothing that is pushed stands between the cursor and what this node has seen.
        let seen = self.seen.lock().clone();
        [Some(earliest), seen].into_iter().flatten().fold(stored, |start, other| {
            let is_further = other.epoch == start.epoch && other.offset > start.offset;
            if is_further { other } else { start }
        })
    }

    /// The documents to queue for these events.
    async fn queued_of(&self, found: &Consumed, rules: &[PersonRules]) -> Result<Vec<Mutation>, StoreError> {
        let mut events: Vec<QueuedEvent> = found
            .entries
            .iter()
            .filter(|entry| !self.is_late(entry.timestamp))
            .filter_map(|entry| {
                let cursor = Cursor { epoch: found.bounds.epoch.clone(), offset: entry.offset };
                QueuedEvent::of(entry, cursor)
            })
            .collect();
        let (mut has_device, mut replaced) = (HashMap::new(), HashSet::new());
        // The newest first: it replaces those before it with the same key.
        for event in events.iter_mut().rev() {
            let (tag, mut told) = (event.key.as_ref().map(|_| event.tag()), Vec::new());
            for rules in rules.iter().filter(|rules| event.is_wanted_by(rules)) {
                let user_id = &rules.user_id;
                let is_newest =
                    tag.as_ref().is_none_or(|tag| replaced.insert((user_id.clone(), tag.clone())));
                if !is_newest || !self.feed.may_read(&event.channel, user_id) {
                    continue;
                }
                if !has_device.contains_key(user_id) {
                    let devices = self.documents.list(Kind::PushSubscription, &id_prefix_of(user_id)).await?;
                    has_device.insert(user_id.clone(), !devices.is_empty());
                }
                if has_device[user_id] {
                    told.push(user_id.clone());
                }
            }
            event.told = told;
        }
        Ok(self.within_limit(events))
    }

    /// The documents of events, within each person's limit. Of what is beyond it a word is queued, one for each person.
    fn within_limit(&self, events: Vec<QueuedEvent>) -> Vec<Mutation> {
        let (mut mutations, mut words) = (Vec::new(), HashMap::new());
        for mut event in events {
            let (told, beyond): (Vec<_>, Vec<_>) =
                event.told.drain(..).partition(|user_id| self.limits.feed_push(user_id).is_ok());
            for user_id in beyond {
                let word =
                    QueuedEvent { told: vec![user_id.clone()], is_word: true, key: None, ..event.clone() };
                words.insert(user_id, word);
            }
            if !told.is_empty() {
                event.told = told;
                mutations.push(event.queued(format!("{:020}", event.cursor.offset)));
            }
        }
        let words = words.into_iter();
        mutations
            .extend(words.map(|(user_id, word)| word.queued(format!("word/{}", id_prefix_of(&user_id)))));
        mutations
    }
}

/// The earliest position from which a rule of anybody holds; `None`: nobody has one.
fn earliest(rules: &[PersonRules]) -> Option<Cursor> {
    // If some rules hold from another epoch on, no event of this one is before them.
    rules.iter().flat_map(PersonRules::beginnings).cloned().reduce(|one, other| {
        match one.epoch == other.epoch {
            true => Cursor { offset: one.offset.min(other.offset), ..one },
            false => Cursor { offset: 0, ..one },
        }
    })
}
