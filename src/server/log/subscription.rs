//! A reader's ordered view of a topic without gaps: a cursor, and the way to what comes after it.
//!
//! Every transport reads through this: live delivery, resume, catching up and a long poll are the same calls. It
//! subscribed (its bell is with the topic) before it reads, so nothing falls between the two; what was already
//! read is behind the cursor, so nothing comes twice.
//!
//! A connection that has an outlet and has read everything stands at the head ([`Subscription::attach_live`]): the topic's
//! delivery then writes what is new straight into the outlet and moves the cursor, and the connection sleeps on. When
//! that does not go on, the bell rings and the reading is the connection's again.

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

/// Most bytes handed out at once, unless a single entry is longer. A connection keeps a batch for as long as its peer
/// does not take it, so this is also what a stalled reader costs.
const BATCH_MAX_BYTES: usize = 32 * 1024;

/// What a reader gets next.
#[derive(Debug)]
pub enum Batch {
    /// Entries after the cursor, which has moved past them. May be empty when a filter let none through.
    Entries(Vec<Arc<Entry>>),
    /// Something the cursor lacked is gone; the cursor is now this, and everything after it that is retained follows.
    Reset(Cursor),
    /// Nothing is there yet: wait for the bell.
    Idle,
    /// The reader may not read here any more; nothing follows.
    Evicted,
}

/// See the module. Dropping it ends the subscription.
pub struct Subscription {
    topics: Arc<Topics>,
    store: Arc<dyn Store>,
    topic: Arc<Topic>,
    reader: Arc<Reader>,
    filter: Filter,
    epoch: Epoch,
    /// The reader knows that of the entries up to here some are gone.
    told_loss: Offset,
    /// How many entries are asked of the store: fewer while they are so long that most would be read in vain.
    store_limit: usize,
}

impl Subscription {
    /// The hub makes it, with `cursor` as the last thing seen. Takes over the reader's place in `topic`.
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

    /// The cursor after an entry that was just read.
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

    /// The newest offset that is known of the log.
    pub fn head(&self) -> Offset {
        self.topic.head().max(self.offset())
    }

    /// The newest offset that this reader will come to: what its filter does not let through would be waited for in
    /// vain.
    pub async fn readable_head(&self) -> Result<Offset, StoreError> {
        let head = self.head();
        if self.filter == Filter::default() {
            return Ok(head);
        }
        let newest = self.store.read_before(self.topic.name(), head + 1, &self.filter, 1).await?;
        Ok(newest.records.last().map_or(0, |record| record.offset).max(self.offset()))
    }

    /// Which log it reads.
    pub fn topic(&self) -> &TopicName {
        self.topic.name()
    }

    /// What comes after the cursor, from memory when it is recent, from the store when it is not.
    ///
    /// Ends the standing at the head: whoever reads is behind. May be dropped while it waits: the cursor moves only
    /// when entries are returned.
    pub async fn read(&mut self) -> Result<Batch, StoreError> {
        let offset = self.detach_live();
        if self.is_evicted() {
            return Ok(Batch::Evicted);
        }
        // Until a told loss is passed each entry needs a cursor that carries it, which those in memory have not.
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
            Recent::Older | Recent::Renumbered => match self.read_store(offset).await? {
                // Their right was taken while the store read, perhaps before what it read was said.
                _ if self.is_evicted() => Ok(Batch::Evicted),
                batch => Ok(batch),
            },
        }
    }

    /// Lets the topic write what is new straight into `frame_writer`, until the bell rings. To be called when `read` was
    /// idle, everything was written, and there were no whispers; what came since then rings the bell.
    pub fn attach_live(&self, frame_writer: &Arc<FrameWriter>) {
        self.reader.attach_live(frame_writer);
    }

    /// Says whose subscription it is, so that it ends when they may not read any more. Before their right is checked:
    /// what is withdrawn after the check then finds this reader.
    pub fn set_owner(&self, user_id: Arc<str>) {
        self.reader.set_owner(user_id);
    }

    /// Whether the owner may not read any more.
    pub fn is_evicted(&self) -> bool {
        self.reader.position().is_evicted
    }

    /// Ends the standing at the head: from now on nothing comes but what the connection reads. Returns the last
    /// offset that was delivered.
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
        if bounds.epoch != self.epoch {
            // What was seen is of another numbering: all of this one is lacking.
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
        // Without more to come everything up to the head was looked at, whatever the filter let through.
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

    /// The ephemeral frames since this was called last. Ends the standing at the head, as `read` does.
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

    /// Leaves out what was whispered so far: the caller is about to take the whole state.
    pub fn skip_whispers(&mut self) {
        self.reader.position().ephemeral_count = self.topic.ephemeral_count();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.topics.leave(&self.topic, &self.reader);
    }
}

/// Where a reader goes on that lacks what is gone, after a slice from where it stood: from the lowest cursor after which
/// all that it reads is retained, or, when some entries below that one are retained, from just before the first of them.
pub(crate) fn after_loss(slice: &Slice) -> Cursor {
    let first = slice.records.first().map_or(slice.removed, |first| first.offset - 1);
    let offset = first.min(slice.removed);
    Cursor { epoch: slice.bounds.epoch.at(offset, slice.removed), offset }
}

/// How many of these entries, from the first on, are together no longer than `max_bytes` of JSON. A first entry that is
/// longer by itself counts: otherwise nobody would ever get it.
pub(crate) fn fitting<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&Arc<Entry>| {
        let is_first = bytes == 0;
        bytes += entry.encoded.json().len();
        is_first || bytes <= max_bytes
    };
    entries.take_while(fits).count()
}
