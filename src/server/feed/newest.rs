//! The newest state of every key: which entry is the newest of its channel and key. The board and the pages of events ask.
//!
//! The store has no index of keys, so each node remembers the offsets. The first question reads back through the newest
//! entries of every channel, and each later one only what was published since. The store stays the truth: what is answered
//! is read from it, so an entry that retention removed is in no answer, and neither is one of a channel that the reader may
//! not read.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde::Deserialize;

use super::{Feed, entry_of};
use crate::{
    protocol::{
        cursor::{Cursor, Epoch, Offset},
        feed::Entry,
    },
    server::{
        auth::Identity,
        store::{Channels, Filter, Record, StoreError, TopicName},
    },
};

/// Keys that are remembered: 100 bytes each, and more than anybody looks at. Beyond it the oldest are forgotten.
const KEYS_MAX: usize = 5_000;
/// Keys that are forgotten at once, so that a publisher of ever new ones does not cost a search for each.
const KEYS_FORGOTTEN: usize = 500;
/// Entries that the first question reads of all channels together: two seconds of a slow machine.
const READ_MAX: usize = 50_000;
/// Of these, the least and the most of one channel: a chatty one must not hide what another has said long ago.
const READ_OF_CHANNEL: (usize, usize) = (50, 5_000);
/// Entries of one read.
const BATCH: usize = 500;
/// Channels that are looked at.
const CHANNELS_MAX: usize = 1_000;

/// The offsets of the newest entries, up to a place in the log.
#[derive(Clone, Debug)]
struct Index {
    epoch: Epoch,
    /// Every entry up to this offset was looked at.
    until: Offset,
    /// By channel and key.
    newest: HashMap<(String, String), Offset>,
}

/// The index that this node remembers.
#[derive(Debug, Default)]
pub(super) struct NewestStates(Mutex<Option<Arc<Index>>>);

/// The newest states of the keys that somebody may read.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// The newest entry of each key, the newest first.
    pub entries: Vec<Entry>,
    /// There are more than these.
    pub more: bool,
}

/// The member of a stored body that is looked at.
#[derive(Deserialize)]
struct Keyed {
    key: Option<String>,
}

impl Index {
    /// Notes entries, in any order.
    fn note(&mut self, records: &[Record]) {
        for record in records {
            let Some(channel) = &record.channel else { continue };
            let Ok(Keyed { key: Some(key) }) = serde_json::from_str(&record.body) else { continue };
            let newest = self.newest.entry((channel.clone(), key)).or_default();
            *newest = record.offset.max(*newest);
        }
        if self.newest.len() > KEYS_MAX {
            let mut offsets: Vec<_> = self.newest.values().copied().collect();
            let forgotten = self.newest.len() - KEYS_MAX + KEYS_FORGOTTEN;
            let (_, last, _) = offsets.select_nth_unstable(forgotten - 1);
            let last = *last;
            self.newest.retain(|_, offset| *offset > last);
        }
    }
}

impl Feed {
    /// The newest states of at most `limit` keys in the channels that `who` may read.
    pub async fn board(&self, who: Option<&Identity>, limit: usize) -> Result<Board, StoreError> {
        let index = self.index().await?;
        let readable = self.readable(who, Channels::All);
        let of_reader = index.newest.iter().filter(|((channel, _), _)| readable.contain(Some(channel)));
        let mut offsets: Vec<Offset> = of_reader.map(|(_, offset)| *offset).collect();
        offsets.sort_unstable_by(|one, other| other.cmp(one));
        let more = offsets.len() > limit;
        offsets.truncate(limit);
        let mut entries = self.events(who, &offsets).await?;
        entries.retain(|entry| !entry.body.is_deletion());
        entries.reverse();
        Ok(Board { entries, more })
    }

    /// The newest entry with a key in a channel, if `who` may read it; `None` as well if it is deleted.
    pub async fn newest_of(
        &self,
        who: Option<&Identity>,
        channel: &str,
        key: &str,
    ) -> Result<Option<Entry>, StoreError> {
        let index = self.index().await?;
        let Some(offset) = index.newest.get(&(channel.to_owned(), key.to_owned())) else { return Ok(None) };
        Ok(self.events(who, &[*offset]).await?.pop().filter(|entry| !entry.body.is_deletion()))
    }

    /// Those of the entries at these offsets that are no values and that `who` may read, oldest first.
    pub async fn events(&self, who: Option<&Identity>, offsets: &[Offset]) -> Result<Vec<Entry>, StoreError> {
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.hub.store().read_each(&TopicName::Feed, offsets).await?;
        // The rights as they are after the read.
        let readable = self.readable(who, Channels::All);
        let may_read = |record: &&Record| readable.contain(record.channel.as_deref());
        let entries = found.iter().filter(may_read).map(entry_of);
        Ok(entries.filter(|entry| !entry.body.is_update()).collect())
    }

    /// The test whether a newer entry with the same key has replaced an entry. One whose key was forgotten is not replaced.
    pub(super) async fn replaced(&self) -> Result<impl Fn(&Entry) -> bool + use<>, StoreError> {
        let index = self.index().await?;
        Ok(move |entry: &Entry| {
            let key = entry.body.key().map(|key| (entry.channel.clone(), key.to_owned()));
            key.and_then(|key| index.newest.get(&key)).is_some_and(|newest| *newest > entry.offset)
        })
    }

    /// Returns the cursor of the end of the log, if an entry is still the newest with its key there.
    pub(super) async fn open_until(&self, entry: &Entry) -> Result<Option<Cursor>, StoreError> {
        let index = self.index().await?;
        let key = entry.body.key().map(|key| (entry.channel.clone(), key.to_owned()));
        let is_newest = key.and_then(|key| index.newest.get(&key)).is_some_and(|at| *at == entry.offset);
        Ok(is_newest.then(|| Cursor { epoch: index.epoch.clone(), offset: index.until }))
    }

    /// Returns the index that this node remembers, brought up to the end of the log.
    async fn index(&self) -> Result<Arc<Index>, StoreError> {
        let known = self.newest.0.lock().clone();
        let bounds = self.hub.store().bounds(&TopicName::Feed).await?;
        let index = match known.filter(|known| known.epoch == bounds.epoch && known.until <= bounds.head) {
            Some(known) if known.until == bounds.head => return Ok(known),
            Some(known) => self.followed(known, bounds.head).await?,
            None => Arc::new(self.read_index(bounds.epoch, bounds.head).await?),
        };
        let mut remembered = self.newest.0.lock();
        // Another question may have come further meanwhile.
        if remembered.as_ref().is_none_or(|other| other.epoch != index.epoch || other.until < index.until) {
            *remembered = Some(index.clone());
        }
        Ok(index)
    }

    /// The same with what was published since.
    async fn followed(&self, known: Arc<Index>, head: Offset) -> Result<Arc<Index>, StoreError> {
        let filter = Filter { lasting: true, ..Filter::default() };
        let (mut index, mut more) = ((*known).clone(), true);
        while more {
            let slice = self.hub.store().read_after(&TopicName::Feed, index.until, &filter, BATCH).await?;
            index.note(&slice.records);
            more = slice.more;
            let read = slice.records.last().map_or(head, |last| last.offset);
            index.until = if more { read } else { read.max(head) };
        }
        Ok(Arc::new(index))
    }

    /// Reads back through the newest entries of each channel.
    async fn read_index(&self, epoch: Epoch, head: Offset) -> Result<Index, StoreError> {
        let mut index = Index { epoch, until: head, newest: HashMap::new() };
        let channels = self.hub.store().channel_names(&TopicName::Feed, &[], CHANNELS_MAX).await?;
        let (least, most) = READ_OF_CHANNEL;
        let of_each = (READ_MAX / channels.len().max(1)).clamp(least, most);
        for channel in channels {
            let filter =
                Filter { channels: Channels::of(Some(&channel)), lasting: true, ..Filter::default() };
            let (mut before, mut left) = (head + 1, of_each);
            while left > 0 {
                let limit = left.min(BATCH);
                let slice = self.hub.store().read_before(&TopicName::Feed, before, &filter, limit).await?;
                index.note(&slice.records);
                let Some(first) = slice.records.first().filter(|_| slice.more) else { break };
                before = first.offset;
                left -= limit;
            }
        }
        Ok(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: Offset, channel: &str, body: &str) -> Record {
        Record {
            topic: TopicName::Feed,
            offset,
            timestamp: 0,
            author: String::new(),
            client_id: None,
            channel: Some(channel.to_owned()),
            body: body.to_owned(),
            target: None,
        }
    }

    fn empty() -> Index {
        Index { epoch: Epoch::parse("e").expect("fine"), until: 0, newest: HashMap::new() }
    }

    #[test]
    fn the_newest_entry_of_a_key_counts_in_whatever_order_they_are_read() {
        let mut index = empty();
        index.note(&[
            record(3, "ops", r#"{"key":"disk","text":"full"}"#),
            record(1, "ops", r#"{"key":"disk","text":"ok"}"#),
            record(2, "db", r#"{"key":"disk","text":"ok"}"#),
            record(4, "ops", r#"{"text":"without a key"}"#),
            record(5, "ops", "what only a newer build can read"),
        ]);
        let newest = |channel: &str| index.newest.get(&(channel.to_owned(), "disk".to_owned()));
        assert_eq!((newest("ops"), newest("db"), index.newest.len()), (Some(&3), Some(&2), 2));
    }

    #[test]
    fn ever_new_keys_push_the_oldest_out() {
        let mut index = empty();
        for offset in 1..=(KEYS_MAX as Offset + 1) {
            index.note(&[record(offset, "ops", &format!(r#"{{"key":"k{offset}"}}"#))]);
        }
        assert_eq!(index.newest.len(), KEYS_MAX - KEYS_FORGOTTEN);
        assert!(index.newest.values().all(|offset| *offset > KEYS_FORGOTTEN as Offset));
    }
}
