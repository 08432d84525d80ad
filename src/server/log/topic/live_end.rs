//! The newest of a log and of what was whispered about it, in bounded memory. A topic keeps it under its lock.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{Bounds, Encoded, Entry, Epoch, Offset};

/// Recent entries a topic keeps in memory: enough for every reader that keeps up and for a short drop.
pub(crate) const RING_MAX_ENTRIES: usize = 256;
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
    /// What came before its turn: the entries between are another node's, and on their way or lost.
    ahead: BTreeMap<Offset, Arc<Entry>>,
    ahead_bytes: usize,
    /// As far as anybody said that there are entries. Beyond `head`: some have not come yet.
    told_head: Offset,
    /// The newest ephemeral frames; the last has the number `ephemeral_count`.
    ephemerals: VecDeque<Encoded>,
    ephemeral_count: u64,
}

/// What is missing: everything after an offset, up to where somebody said that there are entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) after: Offset,
    pub(crate) told_head: Offset,
}

/// What came of [`LiveEnd::learn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learnt {
    /// The log's bounds.
    Bounds,
    /// It is another numbering than before; what readers have seen is of the one before.
    Renumbered,
}

/// What a reader that asked for whispers gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Ephemerals {
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

    pub(super) fn ephemeral_count(&self) -> u64 {
        self.ephemeral_count
    }

    /// Takes what the store said. Announcements that came in the meantime may know a later head, which stays.
    pub(super) fn learn(&mut self, bounds: &Bounds) -> Learnt {
        let known = self.epoch.replace(bounds.epoch.clone());
        match known {
            // Nobody stands anywhere yet.
            None => self.jump(bounds.head.max(self.told_head)),
            Some(epoch) if epoch == bounds.epoch => self.note_head(bounds.head),
            Some(_) => {
                self.clear_ring();
                self.ahead.clear();
                self.ahead_bytes = 0;
                (self.head, self.told_head) = (bounds.head, bounds.head);
                return Learnt::Renumbered;
            }
        }
        Learnt::Bounds
    }

    /// Up to here there are entries.
    pub(super) fn note_head(&mut self, head: Offset) {
        self.told_head = self.told_head.max(head);
    }

    /// There may be entries that nobody told us of.
    pub(super) fn suspect(&mut self) {
        self.told_head = self.told_head.max(self.head + 1);
    }

    /// What is missing at our end, if there is more behind it.
    pub(super) fn missing(&self) -> Option<Gap> {
        let gap = Gap { after: self.head, told_head: self.told_head };
        (gap.told_head > gap.after).then_some(gap)
    }

    /// Goes on from here, without what lies between: readers find that in the store.
    pub(super) fn jump(&mut self, head: Offset) {
        if head > self.head {
            self.clear_ring();
            self.head = head;
        }
        self.told_head = self.told_head.max(self.head);
        self.take_what_follows();
    }

    /// What the store has of a hole, complete up to `last`; its own head is `head`. Unless somebody has told more since the
    /// hole was seen, what was told beyond that is not so.
    pub(super) fn fill(&mut self, gap: Gap, entries: Vec<Arc<Entry>>, last: Offset, head: Offset) {
        if self.told_head == gap.told_head {
            self.told_head = self.ahead.last_key_value().map_or(self.head, |(offset, _)| *offset);
        }
        self.note_head(head);
        self.push(entries);
        self.jump(last);
    }

    /// Takes entries in whatever order they come; those before their turn wait for the others.
    pub(super) fn push(&mut self, entries: Vec<Arc<Entry>>) {
        for entry in entries {
            self.note_head(entry.offset);
            if entry.offset == self.head + 1 {
                self.push_one(entry);
                self.take_what_follows();
            } else if entry.offset > self.head {
                self.keep_ahead(entry);
            }
        }
    }

    /// Keeps it for its turn. What there is no room for comes from the store.
    fn keep_ahead(&mut self, entry: Arc<Entry>) {
        let bytes = entry.encoded.held_bytes();
        let has_room = self.ahead.len() < RING_MAX_ENTRIES && self.ahead_bytes + bytes <= RING_MAX_BYTES;
        if has_room && self.ahead.insert(entry.offset, entry).is_none() {
            self.ahead_bytes += bytes;
        }
    }

    fn take_what_follows(&mut self) {
        while let Some(first) = self.ahead.first_entry().filter(|first| *first.key() <= self.head + 1) {
            let entry = first.remove();
            self.ahead_bytes -= entry.encoded.held_bytes();
            if entry.offset == self.head + 1 {
                self.push_one(entry);
            }
        }
    }

    fn push_one(&mut self, entry: Arc<Entry>) {
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

    pub(super) fn publish_ephemeral(&mut self, frame: Encoded) {
        if self.ephemerals.len() == WHISPERS_MAX {
            self.ephemerals.pop_front();
        }
        self.ephemerals.push_back(frame);
        self.ephemeral_count += 1;
    }

    pub(super) fn ephemerals_after(&self, number: u64) -> Ephemerals {
        let behind = usize::try_from(self.ephemeral_count - number).unwrap_or(usize::MAX);
        match self.ephemerals.len().checked_sub(behind) {
            Some(skip) => Ephemerals::Frames(self.ephemerals.iter().skip(skip).cloned().collect()),
            None => Ephemerals::Missed,
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
