//! The live end of each log: the recent entries, encoded once, and their readers.
//!
//! A topic is open only while it has a reader; one without readers holds no memory. The store announces new entries
//! ([`Announce`]), the hub subscribes. The ring is a copy and must never be taken for the log: the store is the truth,
//! and a reader that finds nothing for its cursor in the ring reads the store.
//!
//! `open` is one topic: `live_end` its ring and ephemeral frames, `reader` a reader's slot in it, and `delivery` writes
//! the one to the other, in the order of `updates`. Entries appended here are sent to the other nodes, and theirs
//! received, as `announcement`s: hints, some of which come late or never. A topic with a gap is put on a list, and the
//! hub fills the gap from the store once for all readers.

mod announcement;
mod delivery;
mod encoders;
mod live_end;
mod open;
mod reader;
mod updates;

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{
    Notify,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
};

pub use self::encoders::Encoders;
pub(crate) use self::live_end::{Gap, RING_MAX_ENTRIES};
pub(crate) use self::open::{Generation, Recent, Topic};
pub(crate) use self::reader::Reader;
use self::{announcement::Announcement, delivery::DeliveryPool, live_end::Learnt};
pub use self::{
    live_end::Ephemerals,
    updates::{Update, Updates},
};
use super::wire_format::Encoded;
use crate::{
    protocol::cursor::{Cursor, Epoch, Offset},
    server::{
        cluster::backplane::{Backplane, MessageHandler},
        observability::metrics::Metrics,
        store::{Announce, Appended, Bounds, Channels, Document, Record, Slice, TopicName},
    },
};

/// A gap that is larger than this is left to the readers: filled part by part, it would take longer than they do.
const GAP_MAX_ENTRIES: Offset = 16 * RING_MAX_ENTRIES as Offset;

/// An entry as it goes over the wire, encoded once and shared by all its readers.
#[derive(Debug)]
pub struct Entry {
    /// Its number in the log.
    pub offset: Offset,
    /// The feed's label.
    pub channel: Option<String>,
    /// Set if it changes an earlier entry.
    pub change: Option<EntryChange>,
    /// The JSON in the formats of the transports.
    pub encoded: Encoded,
}

/// The change that an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryChange {
    /// The offset of the entry that it changes.
    pub target: Offset,
    /// Nothing of that entry and of its changes before this one may be left.
    pub erases: bool,
}

/// Wakes one connection, whatever topics it follows. A notification while it is busy is kept, so none is lost.
#[derive(Debug, Default)]
pub struct Wakeup(Notify);

impl Wakeup {
    /// Waits for the next notification.
    pub async fn notified(&self) {
        self.0.notified().await;
    }

    /// Wakes the connection, now or when it waits next.
    pub fn notify(&self) {
        self.0.notify_one();
    }
}

/// The open topics.
pub struct Topics {
    encoders: Encoders,
    metrics: Arc<Metrics>,
    backplane: Arc<dyn Backplane>,
    delivery_pool: DeliveryPool,
    open: Mutex<HashMap<TopicName, Arc<Topic>>>,
    /// Topics with a gap, each at most once: bounded by the open ones.
    with_gaps: UnboundedSender<Arc<Topic>>,
    /// The other end, until the hub takes it.
    gaps: Mutex<Option<UnboundedReceiver<Arc<Topic>>>>,
    /// Open topics whose subject is subscribed anew: announcements before that may be lost.
    stale_topics: Mutex<Vec<TopicName>>,
    stale_found: Notify,
}

impl Topics {
    /// Starts the threads of the delivery; no topic is open yet. Fails if the system gives no threads.
    pub fn start(
        encoders: Encoders,
        metrics: Arc<Metrics>,
        backplane: Arc<dyn Backplane>,
    ) -> io::Result<Self> {
        let delivery_pool = DeliveryPool::start(&metrics)?;
        let (with_gaps, gaps) = mpsc::unbounded_channel();
        Ok(Self {
            encoders,
            metrics,
            backplane,
            delivery_pool,
            open: Mutex::default(),
            with_gaps,
            gaps: Mutex::new(Some(gaps)),
            stale_topics: Mutex::default(),
            stale_found: Notify::new(),
        })
    }

    /// The process's metrics.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The receiver of topics with a gap, for the hub. `None` after the first call.
    pub(crate) fn take_missing(&self) -> Option<UnboundedReceiver<Arc<Topic>>> {
        self.gaps.lock().take()
    }

    /// Opens the topic, if it is not open, and adds a reader without a position. [`Topics::leave`] must follow.
    pub(crate) fn enter(
        &self,
        name: &TopicName,
        wakeup: Arc<Wakeup>,
        channels: Channels,
    ) -> (Arc<Topic>, Arc<Reader>) {
        let mut open = self.open.lock();
        let opened = || {
            self.backplane.subscribe(&announcement::subject(name));
            Arc::new(Topic::new(name.clone()))
        };
        let topic = open.entry(name.clone()).or_insert_with(opened).clone();
        let reader = topic.add_reader(wakeup, channels);
        (topic, reader)
    }

    /// Removes a reader and, after the last one, the topic.
    pub(crate) fn leave(&self, topic: &Topic, reader: &Reader) {
        let mut open = self.open.lock();
        if topic.remove_reader(reader) == 0 {
            open.remove(topic.name());
            self.backplane.unsubscribe(&announcement::subject(topic.name()));
        }
    }

    /// Sends an ephemeral frame, in JSON, to the current readers of the topic at this node.
    pub fn publish_ephemeral(&self, name: &TopicName, json: &str) {
        let topic = self.open.lock().get(name).cloned();
        if let Some(topic) = topic {
            topic.publish_ephemeral(Encoded::new(None, json));
            self.delivery_pool.deliver(topic);
        }
    }

    /// Evicts the readers that may not read the topic any more, by the ids of their users; `None` is an anonymous
    /// reader. When this returns nothing more is delivered to them.
    pub(crate) fn evict(&self, name: &TopicName, is_evicted: impl Fn(Option<&str>) -> bool) {
        let topic = self.open.lock().get(name).cloned();
        if let Some(topic) = topic {
            topic
                .readers()
                .iter()
                .filter(|reader| is_evicted(reader.owner()))
                .for_each(|reader| reader.evict());
        }
    }

    /// Takes the bounds that the store has of a topic, as [`live_end::LiveEnd::learn`].
    pub(crate) fn learn(&self, topic: &Arc<Topic>, bounds: &Bounds) {
        if topic.learn(bounds) == Learnt::EpochChanged {
            topic.readers().iter().for_each(|reader| reader.detach_live());
        }
        self.request_backfill(topic);
    }

    /// Takes the entries of a gap in a topic from the store, or the first part of them.
    pub(crate) fn fill(&self, topic: &Arc<Topic>, gap: Gap, slice: &Slice) {
        if topic.epoch().is_some_and(|epoch| epoch != slice.bounds.epoch) {
            return self.learn(topic, &slice.bounds);
        }
        let entries = slice.records.iter().map(|record| self.encode(&slice.bounds.epoch, record)).collect();
        let head = slice.bounds.head;
        // Part by part, so that readers get the entries from the ring; but each reads a large gap by itself.
        let is_first_part = slice.more && head - gap.after <= GAP_MAX_ENTRIES;
        let last = slice.records.last().filter(|_| is_first_part).map_or(head, |record| record.offset);
        topic.fill(gap, entries, last, head);
        if !slice.records.is_empty() {
            self.metrics.count_fill();
        }
        self.delivery_pool.deliver(topic.clone());
    }

    /// Puts a topic with a gap on the list, unless it is there.
    fn request_backfill(&self, topic: &Arc<Topic>) {
        if topic.begin_backfill() {
            // The backfill may have ended, with the server.
            drop(self.with_gaps.send(topic.clone()));
        }
    }

    /// The names of the open topics.
    pub(crate) fn names(&self) -> Vec<TopicName> {
        self.open.lock().keys().cloned().collect()
    }

    /// Waits until some open topics may have missed announcements, and returns their names.
    pub(crate) async fn stale_topics(&self) -> Vec<TopicName> {
        loop {
            let stale_topics = std::mem::take(&mut *self.stale_topics.lock());
            if !stale_topics.is_empty() {
                return stale_topics;
            }
            self.stale_found.notified().await;
        }
    }

    /// Takes the bounds that the store has of some topics, as far as they are open.
    pub(crate) fn learn_all(&self, bounds: &[(TopicName, Bounds)]) {
        for (name, bounds) in bounds {
            let topic = self.open.lock().get(name).cloned();
            // Before its first reader knows the bounds nothing can be missing.
            if let Some(topic) = topic.filter(|topic| topic.epoch().is_some()) {
                self.learn(&topic, bounds);
            }
        }
    }

    /// The number of open topics.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// Encodes a record that was read from the store.
    pub(crate) fn encode(&self, epoch: &Epoch, record: &Record) -> Arc<Entry> {
        let cursor = Cursor { epoch: epoch.clone(), offset: record.offset };
        let encoded = Encoded::new(Some(&cursor), &self.encoders.encode(record));
        let change = self.encoders.change_of(record);
        Arc::new(Entry { offset: record.offset, channel: record.channel.clone(), change, encoded })
    }

    /// Delivers new entries to the readers of an open topic.
    fn receive(&self, topic: &Arc<Topic>, epoch: &Epoch, entries: Vec<Arc<Entry>>) {
        topic.receive(epoch, entries);
        self.request_backfill(topic);
        self.delivery_pool.deliver(topic.clone());
    }
}

impl Announce for Topics {
    fn note_commit(&self, took: Duration) {
        self.metrics.observe_commit(took);
    }

    fn document(&self, record: &Record) -> Option<Document> {
        self.encoders.document(record)
    }

    fn announce(&self, epoch: &Epoch, appended: &[Appended]) {
        self.metrics.count_appends(appended.len());
        let Some(name) = appended.first().map(|one| &one.record.topic) else { return };
        let topic = self.open.lock().get(name).cloned();
        if topic.is_none() && !self.backplane.is_shared() {
            return;
        }
        let entries: Vec<_> = appended.iter().map(|one| self.encode(epoch, &one.record)).collect();
        if self.backplane.is_shared() {
            for message in Announcement::encode(epoch, &entries) {
                self.backplane.publish(&announcement::subject(name), message);
            }
        }
        if let Some(topic) = topic {
            self.receive(&topic, epoch, entries);
        }
    }
}

impl MessageHandler for Topics {
    /// Takes another node's announcement. One that cannot be read is logged and ignored.
    fn on_message(&self, subject: &str, _node: &str, message: &str) {
        let topic = announcement::topic_of(subject).and_then(|name| self.open.lock().get(&name).cloned());
        let Some(topic) = topic else { return };
        match Announcement::decode(message) {
            Ok(Announcement { epoch, entries }) => {
                self.metrics.count_heard(entries.len());
                self.receive(&topic, &epoch, entries);
            }
            Err(error) => {
                let topic = topic.name();
                tracing::error!(%topic, %error, "cannot read another node's announcement");
            }
        }
    }

    /// Marks a topic as stale: announcements before its subject was subscribed may be lost.
    fn on_subscribed(&self, subject: &str) {
        if let Some(name) = announcement::topic_of(subject) {
            self.stale_topics.lock().push(name);
            self.stale_found.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
