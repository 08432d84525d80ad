//! A page around an offset, and the first entry of a time: the targets of links. `paging` reads the other pages.

use super::{Hub, Page, paging::PAGE_BYTES};
use crate::{
    protocol::cursor::{Cursor, Epoch, Offset},
    server::{
        log::subscription::fitting,
        store::{Filter, Slice, StoreError, TopicName},
    },
};

/// Entries that are looked through for an earlier one that is not before the time: about a minute of a very busy room.
const DISORDER_MAX: usize = 200;
/// The corrections of clocks that are taken into account, in milliseconds. An entry whose time is wrong by more must not
/// take the place of those around it.
const DISORDER_MS: i64 = 10 * 60 * 1_000;

impl Hub {
    /// Reads at most `limit` lasting entries around `offset`: half of them before it, and with it the others after it.
    /// If one side has fewer, the page has more of the other. An offset without an entry gives those that stand next to it.
    pub(super) async fn page_around(
        &self,
        name: &TopicName,
        offset: Offset,
        epoch: Option<Epoch>,
        filter: Filter,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let filter = Filter { lasting: true, ..filter };
        let earlier = self.store.read_before(name, offset, &filter, limit).await?;
        let later = self.store.read_after(name, offset.saturating_sub(1), &filter, limit).await?;
        let bounds = &later.bounds;
        // Another epoch than the one that was asked for, or than that of the first read.
        if earlier.bounds.epoch != bounds.epoch || epoch.is_some_and(|epoch| epoch != bounds.epoch) {
            return Ok(Page::reset_to(Cursor { epoch: bounds.epoch.clone(), offset: bounds.head }));
        }
        Ok(self.joined(earlier, later, limit))
    }

    /// Joins the entries before an offset and those from it on to one page.
    fn joined(&self, earlier: Slice, later: Slice, limit: usize) -> Page {
        let (mut entries, mut after) = (self.encode(&earlier), self.encode(&later));
        let kept_after = after.len().min(limit - (limit / 2).min(entries.len()));
        let kept_after = kept_after.min(fitting(after.iter(), PAGE_BYTES / 2));
        let room = limit - kept_after;
        let kept = entries.len().min(room).min(fitting(entries.iter().rev(), PAGE_BYTES / 2));
        let more = earlier.more || kept < entries.len();
        let more_after = later.more || kept_after < after.len();
        entries.drain(..entries.len() - kept);
        after.truncate(kept_after);
        entries.append(&mut after);
        let head = later.bounds.head;
        // Without later ones the page is complete up to the head, which may be no lasting entry.
        let offset = entries.last().filter(|_| more_after).map_or(head, |last| last.offset);
        let cursor = Cursor { epoch: later.bounds.epoch, offset };
        let as_of = Some(earlier.bounds.head);
        Page { entries, cursor, more, more_after: Some(more_after), reset: false, as_of }
    }

    /// The cursor of the first lasting entry that was appended at `since_ms` or later, in milliseconds since the Unix
    /// epoch. `None`: there is none.
    ///
    /// Offsets are in the order of time but for corrections of the clocks, so a binary search finds it, with one read of
    /// an entry by its offset for each power of two of the head: no index by time has to be kept for each message. An
    /// entry with a time that is far from its neighbours' may be found in the place of the first one.
    pub async fn first_since(&self, name: &TopicName, since_ms: i64) -> Result<Option<Cursor>, StoreError> {
        let filter = Filter { lasting: true, ..Filter::default() };
        let bounds = self.store.bounds(name).await?;
        let (mut low, mut high) = (1, bounds.head + 1);
        // Before `low` all are earlier; the first entry from `high` on is not.
        while low < high {
            let middle = low + (high - low) / 2;
            let slice = self.store.read_after(name, middle - 1, &filter, 1).await?;
            match slice.records.first().filter(|entry| entry.offset < high) {
                Some(entry) if entry.timestamp < since_ms => low = entry.offset + 1,
                Some(_) | None => high = middle,
            }
        }
        let near = self.store.read_before(name, high, &filter, DISORDER_MAX).await?;
        let is_near = |timestamp| (since_ms..since_ms.saturating_add(DISORDER_MS)).contains(&timestamp);
        let earliest = near.records.iter().find(|entry| is_near(entry.timestamp)).map(|entry| entry.offset);
        let found = match earliest {
            Some(offset) => Some(offset),
            None => {
                let slice = self.store.read_after(name, high - 1, &filter, 1).await?;
                slice.records.first().map(|entry| entry.offset)
            }
        };
        // If the epoch changed meanwhile, the entry is not there any more.
        let is_same = near.bounds.epoch == bounds.epoch;
        Ok(found.filter(|_| is_same).map(|offset| Cursor { epoch: bounds.epoch, offset }))
    }
}
