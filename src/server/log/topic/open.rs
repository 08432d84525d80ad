//! One topic while it is read: its live end and its readers. [`super::Topics`] opens and closes it, `delivery` writes
//! entries to its readers, a subscription reads it. It must never read the store: the hub fills its gaps.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use parking_lot::Mutex;

use super::{
    Entry, Wakeup,
    live_end::{Ephemerals, Gap, Learnt, LiveEnd},
    reader::Reader,
};
use crate::{
    protocol::cursor::{Cursor, Epoch, Offset},
    server::{
        log::wire_format::Encoded,
        store::{Bounds, Channels, TopicName},
    },
};

/// The entries that a reader finds in memory.
pub(crate) enum Recent {
    /// The next entries.
    Entries(Vec<Arc<Entry>>),
    /// There is nothing yet, in this generation.
    Nothing(Generation),
    /// The next entries are older than the ring: the store has them.
    Older,
    /// The topic has another epoch than the reader: the store knows which one is current.
    EpochChanged,
}

/// Counts the epochs that a topic has had while it was open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// One open topic.
pub(crate) struct Topic {
    name: TopicName,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) live_end: LiveEnd,
    /// By number, which is the order of their subscriptions.
    pub(super) readers: BTreeMap<u64, Arc<Reader>>,
    /// The same readers for the passes of delivery, until one subscribes or leaves.
    snapshot: Option<Arc<[Arc<Reader>]>>,
    next_reader: u64,
    pub(super) delivery: Delivery,
    /// Since when there has been something that no pass has begun to deliver.
    pub(super) due_since: Option<Instant>,
    pub(super) generation: Generation,
    /// The topic is on the list of those with a gap.
    is_backfilling: bool,
}

/// The state of a topic's delivery. One thread delivers a topic at a time, so no reader gets entries in the wrong
/// order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Delivery {
    #[default]
    Idle,
    /// In the queue.
    Due,
    /// A pass is running.
    Running,
    /// A pass is running, and may have served some readers before the last entry came.
    RunningAndDue,
}

impl Topic {
    pub(super) fn new(name: TopicName) -> Self {
        Self { name, state: Mutex::default() }
    }

    pub(crate) fn name(&self) -> &TopicName {
        &self.name
    }

    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.state.lock().live_end.epoch().cloned()
    }

    /// Takes the bounds that the store has, as [`LiveEnd::learn`].
    pub(super) fn learn(&self, bounds: &Bounds) -> Learnt {
        let mut state = self.state.lock();
        let is_first = state.live_end.epoch().is_none();
        let learnt = state.live_end.learn(bounds);
        if is_first || learnt == Learnt::EpochChanged {
            state.generation.0 += 1;
        }
        learnt
    }

    /// Takes announced entries.
    pub(super) fn receive(&self, epoch: &Epoch, entries: Vec<Arc<Entry>>) {
        let live_end = &mut self.state.lock().live_end;
        match live_end.epoch() {
            Some(known) if known == epoch => live_end.push(entries),
            // The store knows which of the two is current.
            Some(_) => live_end.suspect(),
            // The first reader is still reading the bounds and may get a head from before this commit.
            None => live_end.note_head(entries.last().map_or(0, |entry| entry.offset)),
        }
    }

    /// Takes the entries of a gap from the store, as [`LiveEnd::fill`].
    pub(super) fn fill(&self, gap: Gap, entries: Vec<Arc<Entry>>, last: Offset, head: Offset) {
        self.state.lock().live_end.fill(gap, entries, last, head);
    }

    /// Takes an ephemeral frame.
    pub(super) fn publish_ephemeral(&self, frame: Encoded) {
        self.state.lock().live_end.publish_ephemeral(frame);
    }

    /// Returns true if the topic has a gap and is not on the list: the caller puts it there.
    pub(super) fn begin_backfill(&self) -> bool {
        let mut state = self.state.lock();
        let begins =
            !state.is_backfilling && state.live_end.epoch().is_some() && state.live_end.missing().is_some();
        state.is_backfilling |= begins;
        begins
    }

    /// The topic's gap. `None`: there is none, or no reader any more, and the topic is off the list.
    pub(crate) fn missing(&self) -> Option<Gap> {
        let mut state = self.state.lock();
        let missing = state.live_end.missing().filter(|_| !state.readers.is_empty());
        state.is_backfilling = missing.is_some();
        missing
    }

    /// The end of the log as far as it was announced.
    pub(crate) fn head(&self) -> Offset {
        self.state.lock().live_end.head()
    }

    /// Reads up to `limit` entries of this epoch after `offset`.
    pub(crate) fn read(&self, epoch: &Epoch, offset: Offset, limit: usize) -> Recent {
        let state = self.state.lock();
        let live_end = &state.live_end;
        if live_end.epoch() != Some(epoch) {
            return Recent::EpochChanged;
        }
        if live_end.head() <= offset {
            return Recent::Nothing(state.generation);
        }
        live_end.recent_after(offset, limit).map_or(Recent::Older, Recent::Entries)
    }

    /// Returns true if every entry after `offset` is in the ring.
    pub(crate) fn covers(&self, offset: Offset) -> bool {
        self.state.lock().live_end.covers(offset)
    }

    /// The cursor just before the newest `count` entries that are no changes, as [`LiveEnd::before_newest`].
    pub(crate) fn before_newest(&self, count: usize) -> Option<Offset> {
        self.state.lock().live_end.before_newest(count)
    }

    /// The number of the newest ephemeral frame.
    pub(crate) fn ephemeral_count(&self) -> u64 {
        self.state.lock().live_end.ephemeral_count()
    }

    pub(crate) fn ephemerals_after(&self, number: u64) -> Ephemerals {
        self.state.lock().live_end.ephemerals_after(number)
    }

    /// The cursor at the end as far as it was announced; `None` until the bounds are known.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        let live_end = &self.state.lock().live_end;
        live_end.epoch().map(|epoch| Cursor { epoch: epoch.clone(), offset: live_end.head() })
    }

    pub(super) fn add_reader(&self, wakeup: Arc<Wakeup>, channels: Channels) -> Arc<Reader> {
        let mut state = self.state.lock();
        let number = state.next_reader;
        state.next_reader += 1;
        let reader = Arc::new(Reader::new(number, wakeup, channels, state.live_end.ephemeral_count()));
        state.readers.insert(number, reader.clone());
        state.snapshot = None;
        reader
    }

    /// Removes a reader and returns the number of those that remain.
    pub(super) fn remove_reader(&self, reader: &Reader) -> usize {
        let mut state = self.state.lock();
        state.readers.remove(&reader.number());
        state.snapshot = None;
        state.readers.len()
    }

    /// The current readers.
    pub(super) fn readers(&self) -> Arc<[Arc<Reader>]> {
        let mut state = self.state.lock();
        let State { readers, snapshot, .. } = &mut *state;
        snapshot.get_or_insert_with(|| readers.values().cloned().collect()).clone()
    }
}
