//! The log: publish, subscribe, and read pages. The chat and the feed stand on it and nothing else writes.
//!
//! publish = append to the store (offset assigned, durable) → the store announces → the ring → readers wake.
//! read = entries after a cursor, ring first, store below it → the transport writes → the cursor moves; `paging` is the
//! same for who asks for one page.
//!
//! Between nodes the announcements are hints: `backfill` gets what a topic lacks from the store, and `heads` looks for
//! what nobody told.

mod backfill;
mod heads;
mod paging;

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::paging::{Page, PageQuery};
use super::{
    subscription::{Subscription, after_loss},
    topic::{Reader, Topic, Topics, Wakeup},
};
use crate::{
    protocol::cursor::{Cursor, Offset},
    server::{
        config::Retention,
        store::{Appended, Filter, NewEntry, Store, StoreError, TopicName},
    },
};

/// Where a reader starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartFrom {
    /// With what comes from now on.
    New,
    /// With the newest so many entries.
    Last(usize),
    /// With what this cursor lacks.
    After(Cursor),
}

/// A subscription and whether it starts where the reader asked.
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
    /// The filling ends with the last of the clones.
    _filling: Arc<DropGuard>,
}

impl Hub {
    /// `topics` must be what `store` announces to, and nobody else's.
    pub fn new(store: Arc<dyn Store>, topics: Arc<Topics>) -> Self {
        let stop = CancellationToken::new();
        if let Some(missing) = topics.take_missing() {
            let backfill = backfill::run(store.clone(), topics.clone(), missing);
            let stopped = stop.clone();
            tokio::spawn(async move { stopped.run_until_cancelled(backfill).await });
        }
        Self { store, topics, _filling: Arc::new(stop.drop_guard()) }
    }

    /// Looks for entries of other nodes that nobody told this one of, until `stop`. `link` says whether they can tell.
    pub async fn watch_heads(&self, link: watch::Receiver<bool>, stop: CancellationToken) {
        stop.run_until_cancelled(heads::watch(&self.store, &self.topics, link)).await;
    }

    /// The store, for what is not a log.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Appends; when this returns, the entries are durable and on their way to the readers.
    pub async fn publish(
        &self,
        topic: &TopicName,
        drafts: Vec<NewEntry>,
    ) -> Result<Vec<Appended>, StoreError> {
        self.store.append(topic, drafts).await
    }

    /// Sends an ephemeral frame to those who read the topic now.
    pub fn publish_ephemeral(&self, topic: &TopicName, frame: String) {
        self.topics.publish_ephemeral(topic, &frame);
    }

    /// Makes a reader whose connection is woken by `wakeup`.
    pub async fn subscribe(
        &self,
        name: &TopicName,
        start: StartFrom,
        filter: Filter,
        wakeup: Arc<Wakeup>,
    ) -> Result<Subscribed, StoreError> {
        // First subscribe, then read: an entry between the two is announced to us.
        let entered = self.topics.enter(name, wakeup, filter.channels.clone());
        let place = Place { topics: self.topics.clone(), entered: Some(entered) };
        let topic = place.topic();
        if topic.epoch().is_none() {
            self.topics.learn(topic, &self.store.bounds(name).await?);
        }
        let (cursor, recovered) = self.position(topic, start, &filter).await?;
        let subscription =
            Subscription::new(self.topics.clone(), self.store.clone(), place.keep(), filter, cursor);
        Ok(Subscribed { subscription, recovered })
    }

    /// The cursor to start from, and whether that is what was asked for. Asks the store only if it must.
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

    /// Just before the newest `count` retained entries that the filter lets through. What was removed between them is
    /// no loss to who asked for the newest.
    async fn position_of_last(
        &self,
        topic: &Arc<Topic>,
        known: Cursor,
        count: usize,
        filter: &Filter,
    ) -> Result<Cursor, StoreError> {
        let offset = known.offset.saturating_sub(count as Offset);
        if filter.channels.is_all() && topic.covers(offset) {
            return Ok(Cursor { offset, ..known });
        }
        let slice = self.store.read_before(topic.name(), known.offset + 1, filter, count).await?;
        self.topics.learn(topic, &slice.bounds);
        let offset = slice.records.first().map_or(known.offset, |record| record.offset - 1);
        Ok(Cursor { epoch: slice.bounds.epoch.at(offset, slice.removed), offset })
    }

    /// The reader's own cursor, if nothing that it reads was removed above it.
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
        // The cursor may be newer than what we were told: our ring is a copy, the store is the truth.
        self.topics.learn(topic, &bounds);
        let is_of_this_log = cursor.epoch == bounds.epoch && cursor.offset <= bounds.head;
        if is_of_this_log && removed <= cursor.offset.max(cursor.epoch.told_loss()) {
            return Ok((cursor, true));
        }
        let seen = if is_of_this_log { cursor.offset } else { 0 };
        let slice = self.store.read_after(topic.name(), seen, filter, 1).await?;
        Ok((after_loss(&slice), false))
    }

    /// Ends the reading of those who may not read the topic any more, by their users' ids; `None` is nobody. When this
    /// returns nothing more is delivered to them.
    pub fn evict(&self, name: &TopicName, is_out: impl Fn(Option<&str>) -> bool) {
        self.topics.evict(name, is_out);
    }

    /// Removes what retention does not keep from every topic. `now_ms` is the settled time. Returns how many entries
    /// went.
    pub async fn trim(
        &self,
        retention_of: impl Fn(&TopicName) -> Retention,
        now_ms: i64,
    ) -> Result<u64, StoreError> {
        let mut removed = 0;
        for topic in self.store.topics().await? {
            match self.store.trim(&topic, retention_of(&topic), now_ms).await {
                Ok(count) => removed += count,
                // One topic's fault must not let the others grow.
                Err(error) => tracing::error!(%topic, %error, "a topic could not be trimmed"),
            }
        }
        Ok(removed)
    }
}

/// A reader's place in a topic while its subscription is being made: given back if that does not come about,
/// also when the caller goes away in the middle.
struct Place {
    topics: Arc<Topics>,
    entered: Option<(Arc<Topic>, Arc<Reader>)>,
}

impl Place {
    fn topic(&self) -> &Arc<Topic> {
        &self.entered.as_ref().expect("kept only by keep()").0
    }

    fn keep(mut self) -> (Arc<Topic>, Arc<Reader>) {
        self.entered.take().expect("keep() takes self")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((topic, reader)) = self.entered.take() {
            self.topics.leave(&topic, &reader);
        }
    }
}

#[cfg(test)]
mod tests;
