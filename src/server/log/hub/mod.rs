//! The log: publish, subscribe, and read pages. The chat and the feed are built on it, and nothing else may write.
//!
//! publish = append to the store (offset assigned, durable) → the store announces → the ring → readers wake.
//! read = entries after a cursor, ring first, store below it → the transport writes → the cursor moves; `paging` is the
//! same for a single page.
//!
//! Between nodes the announcements are hints: `backfill` reads the entries that a topic lacks from the store, and
//! `heads` finds those that were never announced.

mod around;
mod backfill;
mod heads;
mod paging;
mod threads;

use std::{sync::Arc, time::Instant};

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::paging::{Page, PageQuery};
use super::{
    subscription::{Subscription, after_loss},
    topic::{Reader, Topic, Topics, Wakeup},
};
use crate::{
    protocol::cursor::Cursor,
    server::{
        config::Retention,
        store::{Appended, Bounds, Filter, NewEntry, Store, StoreError, TopicName},
    },
};

/// The position at which a reader starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartFrom {
    /// With the entries from now on.
    New,
    /// With this many of the newest entries.
    Last(usize),
    /// With the entries after this cursor.
    After(Cursor),
}

/// A subscription, and whether it starts at the requested position.
pub struct Subscribed {
    /// The reader's view.
    pub subscription: Subscription,
    /// False: the cursor could not be honoured. The subscription starts with the oldest retained entry that the reader
    /// lacks.
    pub recovered: bool,
}

/// The logs of all topics. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    store: Arc<dyn Store>,
    topics: Arc<Topics>,
    /// The backfill ends with the last of the clones.
    _backfill: Arc<DropGuard>,
}

impl Hub {
    /// A hub over `store`, which must announce to `topics`, as no other store may. Spawns the backfill.
    pub fn new(store: Arc<dyn Store>, topics: Arc<Topics>) -> Self {
        let stop = CancellationToken::new();
        if let Some(missing) = topics.take_missing() {
            let backfill = backfill::run(store.clone(), topics.clone(), missing);
            let stopped = stop.clone();
            tokio::spawn(async move { stopped.run_until_cancelled(backfill).await });
        }
        Self { store, topics, _backfill: Arc::new(stop.drop_guard()) }
    }

    /// Finds entries of other nodes that were not announced to this one, until `stop`. `connectivity` is true while the
    /// nodes can announce.
    pub async fn watch_heads(&self, connectivity: watch::Receiver<bool>, stop: CancellationToken) {
        stop.run_until_cancelled(heads::watch(&self.store, &self.topics, connectivity)).await;
    }

    /// The store, for records other than entries.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Appends new entries. When this returns, they are durable and on their way to the readers. Fails as the store
    /// does.
    pub async fn publish(
        &self,
        topic: &TopicName,
        entries: Vec<NewEntry>,
    ) -> Result<Vec<Appended>, StoreError> {
        let since = Instant::now();
        let appended = self.store.append(topic, entries).await;
        appended.inspect(|_| self.topics.metrics().observe_post(since))
    }

    /// Sends an ephemeral frame, in JSON, to the current readers of the topic at this node.
    pub fn publish_ephemeral(&self, topic: &TopicName, frame: String) {
        self.topics.publish_ephemeral(topic, &frame);
    }

    /// Subscribes a reader whose connection is woken by `wakeup`. Fails as the store does.
    pub async fn subscribe(
        &self,
        name: &TopicName,
        start: StartFrom,
        filter: Filter,
        wakeup: Arc<Wakeup>,
    ) -> Result<Subscribed, StoreError> {
        // First subscribe, then read: an entry between the two is announced to us.
        let entered = self.topics.enter(name, wakeup, filter.channels.clone());
        let slot = ReaderSlot { topics: self.topics.clone(), entered: Some(entered) };
        let topic = slot.topic();
        if topic.epoch().is_none() {
            self.topics.learn(topic, &self.store.bounds(name).await?);
        }
        let (cursor, recovered) = self.position(topic, start, &filter).await?;
        let subscription =
            Subscription::new(self.topics.clone(), self.store.clone(), slot.keep(), filter, cursor);
        Ok(Subscribed { subscription, recovered })
    }

    /// The cursor to start from, and whether that is the requested position. Reads the store only if it must.
    async fn position(
        &self,
        topic: &Arc<Topic>,
        start: StartFrom,
        filter: &Filter,
    ) -> Result<(Cursor, bool), StoreError> {
        let known = topic.cursor().expect("the bounds were learnt before");
        match start {
            StartFrom::New => Ok((known, true)),
            StartFrom::Last(count) => Ok((self.position_of_last(topic, known, count, filter).await?, true)),
            StartFrom::After(cursor) => self.position_after(topic, &known, cursor, filter).await,
        }
    }

    /// The cursor just before the newest `count` retained entries that the filter lets through; changes do not count.
    /// Entries that were removed between them are no loss to a reader that asks for the newest.
    async fn position_of_last(
        &self,
        topic: &Arc<Topic>,
        known: Cursor,
        count: usize,
        filter: &Filter,
    ) -> Result<Cursor, StoreError> {
        if let Some(offset) = topic.before_newest(count).filter(|_| filter.channels.is_all()) {
            return Ok(Cursor { offset, ..known });
        }
        let counted = without_changes(topic.name(), filter);
        let slice = self.store.read_before(topic.name(), known.offset + 1, &counted, count).await?;
        self.topics.learn(topic, &slice.bounds);
        let offset = slice.records.first().map_or(known.offset, |record| record.offset - 1);
        Ok(Cursor { epoch: slice.bounds.epoch.at(offset, slice.removed), offset })
    }

    /// The reader's own cursor, if no entry that it reads was removed above it.
    async fn position_after(
        &self,
        topic: &Arc<Topic>,
        known: &Cursor,
        cursor: Cursor,
        filter: &Filter,
    ) -> Result<(Cursor, bool), StoreError> {
        if cursor.epoch == known.epoch && topic.covers(cursor.offset) {
            return Ok((cursor, true));
        }
        let (bounds, removed) = self.store.bounds_for(topic.name(), filter).await?;
        // The cursor may be newer than the announcements: the ring is a copy, the store is the truth.
        self.topics.learn(topic, &bounds);
        // A cursor from before the first entry counts as one of this log: its reader has missed none of the first ones.
        let has_seen_nothing = cursor.epoch.is_unwritten() && cursor.offset == 0;
        let is_of_this_log = has_seen_nothing || cursor.epoch == bounds.epoch && cursor.offset <= bounds.head;
        if is_of_this_log && removed <= cursor.offset.max(cursor.epoch.told_loss()) {
            return Ok((cursor, true));
        }
        let seen = if is_of_this_log { cursor.offset } else { 0 };
        let slice = self.store.read_after(topic.name(), seen, filter, 1).await?;
        Ok((after_loss(&slice), false))
    }

    /// The topics without the logs of users that are not longer than they may be: there are many, and nearly all are
    /// short.
    async fn overlong(
        &self,
        topics: Vec<TopicName>,
        retention_of: impl Fn(&TopicName) -> Retention,
    ) -> Result<Vec<TopicName>, StoreError> {
        let (users, mut topics): (Vec<_>, Vec<_>) =
            topics.into_iter().partition(|topic| matches!(topic, TopicName::User(_)));
        for users in users.chunks(USERS_AT_ONCE) {
            let bounds = self.store.bounds_of(users).await?;
            let is_overlong = |(topic, bounds): &(TopicName, Bounds)| {
                bounds.head - bounds.floor > retention_of(topic).entries
            };
            topics.extend(bounds.into_iter().filter(is_overlong).map(|(topic, _)| topic));
        }
        Ok(topics)
    }

    /// Evicts the readers that may not read the topic any more. `is_evicted` decides by the user's id; `None` is an
    /// anonymous reader. When this returns, nothing more is delivered to them.
    pub fn evict(&self, name: &TopicName, is_evicted: impl Fn(Option<&str>) -> bool) {
        self.topics.evict(name, is_evicted);
    }

    /// Removes the entries that retention does not keep from every topic. `now_ms` is the settled time. Returns the
    /// number of removed entries. Fails only if the topics cannot be listed.
    pub async fn trim(
        &self,
        retention_of: impl Fn(&TopicName) -> Retention,
        now_ms: i64,
    ) -> Result<u64, StoreError> {
        let mut removed = 0;
        for topic in self.overlong(self.store.topics().await?, &retention_of).await? {
            match self.store.trim(&topic, retention_of(&topic), now_ms).await {
                Ok(count) => removed += count,
                // One topic's fault must not let the others grow.
                Err(error) => tracing::error!(%topic, %error, "cannot trim a topic"),
            }
        }
        Ok(removed)
    }
}

/// Logs of users whose bounds are read at once.
const USERS_AT_ONCE: usize = 1_000;

/// The filter without changes: in a room they are what is not lasting.
pub(super) fn without_changes(name: &TopicName, filter: &Filter) -> Filter {
    let lasting = filter.lasting || matches!(name, TopicName::Room(_));
    Filter { lasting, ..filter.clone() }
}

/// A reader's slot in a topic while its subscription is being made: dropped with it if that fails, also when the caller
/// goes away in the middle.
struct ReaderSlot {
    topics: Arc<Topics>,
    entered: Option<(Arc<Topic>, Arc<Reader>)>,
}

impl ReaderSlot {
    fn topic(&self) -> &Arc<Topic> {
        &self.entered.as_ref().expect("kept only by keep()").0
    }

    fn keep(mut self) -> (Arc<Topic>, Arc<Reader>) {
        self.entered.take().expect("keep() takes self")
    }
}

impl Drop for ReaderSlot {
    fn drop(&mut self) {
        if let Some((topic, reader)) = self.entered.take() {
            self.topics.leave(&topic, &reader);
        }
    }
}

#[cfg(test)]
mod tests;
