//! The feed as a consumer reads it (`notify`): everything that is not a value, on behalf of nobody. Whoever gets an entry of it
//! must ask [`Feed::may_read`] for each person whom they tell of it.

use super::{Feed, entry_of};
use crate::{
    protocol::{
        cursor::{Cursor, Offset},
        feed::Entry,
    },
    server::store::{Bounds, Channels, Filter, StoreError, TopicName},
};

/// A part of the feed, as a consumer reads it.
#[derive(Clone, Debug)]
pub struct Consumed {
    /// The bounds of the feed when it was read.
    pub bounds: Bounds,
    /// The highest removed offset: a consumer whose cursor is below it has missed something.
    pub removed: Offset,
    /// The entries, ascending by offset.
    pub entries: Vec<Entry>,
    /// More entries follow.
    pub more: bool,
}

impl Feed {
    /// Completes when something other than a value was published at this node since the last time. What other nodes
    /// publish is found by asking.
    pub async fn published(&self) {
        self.published.notified().await;
    }

    /// The cursor at the end of the feed.
    pub async fn end(&self) -> Result<Cursor, StoreError> {
        let Bounds { epoch, head, .. } = self.hub.store().bounds(&TopicName::Feed).await?;
        Ok(Cursor { epoch, offset: head })
    }

    /// The first `limit` entries after an offset that are not values.
    pub async fn consume(&self, after: Offset, limit: usize) -> Result<Consumed, StoreError> {
        let filter = Filter { lasting: true, ..Filter::default() };
        let slice = self.hub.store().read_after(&TopicName::Feed, after, &filter, limit).await?;
        let entries = slice.records.iter().map(entry_of).collect();
        Ok(Consumed { bounds: slice.bounds, removed: slice.removed, entries, more: slice.more })
    }

    /// The first `limit` entries of a channel after an offset that are not values.
    pub async fn consume_channel(
        &self,
        channel: &str,
        after: Offset,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let filter = Filter { channels: Channels::of(Some(channel)), lasting: true, ..Filter::default() };
        let slice = self.hub.store().read_after(&TopicName::Feed, after, &filter, limit).await?;
        Ok(slice.records.iter().map(entry_of).collect())
    }

    /// The entry at an offset with this timestamp; `None`: it is gone. Another entry at the offset, of a database that was
    /// restored, has another timestamp.
    pub async fn entry_at(&self, offset: Offset, timestamp: i64) -> Result<Option<Entry>, StoreError> {
        let found = self.hub.store().read_each(&TopicName::Feed, &[offset]).await?;
        Ok(found.iter().find(|record| record.timestamp == timestamp).map(entry_of))
    }

    /// Returns true if a person may read a channel.
    pub fn may_read(&self, channel: &str, user_id: &str) -> bool {
        self.rights.channels().may_read(channel, user_id)
    }
}
