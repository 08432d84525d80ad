//! Live delivery: writes new entries of a topic to its live readers, one system call each, without waking their
//! connections. All others are woken and read by themselves. [`super::Topics`] starts it for each new entry.
//!
//! Delivery must never wait for a reader. One whose peer is slow is left to its own task, which attaches live delivery
//! again when it can; so a slow reader costs the others nothing.

use std::{collections::VecDeque, io, sync::Arc, thread, time::Instant};

use bytes::{Bytes, BytesMut};
use parking_lot::{Condvar, Mutex};

use super::{
    Channels, Generation, Metrics, Offset, Reader, Topic, Update, Updates, open::Delivery, reader::Position,
};
use crate::server::log::{
    frame_writer::{FrameWriter, WriteOutcome},
    wire_format::WireFormat,
};

/// Readers that are looked at before the first of them is written to: as many as stay in the core's cache.
const BATCH_READERS: usize = 32;
/// A chunk ends with the entry that reaches this size. The bytes that a slow peer does not take of it are buffered.
const CHUNK_BYTES: usize = 16 * 1024;
/// Most entries in a chunk, however short they are.
const CHUNK_MAX_ENTRIES: usize = 128;
/// Chunks that are kept for the next reader: those of a few positions, in two formats.
const CHUNKS_KEPT: usize = 8;

/// The threads that deliver, one a core. They are the system's and not the runtime's: a pass through a large room
/// takes milliseconds of nothing but writes, and the server's other work must not wait behind it.
pub(super) struct DeliveryPool(Arc<Queue>);

impl DeliveryPool {
    pub(super) fn start(metrics: &Arc<Metrics>) -> io::Result<Self> {
        let delivery_pool = Self(Arc::default());
        for _ in 0..thread::available_parallelism()?.get() {
            let (queue, metrics) = (delivery_pool.0.clone(), metrics.clone());
            thread::Builder::new().name("delivery".into()).spawn(move || work(&queue, &metrics))?;
        }
        Ok(delivery_pool)
    }

    /// Queues a pass through the topic's readers, unless one is queued that has not begun.
    pub(super) fn deliver(&self, topic: Arc<Topic>) {
        if topic.note_due() {
            self.0.push(topic);
        }
    }
}

impl Drop for DeliveryPool {
    fn drop(&mut self) {
        self.0.due.lock().is_over = true;
        self.0.pushed.notify_all();
    }
}

/// Topics that have something to deliver, each at most once.
#[derive(Default)]
struct Queue {
    due: Mutex<Due>,
    pushed: Condvar,
}

#[derive(Default)]
struct Due {
    topics: VecDeque<Arc<Topic>>,
    is_over: bool,
}

impl Queue {
    fn push(&self, topic: Arc<Topic>) {
        self.due.lock().topics.push_back(topic);
        self.pushed.notify_one();
    }

    /// Waits for a topic; `None` ends the thread.
    fn pop(&self) -> Option<Arc<Topic>> {
        let mut due = self.due.lock();
        self.pushed.wait_while(&mut due, |due| due.topics.is_empty() && !due.is_over);
        due.topics.pop_front()
    }
}

fn work(queue: &Queue, metrics: &Metrics) {
    while let Some(topic) = queue.pop() {
        let due_since = topic.begin_pass();
        let mut pass = Pass { topic: &topic, chunks: Vec::new(), delivered: 0 };
        pass.run();
        metrics.count_deliveries(pass.delivered);
        due_since.filter(|_| pass.delivered > 0).inspect(|since| metrics.observe_delivery(*since));
        if topic.is_due_again() {
            // Behind the other topics, which had to wait for this one.
            queue.push(topic);
        }
    }
}

/// Consecutive items as one write, and the position of a reader behind them.
#[derive(Clone)]
struct Chunk {
    bytes: Bytes,
    entries: usize,
    offset: Offset,
    ephemeral_count: u64,
    /// The chunk brings a reader to the head.
    is_last: bool,
}

/// The key of the chunk that a reader needs.
type ChunkKey = (Offset, Generation, u64, WireFormat, Channels);

/// One pass through all readers of a topic.
struct Pass<'a> {
    topic: &'a Topic,
    /// Nearly all readers have the same position, so nearly all get the same chunk.
    chunks: Vec<(ChunkKey, Option<Chunk>)>,
    delivered: usize,
}

impl Pass<'_> {
    fn run(&mut self) {
        for batch in self.topic.readers().chunks(BATCH_READERS) {
            // All at once, because a reader's memory is cold every time: one after the other, each would be waited
            // for alone.
            let frame_writers: Vec<_> = batch
                .iter()
                .map(|reader| reader.frame_writer().map(|frame_writer| (frame_writer, frame_writer.format())))
                .collect();
            for (reader, frame_writer) in batch.iter().zip(frame_writers) {
                self.serve(reader, frame_writer);
            }
        }
    }

    fn serve(&mut self, reader: &Reader, frame_writer: Option<(&FrameWriter, WireFormat)>) {
        let mut position = reader.position();
        // Live delivery may have been attached since the reader was looked at.
        let frame_writer = frame_writer
            .or_else(|| reader.frame_writer().map(|frame_writer| (frame_writer, frame_writer.format())));
        position.is_live = match frame_writer {
            Some((frame_writer, format)) if position.is_live => {
                self.write(reader, &mut position, frame_writer, format)
            }
            _ => false,
        };
        if !position.is_live {
            // From here on the connection reads by itself, until it attaches live delivery again.
            reader.wakeup().notify();
        }
    }

    /// Writes the items that the reader lacks. Returns true if the reader is at the head again.
    fn write(
        &mut self,
        reader: &Reader,
        position: &mut Position,
        frame_writer: &FrameWriter,
        format: WireFormat,
    ) -> bool {
        while let Some(chunk) = self.chunk(position, format, reader.channels()) {
            let outcome = if chunk.bytes.is_empty() {
                WriteOutcome::Written
            } else {
                frame_writer.try_write(&chunk.bytes)
            };
            if outcome == WriteOutcome::WouldBlock {
                return false;
            }
            self.delivered += chunk.entries;
            (position.offset, position.ephemeral_count) = (chunk.offset, chunk.ephemeral_count);
            if chunk.is_last || outcome == WriteOutcome::Buffered {
                return outcome == WriteOutcome::Written;
            }
        }
        false
    }

    /// The next items for a reader at this position. `None`: they are not in memory.
    fn chunk(&mut self, position: &Position, format: WireFormat, channels: &Channels) -> Option<Chunk> {
        let key = (position.offset, position.generation, position.ephemeral_count, format, channels.clone());
        if let Some((_, chunk)) = self.chunks.iter().rev().find(|(other, _)| *other == key) {
            return chunk.clone();
        }
        let chunk = self.topic.chunk_after(position, format, channels);
        if self.chunks.len() == CHUNKS_KEPT {
            self.chunks.remove(0);
        }
        self.chunks.push((key, chunk.clone()));
        chunk
    }
}

impl Topic {
    /// Returns true if the topic has to be put into the queue. Otherwise it is there, or will be once more.
    fn note_due(&self) -> bool {
        let mut state = self.state.lock();
        if !state.readers.is_empty() {
            state.due_since.get_or_insert_with(Instant::now);
        }
        match state.delivery {
            Delivery::Idle if !state.readers.is_empty() => {
                state.delivery = Delivery::Due;
                return true;
            }
            Delivery::Running => state.delivery = Delivery::RunningAndDue,
            Delivery::Idle | Delivery::Due | Delivery::RunningAndDue => {}
        }
        false
    }

    /// Begins a pass. Returns the time since which there has been something to deliver.
    fn begin_pass(&self) -> Option<Instant> {
        let mut state = self.state.lock();
        state.delivery = Delivery::Running;
        state.due_since.take()
    }

    /// Ends the pass. Returns true if an item has come that the pass may have missed.
    fn is_due_again(&self) -> bool {
        let mut state = self.state.lock();
        let is_due = state.delivery == Delivery::RunningAndDue;
        state.delivery = if is_due { Delivery::Due } else { Delivery::Idle };
        is_due
    }

    fn chunk_after(&self, position: &Position, format: WireFormat, channels: &Channels) -> Option<Chunk> {
        let (updates, head) = {
            let state = self.state.lock();
            if position.generation != state.generation {
                return None;
            }
            let live_end = &state.live_end;
            let ephemerals = live_end.ephemerals_after(position.ephemeral_count);
            let entries = live_end.recent_after(position.offset, CHUNK_MAX_ENTRIES)?;
            (Updates { ephemerals, entries, reset: None }, live_end.head())
        };
        let Position { offset, ephemeral_count, .. } = *position;
        let mut chunk = Chunk { bytes: Bytes::new(), entries: 0, offset, ephemeral_count, is_last: false };
        let (mut parts, mut size) = (Vec::new(), 0);
        for update in updates.in_order() {
            let encoded = match update {
                Update::Ephemeral(frame) => {
                    chunk.ephemeral_count += 1;
                    frame
                }
                Update::Entry(_) if size >= CHUNK_BYTES => break,
                Update::Entry(entry) => {
                    chunk.offset = entry.offset;
                    if !channels.contain(entry.channel.as_deref()) {
                        continue;
                    }
                    chunk.entries += 1;
                    &entry.encoded
                }
                // The connection has to tell these.
                Update::EphemeralsMissed | Update::Reset(_) => return None,
            };
            size += encoded.bytes(format).len();
            parts.push(encoded.bytes(format).clone());
        }
        // A reader may be ahead of the announcements to this node: it came from another one.
        chunk.is_last = chunk.offset >= head;
        chunk.bytes = joined(parts, size);
        Some(chunk)
    }
}

/// Joins the parts of a chunk. Nearly always there is one, which is shared and not copied.
fn joined(mut parts: Vec<Bytes>, size: usize) -> Bytes {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut bytes = BytesMut::with_capacity(size);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes.freeze()
}
