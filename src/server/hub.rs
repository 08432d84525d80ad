//! The log: publish, subscribe, and read pages. The chat and the feed stand on it and nothing else writes.
//!
//! publish = append to the store (offset assigned, durable) → the store announces → the ring → readers wake.
//! read = entries after a cursor, ring first, store below it → the transport writes → the cursor moves.
//!
//! Between nodes the announcements are hints: `filling` gets what a topic lacks from the store, and `heads` looks for
//! what nobody told.

mod filling;
mod heads;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    store::{Appended, Bounds, Channels, Draft, Filter, Retention, Slice, Store, StoreError, TopicName},
    subscription::{Batch, Subscription, fitting},
    topic::{Bell, Entry, Reader, Topic, Topics},
};
use crate::{
    protocol::cursor::{Cursor, Offset},
    server::clock::now_ms,
};

/// Most bytes of entries in a page; at least one is always in it. A page is held whole for a reader that is slow to
/// take it.
const PAGE_BYTES: usize = 256 * 1024;
/// How long a poll collects comings and goings before it is answered with them: a thousand readers that return at
/// once would otherwise answer each other's polls a million times.
const NEWS_DELAY: Duration = Duration::from_millis(300);

/// Where a reader starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
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
    /// False: the cursor could not be honoured, the subscription starts with the oldest that is complete.
    pub recovered: bool,
}

/// Which page of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageQuery {
    /// The newest entries.
    Newest,
    /// The entries just before this cursor's.
    Before(Cursor),
    /// The entries after this cursor; waits so long for the first.
    After(Cursor, Duration),
}

impl PageQuery {
    /// Whether the answer may take its time.
    pub fn waits(&self) -> bool {
        matches!(self, Self::After(_, wait) if !wait.is_zero())
    }
}

/// Entries in ascending order.
#[derive(Debug)]
pub struct Page {
    /// Encoded.
    pub entries: Vec<Arc<Entry>>,
    /// Where to read on in the same direction; for the newest page: forwards.
    pub cursor: Cursor,
    /// More is there in the direction that was read; for the newest page: backwards.
    pub more: bool,
    /// The cursor could not be honoured.
    pub reset: bool,
}

impl Page {
    /// The entries as plain data, for a page that is rendered here.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        let entries = self.entries.iter().map(|entry| serde_json::from_slice(&entry.encoded.json()));
        entries.collect::<Result<_, _>>().map_err(|error| StoreError::Damaged(error.to_string()))
    }
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
        if let Some(lacking) = topics.take_lacking() {
            let filling = filling::run(store.clone(), topics.clone(), lacking);
            let stopped = stop.clone();
            tokio::spawn(async move { stopped.run_until_cancelled(filling).await });
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
    pub async fn publish(&self, topic: &TopicName, drafts: Vec<Draft>) -> Result<Vec<Appended>, StoreError> {
        self.store.append(topic, drafts).await
    }

    /// Sends an ephemeral frame to those who read the topic now.
    pub fn whisper(&self, topic: &TopicName, frame: String) {
        self.topics.whisper(topic, &frame);
    }

    /// Makes a reader whose connection is woken by `bell`.
    pub async fn subscribe(
        &self,
        name: &TopicName,
        start: Start,
        filter: Filter,
        bell: Arc<Bell>,
    ) -> Result<Subscribed, StoreError> {
        // First subscribe, then read: an entry between the two is announced to us.
        let entered = self.topics.enter(name, bell, filter.channels.clone());
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
        start: Start,
        filter: &Filter,
    ) -> Result<(Cursor, bool), StoreError> {
        let known = topic.cursor().expect("the bounds were learnt before");
        let head = known.offset;
        let wanted = match &start {
            Start::New => return Ok((known, true)),
            Start::Last(count) if filter.channels.is_all() => head.saturating_sub(*count as Offset),
            Start::Last(count) => {
                let slice = self.store.read_before(topic.name(), head + 1, filter, *count).await?;
                slice.records.first().map_or(head, |record| record.offset - 1).max(slice.bounds.floor)
            }
            Start::After(cursor) if cursor.epoch == known.epoch => cursor.offset,
            Start::After(_) => Offset::MAX, // another numbering: nothing can be honoured
        };
        if topic.covers(wanted) {
            return Ok((Cursor { offset: wanted, ..known }, true));
        }
        let bounds = self.store.bounds(topic.name()).await?;
        // The cursor may be newer than what we were told: our ring is a copy, the store is the truth.
        self.topics.learn(topic, &bounds);
        let Bounds { epoch, floor, head } = bounds;
        let offset = match start {
            Start::New | Start::Last(_) => wanted.clamp(floor, head),
            Start::After(cursor) if cursor.epoch == epoch && (floor..=head).contains(&cursor.offset) => {
                cursor.offset
            }
            Start::After(_) => return Ok((Cursor { epoch, offset: floor }, false)),
        };
        Ok((Cursor { epoch, offset }, true))
    }

    /// Reads one page of at most `limit` entries.
    pub async fn page(
        &self,
        name: &TopicName,
        query: PageQuery,
        filter: Filter,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.page_unless(name, query, filter, limit, || false).await
    }

    /// As [`Hub::page`], but a query that waits is answered as well when `is_news` has become true. That is asked
    /// whenever somebody whispered in the topic.
    pub async fn page_unless(
        &self,
        name: &TopicName,
        query: PageQuery,
        filter: Filter,
        limit: usize,
        is_news: impl Fn() -> bool,
    ) -> Result<Page, StoreError> {
        match query {
            PageQuery::Newest => {
                let slice = self.store.read_before(name, Offset::MAX, &filter, limit).await?;
                let cursor = Cursor { epoch: slice.bounds.epoch.clone(), offset: slice.bounds.head };
                Ok(self.page_of(&slice, cursor, false))
            }
            PageQuery::Before(cursor) => self.page_before(name, cursor, &filter, limit).await,
            PageQuery::After(cursor, wait) => {
                self.page_after(name, cursor, filter, limit, wait, is_news).await
            }
        }
    }

    async fn page_before(
        &self,
        name: &TopicName,
        cursor: Cursor,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let slice = self.store.read_before(name, cursor.offset, filter, limit).await?;
        if slice.bounds.epoch != cursor.epoch {
            let newest = Cursor { epoch: slice.bounds.epoch, offset: slice.bounds.head };
            return Ok(Page { entries: Vec::new(), cursor: newest, more: false, reset: true });
        }
        let mut page = self.page_of(&slice, cursor, false);
        page.cursor.offset = page.entries.first().map_or(page.cursor.offset, |entry| entry.offset);
        Ok(page)
    }

    async fn page_after(
        &self,
        name: &TopicName,
        cursor: Cursor,
        filter: Filter,
        limit: usize,
        wait: Duration,
        is_news: impl Fn() -> bool,
    ) -> Result<Page, StoreError> {
        let mut deadline = Instant::now() + wait;
        let bell = Arc::new(Bell::default());
        let Subscribed { mut subscription, recovered } =
            self.subscribe(name, Start::After(cursor), filter, bell.clone()).await?;
        let (mut entries, mut reset) = (Vec::new(), !recovered);
        let mut cursor = subscription.cursor();
        while entries.len() < limit && fitting(entries.iter(), PAGE_BYTES) == entries.len() {
            match subscription.read().await? {
                Batch::Entries(batch) => entries.extend(batch),
                // A poll belongs to nobody: who asks is checked again when there is an answer.
                Batch::Evicted => break,
                // What was read before the reset would not join with what follows it.
                Batch::Reset(_) => (entries, reset) = (Vec::new(), true),
                Batch::Idle if !entries.is_empty() || reset => break,
                Batch::Idle => {
                    if is_news() {
                        // Entries are answered at once; of comings and goings, those of a moment together.
                        deadline = deadline.min(Instant::now() + NEWS_DELAY);
                    }
                    let left = deadline.saturating_duration_since(Instant::now());
                    if tokio::time::timeout(left, bell.rung()).await.is_err() {
                        break;
                    }
                }
            }
            cursor = subscription.cursor();
        }
        let kept = fitting(entries.iter().take(limit), PAGE_BYTES);
        let more = entries.len() > kept || has_more(&mut subscription).await?;
        if entries.len() > kept {
            entries.truncate(kept);
            cursor.offset = entries.last().map_or(cursor.offset, |entry| entry.offset);
        }
        Ok(Page { entries, cursor, more, reset })
    }

    /// Ends the reading of those who may not read the topic any more, by their users' ids; `None` is nobody. When this
    /// returns nothing more is delivered to them.
    pub fn evict(&self, name: &TopicName, is_out: impl Fn(Option<&str>) -> bool) {
        self.topics.evict(name, is_out);
    }

    /// The newest values of the channels that spoke last, see [`Store::latest_by_channel`].
    pub async fn latest_by_channel(
        &self,
        name: &TopicName,
        channels: &Channels,
        count: usize,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let slice = self.store.latest_by_channel(name, channels, count, limit).await?;
        let cursor = Cursor { epoch: slice.bounds.epoch.clone(), offset: slice.bounds.head };
        Ok(Page { entries: self.encode(&slice), cursor, more: slice.more, reset: false })
    }

    fn encode(&self, slice: &Slice) -> Vec<Arc<Entry>> {
        slice.records.iter().map(|record| self.topics.encode(&slice.bounds.epoch, record)).collect()
    }

    fn page_of(&self, slice: &Slice, cursor: Cursor, reset: bool) -> Page {
        let mut entries = self.encode(slice);
        // These pages are read backwards: what does not fit is cut at the old end.
        let surplus = entries.len() - fitting(entries.iter().rev(), PAGE_BYTES);
        entries.drain(..surplus);
        Page { entries, cursor, more: slice.more || surplus > 0, reset }
    }

    /// Removes what retention does not keep from every topic. Returns how many entries went.
    pub async fn trim(&self, retention_of: impl Fn(&TopicName) -> Retention) -> Result<u64, StoreError> {
        let mut removed = 0;
        for topic in self.store.topics().await? {
            match self.store.trim(&topic, retention_of(&topic), now_ms()).await {
                Ok(count) => removed += count,
                // One topic's fault must not let the others grow.
                Err(error) => tracing::error!(%topic, %error, "a topic could not be trimmed"),
            }
        }
        Ok(removed)
    }
}

/// Whether the filter lets anything through that comes after the cursor.
async fn has_more(subscription: &mut Subscription) -> Result<bool, StoreError> {
    loop {
        match subscription.read().await? {
            Batch::Idle | Batch::Evicted => return Ok(false),
            Batch::Entries(entries) if entries.is_empty() => {}
            Batch::Entries(_) | Batch::Reset(_) => return Ok(true),
        }
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
