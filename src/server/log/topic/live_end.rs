//! The newest entries and ephemeral frames of a topic, in bounded memory. A topic keeps it under its lock. It must
//! never hand out entries behind a gap: they wait until the gap is filled.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{Bounds, Encoded, Entry, EntryChange, Epoch, Offset};

/// Recent entries that a topic keeps in memory: enough for every reader that keeps up and for a short drop.
pub(crate) const RING_MAX_ENTRIES: usize = 256;
/// Bytes of recent entries in both formats, so that 256 long messages in each of many rooms do not add up.
const RING_MAX_BYTES: usize = 1024 * 1024;
/// Ephemeral frames that a topic keeps. A reader that is further behind gets the whole state instead.
pub(super) const EPHEMERALS_MAX: usize = 64;

#[derive(Default)]
pub(super) struct LiveEnd {
    /// `None` until the first reader has read the store.
    epoch: Option<Epoch>,
    head: Offset,
    /// Contiguous; the last one, if there is any, is at `head`.
    ring: VecDeque<Arc<Entry>>,
    ring_bytes: usize,
    /// Entries that came before their turn: those between are another node's, and on their way or lost.
    ahead: BTreeMap<Offset, Arc<Entry>>,
    ahead_bytes: usize,
    /// The highest offset that was announced. Beyond `head`: some entries have not come yet.
    announced_head: Offset,
    /// Deletions that came before their turn: what they erase may come after them.
    erasures: Vec<Erasure>,
    /// The newest ephemeral frames; the last has the number `ephemeral_count`.
    ephemerals: VecDeque<Encoded>,
    ephemeral_count: u64,
}

/// A deletion that waits for the entries before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Erasure {
    /// The entry of which, and of whose changes, nothing may be left.
    target: Offset,
    /// The offset of the deletion.
    offset: Offset,
}

impl Erasure {
    /// Returns true if the entry must be forgotten as it is: the store has it without what was erased.
    fn concerns(self, entry: &Entry) -> bool {
        let is_of_target =
            entry.offset == self.target || entry.change.is_some_and(|change| change.target == self.target);
        entry.offset < self.offset && is_of_target
    }
}

/// A gap: all entries after an offset are missing, up to the highest one that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) after: Offset,
    pub(crate) announced_head: Offset,
}

/// The result of [`LiveEnd::learn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learnt {
    /// The epoch is the same, or the first one that is known.
    Bounds,
    /// The epoch is another one than before; readers have seen entries of the old one.
    EpochChanged,
}

/// The ephemeral frames for a reader.
#[derive(Debug, PartialEq, Eq)]
pub enum Ephemerals {
    /// All frames since the last read.
    Frames(Vec<Encoded>),
    /// More frames have come since than are kept; the reader needs the whole state.
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

    /// Takes the bounds that the store has. Announcements in the meantime may have a later head, which stays.
    pub(super) fn learn(&mut self, bounds: &Bounds) -> Learnt {
        let known = self.epoch.replace(bounds.epoch.clone());
        match known {
            // No reader has a position yet.
            None => self.jump(bounds.head.max(self.announced_head)),
            Some(epoch) if epoch == bounds.epoch => self.note_head(bounds.head),
            Some(_) => {
                self.clear_ring();
                self.ahead.clear();
                self.ahead_bytes = 0;
                self.erasures.clear();
                (self.head, self.announced_head) = (bounds.head, bounds.head);
                return Learnt::EpochChanged;
            }
        }
        Learnt::Bounds
    }

    /// Notes that there are entries up to this offset.
    pub(super) fn note_head(&mut self, head: Offset) {
        self.announced_head = self.announced_head.max(head);
    }

    /// Notes that there may be entries that were not announced.
    pub(super) fn suspect(&mut self) {
        self.announced_head = self.announced_head.max(self.head + 1);
    }

    /// The gap at the head, if there are entries behind it.
    pub(super) fn missing(&self) -> Option<Gap> {
        let gap = Gap { after: self.head, announced_head: self.announced_head };
        (gap.announced_head > gap.after).then_some(gap)
    }

    /// Goes on at this head, without the entries before it: readers find them in the store.
    pub(super) fn jump(&mut self, head: Offset) {
        if head > self.head {
            self.clear_ring();
            self.head = head;
            self.erasures.retain(|erasure| erasure.offset > head);
        }
        self.announced_head = self.announced_head.max(self.head);
        self.take_contiguous();
    }

    /// Takes the entries of a gap from the store, complete up to `last`; the store's head is `head`. Unless more was
    /// announced since the gap was seen, the entries that were announced beyond the head do not exist.
    pub(super) fn fill(&mut self, gap: Gap, entries: Vec<Arc<Entry>>, last: Offset, head: Offset) {
        // It was read before a deletion that is known here: the text may be in it.
        if self.erasures.iter().any(|erasure| erasure.offset > head) {
            return;
        }
        if self.announced_head == gap.announced_head {
            self.announced_head = self.ahead.last_key_value().map_or(self.head, |(offset, _)| *offset);
        }
        self.note_head(head);
        self.push(entries);
        self.jump(last);
    }

    /// Takes entries in any order; those before their turn wait for the others.
    pub(super) fn push(&mut self, entries: Vec<Arc<Entry>>) {
        for entry in entries {
            self.note_head(entry.offset);
            if let Some(EntryChange { target, erases: true }) = entry.change {
                self.erase(Erasure { target, offset: entry.offset });
            }
            if self.erasures.iter().any(|erasure| erasure.concerns(&entry)) {
                continue; // announced late, as it was before: it comes from the store
            }
            if entry.offset == self.head + 1 {
                self.push_one(entry);
                self.take_contiguous();
            } else if entry.offset > self.head {
                self.keep_ahead(entry);
            }
        }
    }

    /// Forgets what a deletion erases. The ring has no gaps, so it forgets what is older as well: readers find that in the
    /// store.
    fn erase(&mut self, erasure: Erasure) {
        if let Some(last) = self.ring.iter().rposition(|entry| erasure.concerns(entry)) {
            let forgotten = self.ring.drain(..=last);
            self.ring_bytes -= forgotten.map(|entry| entry.encoded.held_bytes()).sum::<usize>();
        }
        self.ahead.retain(|_, entry| !erasure.concerns(entry));
        self.ahead_bytes = self.ahead.values().map(|entry| entry.encoded.held_bytes()).sum();
        if erasure.offset > self.head + 1 {
            self.erasures.push(erasure);
        }
    }

    /// Keeps an entry for its turn. Without room it is dropped and comes from the store.
    fn keep_ahead(&mut self, entry: Arc<Entry>) {
        let bytes = entry.encoded.held_bytes();
        let has_room = self.ahead.len() < RING_MAX_ENTRIES && self.ahead_bytes + bytes <= RING_MAX_BYTES;
        if has_room && self.ahead.insert(entry.offset, entry).is_none() {
            self.ahead_bytes += bytes;
        }
    }

    fn take_contiguous(&mut self) {
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
        self.erasures.retain(|erasure| erasure.offset > entry.offset);
        self.ring_bytes += entry.encoded.held_bytes();
        self.ring.push_back(entry);
        while self.ring.len() > RING_MAX_ENTRIES || (self.ring_bytes > RING_MAX_BYTES && self.ring.len() > 1)
        {
            let oldest = self.ring.pop_front().expect("its length was checked");
            self.ring_bytes -= oldest.encoded.held_bytes();
        }
    }

    /// The offset just before the newest `count` entries that are no changes. `None`: the ring has fewer.
    pub(super) fn before_newest(&self, count: usize) -> Option<Offset> {
        let mut newest = self.ring.iter().rev().filter(|entry| entry.change.is_none());
        match count.checked_sub(1) {
            None => Some(self.head),
            Some(skip) => newest.nth(skip).map(|entry| entry.offset - 1),
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
        if self.ephemerals.len() == EPHEMERALS_MAX {
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
