//! A reader's ordered view of a topic without gaps: a cursor, and the reading of the entries after it.
//!
//! Every transport reads through this: live delivery, resume, catching up and a long poll are the same calls. The
//! reader is subscribed (the topic has its wakeup) before it reads, so nothing falls between the two; entries that were
//! already read are behind the cursor, so nothing comes twice. It must never skip a gap: it reads the store.
//!
//! A connection that has a frame writer and has read everything is live ([`Subscription::attach_live`]): live delivery
//! of the topic then writes new entries straight into the frame writer and moves the cursor, and the connection sleeps
//! on. When delivery cannot go on, it notifies the wakeup, and the connection reads by itself again.

use std::sync::Arc;

use super::{
    frame_writer::FrameWriter,
    topic::{Entry, Ephemerals, Reader, Recent, Topic, Topics},
};
use crate::{
    protocol::cursor::{Cursor, Epoch, Offset},
    server::store::{Filter, Record, Slice, Store, StoreError, TopicName},
};

/// Most entries handed out at once: one write, then the others get their turn.
const BATCH_MAX_ENTRIES: usize = 128;

/// Most bytes handed out at once, unless a single entry is longer. A connection holds a batch for as long as its peer
/// does not take it, so this is also the cost of a stalled reader.
const BATCH_MAX_BYTES: usize = 32 * 1024;

/// The result of [`Subscription::read`].
#[derive(Debug)]
pub enum Batch {
    /// Entries after the cursor, which has moved past them. May be empty when a filter let none through.
    Entries(Vec<Arc<Entry>>),
    /// Entries that the cursor lacked are gone; the cursor is now this, and all retained entries after it follow.
    Reset(Cursor),
    /// Nothing is there yet: wait for the wakeup.
    Idle,
    /// The reader may not read here any more; nothing follows.
    Evicted,
}

/// One reader of a topic. Dropping it ends the subscription.
pub struct Subscription {
    topics: Arc<Topics>,
    store: Arc<dyn Store>,
    topic: Arc<Topic>,
    reader: Arc<Reader>,
    filter: Filter,
    epoch: Epoch,
    /// The reader was told that some of the entries up to here are gone.
    told_loss: Offset,
    /// The limit of a read of the store: lower while entries are so long that most would be read in vain.
    store_limit: usize,
}

impl Subscription {
    /// A subscription of `reader` that has seen everything up to `cursor`. Only the hub calls this. Dropping the
    /// subscription removes the reader from the topic.
    pub(crate) fn new(
        topics: Arc<Topics>,
        store: Arc<dyn Store>,
        (topic, reader): (Arc<Topic>, Arc<Reader>),
        filter: Filter,
        cursor: Cursor,
    ) -> Self {
        reader.position().offset = cursor.offset;
        let (epoch, told_loss) = (cursor.epoch.at(0, 0), cursor.epoch.told_loss());
        Self { topics, store, topic, reader, filter, epoch, told_loss, store_limit: BATCH_MAX_ENTRIES }
    }

    /// "I have seen everything up to here."
    pub fn cursor(&self) -> Cursor {
        self.cursor_at(self.offset())
    }

    /// The cursor just behind an entry that was read last.
    pub fn cursor_at(&self, offset: Offset) -> Cursor {
        Cursor { epoch: self.epoch.at(offset, self.told_loss), offset }
    }

    /// The offset up to which the reader was told that entries are gone.
    pub fn told_loss(&self) -> Offset {
        self.told_loss
    }

    fn offset(&self) -> Offset {
        self.reader.position().offset
    }

    /// The newest known offset of the log.
    pub fn head(&self) -> Offset {
        self.topic.head().max(self.offset())
    }

    /// The newest offset that this reader will come to: it would wait in vain for entries that its filter does not let
    /// through.
    pub async fn readable_head(&self) -> Result<Offset, StoreError> {
        let head = self.head();
        if self.filter == Filter::default() {
            return Ok(head);
        }
        let newest = self.store.read_before(self.topic.name(), head + 1, &self.filter, 1).await?;
        Ok(newest.records.last().map_or(0, |record| record.offset).max(self.offset()))
    }

    /// The name of the topic that it reads.
    pub fn topic(&self) -> &TopicName {
        self.topic.name()
    }

    /// Reads the entries after the cursor, from memory if they are recent, from the store if not.
    ///
    /// Detaches live delivery: a reader that reads is behind. The future may be dropped while it waits: the cursor
    /// moves only when entries are returned.
    pub async fn read(&mut self) -> Result<Batch, StoreError> {
        let offset = self.detach_live();
        if self.is_evicted() {
            return Ok(Batch::Evicted);
        }
        // Until a told loss is passed, each entry needs a cursor that carries it, and those in memory have none.
        let recent = match offset < self.told_loss {
            true => Recent::Older,
            false => self.topic.read(&self.epoch, offset, BATCH_MAX_ENTRIES),
        };
        match recent {
            Recent::Entries(entries) => Ok(self.take(entries)),
            Recent::Nothing(generation) => {
                self.reader.position().generation = generation;
                Ok(Batch::Idle)
            }
            Recent::Older | Recent::EpochChanged => match self.read_store(offset).await? {
                // The right was revoked during the read, perhaps before these entries were appended.
                _ if self.is_evicted() => Ok(Batch::Evicted),
                batch => Ok(batch),
            },
        }
    }

    /// Attaches live delivery: the topic writes new entries straight into `frame_writer`, until it notifies the wakeup.
    /// The caller must have found `read` idle and no ephemeral frames, and have written everything; entries that came
    /// since then notify the wakeup.
    pub fn attach_live(&self, frame_writer: &Arc<FrameWriter>) {
        self.reader.attach_live(frame_writer);
    }

    /// Sets the user who reads, so that a revocation ends the subscription. To be called before the right is checked: a
    /// revocation after the check then finds this reader.
    pub fn set_owner(&self, user_id: Arc<str>) {
        self.reader.set_owner(user_id);
    }

    /// Returns true if the owner may not read any more.
    pub fn is_evicted(&self) -> bool {
        self.reader.position().is_evicted
    }

    /// Detaches live delivery: from now on the connection gets only the entries that it reads. Returns the last offset
    /// that was delivered.
    pub fn detach_live(&self) -> Offset {
        let mut position = self.reader.position();
        position.is_live = false;
        position.offset
    }

    fn take(&mut self, mut entries: Vec<Arc<Entry>>) -> Batch {
        entries.truncate(fitting(entries.iter(), BATCH_MAX_BYTES));
        if let Some(last) = entries.last() {
            self.reader.position().offset = last.offset;
        }
        entries.retain(|entry| self.filter.channels.contain(entry.channel.as_deref()));
        Batch::Entries(entries)
    }

    async fn read_store(&mut self, offset: Offset) -> Result<Batch, StoreError> {
        let slice = self.store.read_after(self.topic.name(), offset, &self.filter, self.store_limit).await?;
        let bounds = &slice.bounds;
        if self.topic.epoch().as_ref() != Some(&bounds.epoch) {
            self.topics.learn(&self.topic, bounds);
        }
        if self.epoch.is_unwritten() {
            // The log was not written to when the reader came: it has missed nothing of this epoch, which is the first.
            self.epoch = bounds.epoch.at(0, 0);
        }
        if bounds.epoch != self.epoch {
            // The reader has seen entries of another epoch: it lacks all of this one.
            let slice = self.store.read_after(self.topic.name(), 0, &self.filter, 1).await?;
            return Ok(self.reset(after_loss(&slice)));
        }
        if slice.removed > offset.max(self.told_loss) {
            return Ok(self.reset(after_loss(&slice)));
        }
        let encode =
            |record: &Record| self.topics.encode(&self.epoch.at(record.offset, self.told_loss), record);
        let mut entries: Vec<_> = slice.records.iter().map(encode).collect();
        let fitting = fitting(entries.iter(), BATCH_MAX_BYTES);
        let is_cut = fitting < entries.len();
        self.store_limit = if is_cut { fitting } else { (self.store_limit * 2).min(BATCH_MAX_ENTRIES) };
        entries.truncate(fitting);
        // If no more follows, everything up to the head was read, whatever the filter let through.
        let seen =
            if slice.more || is_cut { entries.last().map(|entry| entry.offset) } else { Some(bounds.head) };
        self.reader.position().offset = seen.unwrap_or(offset);
        Ok(Batch::Entries(entries))
    }

    fn reset(&mut self, cursor: Cursor) -> Batch {
        self.told_loss = cursor.epoch.told_loss();
        self.epoch = cursor.epoch.at(0, 0);
        self.reader.position().offset = cursor.offset;
        Batch::Reset(cursor)
    }

    /// Takes the ephemeral frames since the last call. Detaches live delivery, as `read` does.
    pub fn ephemerals(&mut self) -> Ephemerals {
        self.detach_live();
        if self.is_evicted() {
            return Ephemerals::Frames(Vec::new());
        }
        let ephemeral_count = self.reader.position().ephemeral_count;
        let ephemerals = self.topic.ephemerals_after(ephemeral_count);
        self.reader.position().ephemeral_count = match &ephemerals {
            Ephemerals::Frames(frames) => ephemeral_count + frames.len() as u64,
            Ephemerals::Missed => self.topic.ephemeral_count(),
        };
        ephemerals
    }

    /// Skips the ephemeral frames so far: the caller is about to take the whole state.
    pub fn skip_ephemerals(&mut self) {
        self.reader.position().ephemeral_count = self.topic.ephemeral_count();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.topics.leave(&self.topic, &self.reader);
    }
}

/// The cursor at which a reader goes on that lacks removed entries, by a slice from its position: the lowest cursor
/// after which all that it reads is retained, or, if some entries below that one are retained, just before the first of
/// them.
pub(crate) fn after_loss(slice: &Slice) -> Cursor {
    let first = slice.records.first().map_or(slice.removed, |first| first.offset - 1);
    let offset = first.min(slice.removed);
    Cursor { epoch: slice.bounds.epoch.at(offset, slice.removed), offset }
}

/// Counts the entries, from the first on, that together have at most `max_bytes` of JSON. A first entry that is longer
/// by itself counts: otherwise no reader would ever get it.
pub(crate) fn fitting<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&Arc<Entry>| {
        let is_first = bytes == 0;
        bytes += entry.encoded.json().len();
        is_first || bytes <= max_bytes
    };
    entries.take_while(fits).count()
}
