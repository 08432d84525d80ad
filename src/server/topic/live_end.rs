//! The newest of a log and of what was whispered about it, in bounded memory. A topic keeps it under its lock.

use std::{collections::VecDeque, sync::Arc};

use super::{Bounds, Encoded, Entry, Epoch, Offset};

/// Recent entries a topic keeps in memory: enough for every reader that keeps up and for a short drop.
pub(super) const RING_MAX_ENTRIES: usize = 256;
/// Bytes of recent entries in both their forms, so that 256 long messages in each of many rooms do not add up.
const RING_MAX_BYTES: usize = 1024 * 1024;
/// Whispers a topic remembers. A reader that is further behind is told the whole state instead.
pub(super) const WHISPERS_MAX: usize = 64;

#[derive(Default)]
pub(super) struct LiveEnd {
    /// `None` until the first reader has asked the store.
    epoch: Option<Epoch>,
    head: Offset,
    /// Contiguous; the last one, if there is any, is at `head`.
    ring: VecDeque<Arc<Entry>>,
    ring_bytes: usize,
    /// The newest ephemeral frames; the last has the number `whispered`.
    whispers: VecDeque<Encoded>,
    whispered: u64,
}

/// What a reader that asked for whispers gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Whispers {
    /// Everything since it asked last.
    Frames(Vec<Encoded>),
    /// Too much has been said since; it needs the whole state.
    Missed,
}

impl LiveEnd {
    pub(super) fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    pub(super) fn head(&self) -> Offset {
        self.head
    }

    pub(super) fn whispered(&self) -> u64 {
        self.whispered
    }

    /// Takes what the store said, and returns whether that is news to the readers. Announcements that came in the
    /// meantime may know a later head, which stays.
    pub(super) fn learn(&mut self, bounds: &Bounds) -> bool {
        let known = self.epoch.replace(bounds.epoch.clone());
        if known.is_none_or(|epoch| epoch == bounds.epoch) {
            return self.note_head(bounds.head);
        }
        self.clear_ring();
        self.head = bounds.head;
        true
    }

    /// Up to here there are entries, and if we were not told of them (true), what follows in the ring would not be
    /// contiguous.
    pub(super) fn note_head(&mut self, head: Offset) -> bool {
        let is_news = head > self.head;
        if is_news {
            self.clear_ring();
            self.head = head;
        }
        is_news
    }

    pub(super) fn push(&mut self, entries: Vec<Arc<Entry>>) {
        for entry in entries {
            if entry.offset > self.head {
                self.push_one(entry);
            }
        }
    }

    fn push_one(&mut self, entry: Arc<Entry>) {
        if entry.offset != self.head + 1 {
            // A hole: an announcement was lost. Readers fill it from the store.
            self.clear_ring();
        }
        self.head = entry.offset;
        self.ring_bytes += entry.encoded.held_bytes();
        self.ring.push_back(entry);
        while self.ring.len() > RING_MAX_ENTRIES || (self.ring_bytes > RING_MAX_BYTES && self.ring.len() > 1)
        {
            let oldest = self.ring.pop_front().expect("its length was checked");
            self.ring_bytes -= oldest.encoded.held_bytes();
        }
    }

    pub(super) fn covers(&self, offset: Offset) -> bool {
        offset <= self.head && offset + 1 >= self.first_in_ring()
    }

    pub(super) fn recent_after(&self, offset: Offset, limit: usize) -> Option<Vec<Arc<Entry>>> {
        let first = self.first_in_ring();
        if offset + 1 < first {
            return None;
        }
        let skip = usize::try_from(offset + 1 - first).unwrap_or(usize::MAX);
        Some(self.ring.iter().skip(skip).take(limit).cloned().collect())
    }

    pub(super) fn whisper(&mut self, frame: Encoded) {
        if self.whispers.len() == WHISPERS_MAX {
            self.whispers.pop_front();
        }
        self.whispers.push_back(frame);
        self.whispered += 1;
    }

    pub(super) fn whispers_after(&self, number: u64) -> Whispers {
        let behind = usize::try_from(self.whispered - number).unwrap_or(usize::MAX);
        match self.whispers.len().checked_sub(behind) {
            Some(skip) => Whispers::Frames(self.whispers.iter().skip(skip).cloned().collect()),
            None => Whispers::Missed,
        }
    }

    /// The offset of the oldest entry in the ring; of the next entry when it is empty.
    fn first_in_ring(&self) -> Offset {
        self.head + 1 - self.ring.len() as Offset
    }

    fn clear_ring(&mut self) {
        self.ring.clear();
        self.ring_bytes = 0;
    }
}
