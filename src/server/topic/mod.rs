//! The live end of each log: the recent entries, encoded once, and those who read it.
//!
//! A topic is here only while somebody reads it; one that nobody reads holds no memory. The store tells us of new
//! entries ([`Announce`]), the hub subscribes. What is here is a copy: the store is the truth, and a reader that
//! finds nothing for its cursor in the ring reads the store.
//!
//! `live_end` is the ring and the whispers, `reader` a reader's place, `delivery` brings the one to the other.

mod delivery;
mod live_end;
mod reader;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

pub use self::live_end::Whispers;
pub(super) use self::reader::Reader;
use self::{delivery::Deliverers, live_end::LiveEnd, reader::Position};
use super::{
    form::{Encoded, Form},
    metrics::Metrics,
    store::{Announce, Bounds, Channels, Record, TopicName},
};
use crate::protocol::cursor::{Cursor, Epoch, Offset};

/// An entry as it goes over the wire, encoded once and shared by all its readers.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the log.
    pub offset: Offset,
    /// The feed's label.
    pub channel: Option<String>,
    /// What readers get.
    pub encoded: Encoded,
}

/// Writes the JSON of an entry that readers get.
pub type Encode = fn(&Record) -> String;

/// Wakes one connection, whatever it follows. A ring while it is busy is kept: nothing is slept through.
#[derive(Debug, Default)]
pub struct Bell(Notify);

impl Bell {
    /// Waits for the next ring.
    pub async fn rung(&self) {
        self.0.notified().await;
    }

    /// Wakes the connection, now or when it waits next.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// The topics that are being read.
pub struct Topics {
    encode: Encode,
    metrics: Arc<Metrics>,
    deliverers: Deliverers,
    open: Mutex<HashMap<TopicName, Arc<Topic>>>,
}

impl Topics {
    /// No topic is open yet. Fails when the system gives no threads to deliver with.
    pub fn start(encode: Encode, metrics: Arc<Metrics>) -> io::Result<Self> {
        let deliverers = Deliverers::start(&metrics)?;
        Ok(Self { encode, metrics, deliverers, open: Mutex::default() })
    }

    /// Opens the topic, if it is not open, and adds a reader that stands nowhere yet. [`Topics::leave`] must follow.
    pub(super) fn enter(
        &self,
        name: &TopicName,
        bell: Arc<Bell>,
        channels: Channels,
    ) -> (Arc<Topic>, Arc<Reader>) {
        let mut open = lock(&self.open);
        let topic = open.entry(name.clone()).or_insert_with(|| Arc::new(Topic::new(name.clone()))).clone();
        let reader = topic.add_reader(bell, channels);
        (topic, reader)
    }

    /// Removes a reader and, after the last one, the topic.
    pub(super) fn leave(&self, topic: &Topic, reader: &Reader) {
        let mut open = lock(&self.open);
        if topic.remove_reader(reader) == 0 {
            open.remove(&topic.name);
        }
    }

    /// Sends an ephemeral frame, in JSON, to those who read the topic now.
    pub fn whisper(&self, name: &TopicName, json: &str) {
        let topic = lock(&self.open).get(name).cloned();
        if let Some(topic) = topic {
            lock(&topic.state).live_end.whisper(Encoded::new(None, json));
            self.deliverers.deliver(topic);
        }
    }

    /// Ends the reading of those who may not read the topic any more: by the ids of their users, `None` for nobody.
    /// When this returns nothing more is delivered to them.
    pub(super) fn evict(&self, name: &TopicName, is_out: impl Fn(Option<&str>) -> bool) {
        let topic = lock(&self.open).get(name).cloned();
        if let Some(topic) = topic {
            topic.readers().iter().filter(|reader| is_out(reader.owner())).for_each(|reader| reader.evict());
        }
    }

    /// Takes what the store said of a topic, see [`LiveEnd::learn`].
    pub(super) fn learn(&self, topic: &Arc<Topic>, bounds: &Bounds) {
        let is_news = lock(&topic.state).live_end.learn(bounds);
        if is_news {
            self.deliverers.deliver(topic.clone());
        }
    }

    /// How many topics are being read.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.open).len()
    }

    /// Encodes a record that was read from the store.
    pub(super) fn encode(&self, epoch: &Epoch, record: &Record) -> Arc<Entry> {
        let cursor = Cursor { epoch: epoch.clone(), offset: record.offset };
        let encoded = Encoded::new(Some(&cursor), &(self.encode)(record));
        Arc::new(Entry { offset: record.offset, channel: record.channel.clone(), encoded })
    }
}

impl Announce for Topics {
    fn announce(&self, records: &[Record]) {
        self.metrics.count_appends(records.len());
        let Some(name) = records.first().map(|record| &record.topic) else { return };
        let topic = lock(&self.open).get(name).cloned();
        let Some(topic) = topic else { return };
        match topic.epoch() {
            Some(epoch) => {
                let entries: Vec<_> = records.iter().map(|record| self.encode(&epoch, record)).collect();
                lock(&topic.state).live_end.push(entries);
            }
            // The first reader is still asking for the bounds and may be told a head from before this commit.
            None => {
                lock(&topic.state).live_end.note_head(records.last().map_or(0, |record| record.offset));
            }
        }
        self.deliverers.deliver(topic);
    }
}

/// One open topic.
pub(super) struct Topic {
    name: TopicName,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live_end: LiveEnd,
    /// By number, which is the order in which they came.
    readers: BTreeMap<u64, Arc<Reader>>,
    /// The same readers for the rounds, until one comes or goes.
    round: Option<Arc<[Arc<Reader>]>>,
    next_reader: u64,
    delivery: Delivery,
}

/// A topic is delivered by one thread at a time, so no reader gets two entries in the wrong order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Delivery {
    #[default]
    Idle,
    /// In the queue.
    Due,
    /// A round is on its way, and may have passed some readers …
    Running,
    /// … before the last thing came.
    RunningAndDue,
}

impl Topic {
    fn new(name: TopicName) -> Self {
        Self { name, state: Mutex::default() }
    }

    pub(super) fn name(&self) -> &TopicName {
        &self.name
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        lock(&self.state).live_end.epoch().cloned()
    }

    /// The end of the log as far as we were told.
    pub(super) fn head(&self) -> Offset {
        lock(&self.state).live_end.head()
    }

    /// Whether everything after `offset` is in the ring.
    pub(super) fn covers(&self, offset: Offset) -> bool {
        lock(&self.state).live_end.covers(offset)
    }

    /// Up to `limit` entries after `offset`, or `None` when they are older than the ring.
    pub(super) fn recent_after(&self, offset: Offset, limit: usize) -> Option<Vec<Arc<Entry>>> {
        lock(&self.state).live_end.recent_after(offset, limit)
    }

    /// The number of the newest whisper.
    pub(super) fn whispered(&self) -> u64 {
        lock(&self.state).live_end.whispered()
    }

    pub(super) fn whispers_after(&self, number: u64) -> Whispers {
        lock(&self.state).live_end.whispers_after(number)
    }

    /// The cursor at `offset`; `None` until the bounds are known.
    pub(super) fn cursor_at(&self, offset: Offset) -> Option<Cursor> {
        self.epoch().map(|epoch| Cursor { epoch, offset })
    }

    fn add_reader(&self, bell: Arc<Bell>, channels: Channels) -> Arc<Reader> {
        let mut state = lock(&self.state);
        let number = state.next_reader;
        state.next_reader += 1;
        let reader = Arc::new(Reader::new(number, bell, channels, state.live_end.whispered()));
        state.readers.insert(number, reader.clone());
        state.round = None;
        reader
    }

    fn remove_reader(&self, reader: &Reader) -> usize {
        let mut state = lock(&self.state);
        state.readers.remove(&reader.number());
        state.round = None;
        state.readers.len()
    }

    /// Everybody who reads now.
    fn readers(&self) -> Arc<[Arc<Reader>]> {
        let mut state = lock(&self.state);
        let State { readers, round, .. } = &mut *state;
        round.get_or_insert_with(|| readers.values().cloned().collect()).clone()
    }
}

/// Nothing here can be left half-changed by a panic, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
