//! The live end of each log: the recent entries, encoded once, and the bells of those who read it.
//!
//! A topic is here only while somebody reads it; one that nobody reads holds no memory. The store tells us of new
//! entries ([`Announce`]), the hub subscribes. What is here is a copy: the store is the truth, and a reader that
//! finds nothing for its cursor in the ring reads the store.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use super::{
    metrics::Metrics,
    store::{Announce, Bounds, Record, TopicName},
};
use crate::protocol::cursor::{Cursor, Epoch, Offset};

/// Recent entries a topic keeps in memory: enough for every reader that keeps up and for a short drop.
const RING_MAX_ENTRIES: usize = 256;
/// Bytes of recent entries, so that 256 long messages in each of many rooms do not add up.
const RING_MAX_BYTES: usize = 512 * 1024;
/// Whispers a topic remembers. A reader that is further behind is told the whole state instead.
const WHISPERS_MAX: usize = 64;

/// An entry as it goes over the wire, encoded once and shared by all its readers.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the log.
    pub offset: Offset,
    /// The feed's label.
    pub channel: Option<String>,
    /// `id: epoch:offset\ndata: {json}\n\n`.
    block: Bytes,
    /// Where the JSON stands in the block.
    json: std::ops::Range<usize>,
}

impl Entry {
    fn new(epoch: &Epoch, record: &Record, json: &str) -> Self {
        let head = format!("id: {epoch}:{}\ndata: ", record.offset);
        let range = head.len()..head.len() + json.len();
        let block = Bytes::from(format!("{head}{json}\n\n"));
        Self { offset: record.offset, channel: record.channel.clone(), block, json: range }
    }

    /// The server-sent event.
    pub fn block(&self) -> &Bytes {
        &self.block
    }

    /// The JSON alone: the text of a WebSocket message, an element of a page.
    pub fn json(&self) -> Bytes {
        self.block.slice(self.json.clone())
    }
}

/// Writes the JSON of an entry that readers get. JSON has no raw line breaks, which the event's `data:` relies on.
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
    open: Mutex<HashMap<TopicName, Arc<Topic>>>,
}

impl Topics {
    /// No topic is open yet.
    pub fn new(encode: Encode, metrics: Arc<Metrics>) -> Self {
        Self { encode, metrics, open: Mutex::default() }
    }

    /// Opens the topic, if it is not open, and adds a reader. [`Topics::leave`] must follow.
    pub(super) fn enter(&self, name: &TopicName, bell: Arc<Bell>) -> (Arc<Topic>, u64) {
        let mut open = lock(&self.open);
        let topic = open.entry(name.clone()).or_insert_with(|| Arc::new(Topic::new(name.clone()))).clone();
        let reader = topic.add_reader(bell);
        (topic, reader)
    }

    /// Removes a reader and, after the last one, the topic.
    pub(super) fn leave(&self, topic: &Topic, reader: u64) {
        let mut open = lock(&self.open);
        if topic.remove_reader(reader) == 0 {
            open.remove(&topic.name);
        }
    }

    /// Sends an ephemeral frame to those who read the topic now.
    pub fn whisper(&self, name: &TopicName, frame: impl Into<Bytes>) {
        let topic = lock(&self.open).get(name).cloned();
        if let Some(topic) = topic {
            topic.whisper(frame.into());
        }
    }

    /// How many topics are being read.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.open).len()
    }

    /// Encodes a record that was read from the store.
    pub(super) fn encode(&self, epoch: &Epoch, record: &Record) -> Arc<Entry> {
        Arc::new(Entry::new(epoch, record, &(self.encode)(record)))
    }
}

impl Announce for Topics {
    fn announce(&self, records: &[Record]) {
        self.metrics.count_appends(records.len());
        let Some(name) = records.first().map(|record| &record.topic) else { return };
        let topic = lock(&self.open).get(name).cloned();
        let Some(topic) = topic else { return };
        let Some(epoch) = topic.epoch() else {
            // The first reader is still asking for the bounds and may be told a head from before this commit.
            topic.note_head(records.last().map_or(0, |record| record.offset));
            return;
        };
        let entries: Vec<_> = records.iter().map(|record| self.encode(&epoch, record)).collect();
        topic.push(entries);
    }
}

/// One open topic.
pub(super) struct Topic {
    name: TopicName,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None` until the first reader has asked the store.
    epoch: Option<Epoch>,
    head: Offset,
    /// Contiguous; the last one, if there is any, is at `head`.
    ring: VecDeque<Arc<Entry>>,
    ring_bytes: usize,
    /// The newest ephemeral frames; the last has the number `whispered`.
    whispers: VecDeque<Bytes>,
    whispered: u64,
    readers: HashMap<u64, Arc<Bell>>,
    next_reader: u64,
}

/// What a reader that asked for whispers gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Whispers {
    /// Everything since it asked last.
    Frames(Vec<Bytes>),
    /// Too much has been said since; it needs the whole state.
    Missed,
}

impl Topic {
    fn new(name: TopicName) -> Self {
        Self { name, state: Mutex::default() }
    }

    pub(super) fn name(&self) -> &TopicName {
        &self.name
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        lock(&self.state).epoch.clone()
    }

    /// The end of the log as far as we were told.
    pub(super) fn head(&self) -> Offset {
        lock(&self.state).head
    }

    /// Takes what the store said. Announcements that came in the meantime may know a later head, which stays.
    pub(super) fn learn(&self, bounds: &Bounds) {
        let mut state = lock(&self.state);
        let known = state.epoch.replace(bounds.epoch.clone());
        if known.is_some_and(|epoch| epoch != bounds.epoch) {
            state.clear_ring();
            state.head = bounds.head;
        } else if bounds.head > state.head {
            // Entries we were not told of: what follows in the ring would not be contiguous.
            state.clear_ring();
            state.head = bounds.head;
            state.ring_bells();
        }
    }

    fn note_head(&self, offset: Offset) {
        let mut state = lock(&self.state);
        if offset > state.head {
            state.clear_ring();
            state.head = offset;
        }
        state.ring_bells();
    }

    fn push(&self, entries: Vec<Arc<Entry>>) {
        let mut state = lock(&self.state);
        for entry in entries {
            state.push(entry);
        }
        state.ring_bells();
    }

    /// Whether everything after `offset` is in the ring.
    pub(super) fn covers(&self, offset: Offset) -> bool {
        let state = lock(&self.state);
        offset <= state.head && offset + 1 >= state.first_in_ring()
    }

    /// Up to `limit` entries after `offset`, or `None` when they are older than the ring.
    pub(super) fn recent_after(&self, offset: Offset, limit: usize) -> Option<Vec<Arc<Entry>>> {
        let state = lock(&self.state);
        let first = state.first_in_ring();
        if offset + 1 < first {
            return None;
        }
        let skip = usize::try_from(offset + 1 - first).unwrap_or(usize::MAX);
        Some(state.ring.iter().skip(skip).take(limit).cloned().collect())
    }

    fn whisper(&self, frame: Bytes) {
        let mut state = lock(&self.state);
        if state.whispers.len() == WHISPERS_MAX {
            state.whispers.pop_front();
        }
        state.whispers.push_back(frame);
        state.whispered += 1;
        state.ring_bells();
    }

    /// The number of the newest whisper.
    pub(super) fn whispered(&self) -> u64 {
        lock(&self.state).whispered
    }

    pub(super) fn whispers_after(&self, number: u64) -> Whispers {
        let state = lock(&self.state);
        let behind = usize::try_from(state.whispered - number).unwrap_or(usize::MAX);
        match state.whispers.len().checked_sub(behind) {
            Some(skip) => Whispers::Frames(state.whispers.iter().skip(skip).cloned().collect()),
            None => Whispers::Missed,
        }
    }

    fn add_reader(&self, bell: Arc<Bell>) -> u64 {
        let mut state = lock(&self.state);
        let reader = state.next_reader;
        state.next_reader += 1;
        state.readers.insert(reader, bell);
        reader
    }

    fn remove_reader(&self, reader: u64) -> usize {
        let mut state = lock(&self.state);
        state.readers.remove(&reader);
        state.readers.len()
    }

    /// The cursor at `offset`; `None` until the bounds are known.
    pub(super) fn cursor_at(&self, offset: Offset) -> Option<Cursor> {
        self.epoch().map(|epoch| Cursor { epoch, offset })
    }
}

impl State {
    /// The offset of the oldest entry in the ring; of the next entry when it is empty.
    fn first_in_ring(&self) -> Offset {
        self.head + 1 - self.ring.len() as Offset
    }

    fn push(&mut self, entry: Arc<Entry>) {
        if entry.offset <= self.head {
            return;
        }
        if entry.offset != self.head + 1 {
            // A hole: an announcement was lost. Readers fill it from the store.
            self.clear_ring();
        }
        self.head = entry.offset;
        self.ring_bytes += entry.block.len();
        self.ring.push_back(entry);
        while self.ring.len() > RING_MAX_ENTRIES || (self.ring_bytes > RING_MAX_BYTES && self.ring.len() > 1)
        {
            let oldest = self.ring.pop_front().expect("its length was checked");
            self.ring_bytes -= oldest.block.len();
        }
    }

    fn clear_ring(&mut self) {
        self.ring.clear();
        self.ring_bytes = 0;
    }

    fn ring_bells(&self) {
        self.readers.values().for_each(|bell| bell.ring());
    }
}

/// Nothing here can be left half-changed by a panic, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
