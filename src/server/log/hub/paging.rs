//! Pages of a log: a part of the history, or the entries after a cursor, with a wait for the first if asked for (a
//! poll). The chat, the feed and the rendered pages read them. A page never holds more than [`PAGE_BYTES`], and a poll
//! is a subscription that ends with its answer, so polls promise the same as streams.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

use super::{Hub, StartFrom, Subscribed, without_changes};
use crate::{
    protocol::cursor::{Cursor, Epoch, Offset},
    server::{
        log::{
            subscription::{Batch, Subscription, fitting},
            topic::{Entry, Wakeup},
        },
        store::{Channels, Filter, Slice, StoreError, TopicName},
    },
};

/// Most bytes of entries in a page; at least one is always in it. A page is held whole for a reader that is slow to
/// take it.
pub(super) const PAGE_BYTES: usize = 256 * 1024;
/// The time for which a poll collects changes of the presence before it is answered with them: a thousand readers that
/// return at once would otherwise answer each other's polls a million times.
const PRESENCE_DELAY: Duration = Duration::from_millis(300);

/// The choice of a page of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageQuery {
    /// The newest entries.
    Newest,
    /// The entries just before this cursor's.
    Before(Cursor),
    /// The entries after this cursor, with a wait of at most this long for the first.
    After(Cursor, Duration),
    /// The lasting entries around this offset, of this epoch or else of the present one.
    Around(Offset, Option<Epoch>),
}

impl PageQuery {
    /// The wait for the first entry.
    pub fn wait(&self) -> Duration {
        match self {
            Self::After(_, wait) => *wait,
            Self::Newest | Self::Before(_) | Self::Around(..) => Duration::ZERO,
        }
    }

    /// The same without a wait.
    pub fn at_once(&self) -> Self {
        match self {
            Self::After(cursor, _) => Self::After(cursor.clone(), Duration::ZERO),
            other => other.clone(),
        }
    }

    /// Returns true if the answer may wait for an entry.
    pub fn waits(&self) -> bool {
        matches!(self, Self::After(_, wait) if !wait.is_zero())
    }
}

/// Entries in ascending order.
#[derive(Debug)]
pub struct Page {
    /// Encoded.
    pub entries: Vec<Arc<Entry>>,
    /// The cursor at which to read on in the same direction; for the newest page and one around an offset: forwards.
    pub cursor: Cursor,
    /// More entries are there in the direction that was read; for the newest page and one around an offset: backwards.
    pub more: bool,
    /// For a page around an offset: more entries are there forwards. `None` for the other pages.
    pub more_after: Option<bool>,
    /// The cursor could not be honoured.
    pub reset: bool,
    /// The head when the entries were read, each with every change up to it. `None` for the entries after a cursor, among
    /// which the changes are.
    pub as_of: Option<Offset>,
}

impl Page {
    /// A page without entries for a query with another epoch than that of `newest`, the cursor at the head.
    pub(super) fn reset_to(newest: Cursor) -> Self {
        Self { entries: Vec::new(), cursor: newest, more: false, more_after: None, reset: true, as_of: None }
    }

    /// The entries as plain data, for a page that the server renders. Fails with [`StoreError::Damaged`].
    pub fn decode<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        let entries = self.entries.iter().map(|entry| serde_json::from_slice(&entry.encoded.json()));
        entries.collect::<Result<_, _>>().map_err(|error| StoreError::Damaged(error.to_string()))
    }
}

impl Hub {
    /// Reads one page of at most `limit` entries. Fails as the store does.
    pub async fn page(
        &self,
        name: &TopicName,
        query: PageQuery,
        filter: Filter,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.page_unless(name, query, filter, limit, || false).await
    }

    /// Reads as [`Hub::page`], but a query that waits is also answered when `has_changed` has become true. It is called
    /// after each ephemeral frame of the topic.
    pub async fn page_unless(
        &self,
        name: &TopicName,
        query: PageQuery,
        filter: Filter,
        limit: usize,
        has_changed: impl Fn() -> bool,
    ) -> Result<Page, StoreError> {
        match query {
            PageQuery::Newest => {
                let filter = without_changes(name, &filter);
                let slice = self.store.read_before(name, Offset::MAX, &filter, limit).await?;
                let cursor = Cursor { epoch: slice.bounds.epoch.clone(), offset: slice.bounds.head };
                Ok(self.page_of(&slice, cursor, false))
            }
            PageQuery::Before(cursor) => self.page_before(name, cursor, &filter, limit).await,
            PageQuery::After(cursor, wait) => {
                self.page_after(name, cursor, filter, limit, wait, has_changed).await
            }
            PageQuery::Around(offset, epoch) => self.page_around(name, offset, epoch, filter, limit).await,
        }
    }

    async fn page_before(
        &self,
        name: &TopicName,
        cursor: Cursor,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let filter = without_changes(name, filter);
        let slice = self.store.read_before(name, cursor.offset, &filter, limit).await?;
        if slice.bounds.epoch != cursor.epoch {
            let newest = Cursor { epoch: slice.bounds.epoch, offset: slice.bounds.head };
            return Ok(Page::reset_to(newest));
        }
        // Backwards there is no loss to tell, and none that this cursor should carry along.
        let cursor = Cursor { epoch: slice.bounds.epoch.clone(), ..cursor };
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
        has_changed: impl Fn() -> bool,
    ) -> Result<Page, StoreError> {
        let mut deadline = Instant::now() + wait;
        let wakeup = Arc::new(Wakeup::default());
        let Subscribed { mut subscription, recovered } =
            self.subscribe(name, StartFrom::After(cursor), filter, wakeup.clone()).await?;
        let (mut entries, mut reset) = (Vec::new(), !recovered);
        let (mut cursor, mut told_loss) = (subscription.cursor(), subscription.told_loss());
        let mut more = false;
        while entries.len() < limit && fitting(entries.iter(), PAGE_BYTES) == entries.len() {
            match subscription.read().await? {
                Batch::Entries(batch) => entries.extend(batch),
                // A poll has no owner to evict: the caller checks the rights again when there is an answer.
                Batch::Evicted => break,
                // The entries so far are without a gap: the next page tells the reset.
                Batch::Reset(_) if !entries.is_empty() => {
                    more = true;
                    break;
                }
                Batch::Reset(_) => reset = true,
                Batch::Idle if !entries.is_empty() || reset => break,
                Batch::Idle => {
                    if has_changed() {
                        // Entries are answered at once, changes of the presence together after a moment.
                        deadline = deadline.min(Instant::now() + PRESENCE_DELAY);
                    }
                    let left = deadline.saturating_duration_since(Instant::now());
                    if tokio::time::timeout(left, wakeup.notified()).await.is_err() {
                        break;
                    }
                }
            }
            (cursor, told_loss) = (subscription.cursor(), subscription.told_loss());
        }
        let kept = fitting(entries.iter().take(limit), PAGE_BYTES);
        let is_cut = entries.len() > kept;
        if let Some(last) = entries.get(kept.saturating_sub(1)).filter(|_| is_cut) {
            cursor = Cursor { epoch: cursor.epoch.at(last.offset, told_loss), offset: last.offset };
            entries.truncate(kept);
        }
        let more = more || is_cut || has_more(&mut subscription).await?;
        Ok(Page { entries, cursor, more, more_after: None, reset, as_of: None })
    }

    /// Reads the newest values of the channels with the latest entries, as `Store::latest_by_channel`.
    pub async fn latest_by_channel(
        &self,
        name: &TopicName,
        channels: &Channels,
        count: usize,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let slice = self.store.latest_by_channel(name, channels, count, limit).await?;
        let cursor = Cursor { epoch: slice.bounds.epoch.clone(), offset: slice.bounds.head };
        let entries = self.encode(&slice);
        Ok(Page { entries, cursor, more: slice.more, more_after: None, reset: false, as_of: None })
    }

    pub(super) fn encode(&self, slice: &Slice) -> Vec<Arc<Entry>> {
        slice.records.iter().map(|record| self.topics.encode(&slice.bounds.epoch, record)).collect()
    }

    pub(super) fn page_of(&self, slice: &Slice, cursor: Cursor, reset: bool) -> Page {
        let mut entries = self.encode(slice);
        // These pages are read backwards: entries that do not fit are cut at the old end.
        let surplus = entries.len() - fitting(entries.iter().rev(), PAGE_BYTES);
        entries.drain(..surplus);
        let (more, as_of) = (slice.more || surplus > 0, Some(slice.bounds.head));
        Page { entries, cursor, more, more_after: None, reset, as_of }
    }
}

/// Returns true if the filter lets any entry after the cursor through.
async fn has_more(subscription: &mut Subscription) -> Result<bool, StoreError> {
    loop {
        match subscription.read().await? {
            Batch::Idle | Batch::Evicted => return Ok(false),
            Batch::Entries(entries) if entries.is_empty() => {}
            Batch::Entries(_) | Batch::Reset(_) => return Ok(true),
        }
    }
}
