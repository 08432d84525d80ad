//! One topic while it is read: its live end, and who reads it. [`super::Topics`] opens and closes it, `delivery` brings
//! entries to its readers, a subscription reads it. It never asks the store: what it lacks is for the hub to fill.

use std::{collections::BTreeMap, sync::Arc};

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

/// What a reader finds in memory.
pub(crate) enum Recent {
    /// What comes next.
    Entries(Vec<Arc<Entry>>),
    /// There is nothing yet, in this numbering.
    Nothing(Generation),
    /// What comes next is older than the ring: the store has it.
    Older,
    /// The topic has another numbering than the reader: the store knows which one is so.
    Renumbered,
}

/// Counts the numberings that a topic has had while it was open.
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
    /// By number, which is the order in which they came.
    pub(super) readers: BTreeMap<u64, Arc<Reader>>,
    /// The same readers for the rounds, until one comes or goes.
    pass: Option<Arc<[Arc<Reader>]>>,
    next_reader: u64,
    pub(super) delivery: Delivery,
    pub(super) generation: Generation,
    /// Whether it is on the list of those that lack something.
    is_filling: bool,
}

/// A topic is delivered by one thread at a time, so no reader gets two entries in the wrong order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Delivery {
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
    pub(super) fn new(name: TopicName) -> Self {
        Self { name, state: Mutex::default() }
    }

    pub(crate) fn name(&self) -> &TopicName {
        &self.name
    }

    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.state.lock().live_end.epoch().cloned()
    }

    /// Takes what the store said, see [`LiveEnd::learn`].
    pub(super) fn learn(&self, bounds: &Bounds) -> Learnt {
        let mut state = self.state.lock();
        let is_first = state.live_end.epoch().is_none();
        let learnt = state.live_end.learn(bounds);
        if is_first || learnt == Learnt::Renumbered {
            state.generation.0 += 1;
        }
        learnt
    }

    /// Takes new entries, as they were announced.
    pub(super) fn receive(&self, epoch: &Epoch, entries: Vec<Arc<Entry>>) {
        let live_end = &mut self.state.lock().live_end;
        match live_end.epoch() {
            Some(known) if known == epoch => live_end.push(entries),
            // Which of the two is so the store knows.
            Some(_) => live_end.suspect(),
            // The first reader is still asking for the bounds and may be told a head from before this commit.
            None => live_end.note_head(entries.last().map_or(0, |entry| entry.offset)),
        }
    }

    /// Takes what the store has of a hole, see [`LiveEnd::fill`].
    pub(super) fn fill(&self, gap: Gap, entries: Vec<Arc<Entry>>, last: Offset, head: Offset) {
        self.state.lock().live_end.fill(gap, entries, last, head);
    }

    /// Takes an ephemeral frame.
    pub(super) fn publish_ephemeral(&self, frame: Encoded) {
        self.state.lock().live_end.publish_ephemeral(frame);
    }

    /// True: it lacks something, and the caller puts it on the list.
    pub(super) fn begin_filling(&self) -> bool {
        let mut state = self.state.lock();
        let begins =
            !state.is_filling && state.live_end.epoch().is_some() && state.live_end.missing().is_some();
        state.is_filling |= begins;
        begins
    }

    /// What it lacks. `None`: nothing is missing, or nobody reads it any more, and it is off the list.
    pub(crate) fn missing(&self) -> Option<Gap> {
        let mut state = self.state.lock();
        let missing = state.live_end.missing().filter(|_| !state.readers.is_empty());
        state.is_filling = missing.is_some();
        missing
    }

    /// The end of the log as far as we were told.
    pub(crate) fn head(&self) -> Offset {
        self.state.lock().live_end.head()
    }

    /// Up to `limit` entries after `offset` of the numbering with this epoch.
    pub(crate) fn read(&self, epoch: &Epoch, offset: Offset, limit: usize) -> Recent {
        let state = self.state.lock();
        let live_end = &state.live_end;
        if live_end.epoch() != Some(epoch) {
            return Recent::Renumbered;
        }
        if live_end.head() <= offset {
            return Recent::Nothing(state.generation);
        }
        live_end.recent_after(offset, limit).map_or(Recent::Older, Recent::Entries)
    }

    /// Whether everything after `offset` is in the ring.
    pub(crate) fn covers(&self, offset: Offset) -> bool {
        self.state.lock().live_end.covers(offset)
    }

    /// The number of the newest whisper.
    pub(crate) fn ephemeral_count(&self) -> u64 {
        self.state.lock().live_end.ephemeral_count()
    }

    pub(crate) fn ephemerals_after(&self, number: u64) -> Ephemerals {
        self.state.lock().live_end.ephemerals_after(number)
    }

    /// The cursor at the end as far as we were told; `None` until the bounds are known.
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
        state.pass = None;
        reader
    }

    pub(super) fn remove_reader(&self, reader: &Reader) -> usize {
        let mut state = self.state.lock();
        state.readers.remove(&reader.number());
        state.pass = None;
        state.readers.len()
    }

    /// Everybody who reads now.
    pub(super) fn readers(&self) -> Arc<[Arc<Reader>]> {
        let mut state = self.state.lock();
        let State { readers, pass, .. } = &mut *state;
        pass.get_or_insert_with(|| readers.values().cloned().collect()).clone()
    }
}
