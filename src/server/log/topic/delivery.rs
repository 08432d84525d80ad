//! Brings what is new in a topic to its readers: one write of the system for each that stands at the head, without
//! waking its connection. All others are woken and read by themselves.
//!
//! A delivery never waits for a reader. One whose peer is slow is left to its own task, which comes back to the head
//! when it can; so whoever reads slowly costs the others nothing.

use std::{collections::VecDeque, io, sync::Arc, thread};

use bytes::{Bytes, BytesMut};
use parking_lot::{Condvar, Mutex};

use super::{
    Channels, Ephemerals, Generation, Metrics, Offset, Reader, Topic, open::Delivery, reader::Position,
};
use crate::server::log::{
    frame_writer::{FrameWriter, WriteOutcome},
    wire_format::WireFormat,
};

/// Readers that are looked at before the first of them is written to: as many as stay in the core's own memory.
const PORTION_READERS: usize = 32;
/// A piece ends with the entry that reaches this size. What a slow peer does not take of it is kept for the peer.
const PIECE_BYTES: usize = 16 * 1024;
/// Entries in a piece, however short they are.
const PIECE_ENTRIES: usize = 128;
/// Pieces that are remembered for the next reader: a few places where readers stand, in two forms.
const PIECES_KEPT: usize = 8;

/// The threads that deliver, one a core. They are the system's and not the runtime's: a round through a large room
/// takes milliseconds of nothing but writes, and what else the server does shall not wait behind it.
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

    /// Sees to it that a round through the topic's readers begins which has not begun yet.
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

    /// Waits for a topic; `None` is the end.
    fn pop(&self) -> Option<Arc<Topic>> {
        let mut due = self.due.lock();
        self.pushed.wait_while(&mut due, |due| due.topics.is_empty() && !due.is_over);
        due.topics.pop_front()
    }
}

fn work(queue: &Queue, metrics: &Metrics) {
    while let Some(topic) = queue.pop() {
        topic.begin_round();
        let mut pass = Pass { topic: &topic, chunks: Vec::new(), delivered: 0 };
        pass.run();
        metrics.count_deliveries(pass.delivered);
        if topic.is_due_again() {
            // Behind the other topics, which had to wait for this one.
            queue.push(topic);
        }
    }
}

/// Consecutive entries as one write, and where they bring a reader.
#[derive(Clone)]
struct Chunk {
    bytes: Bytes,
    entries: usize,
    offset: Offset,
    ephemeral_count: u64,
    /// Whether it brings a reader to the head.
    is_last: bool,
}

/// What decides which piece a reader needs.
type Lack = (Offset, Generation, u64, WireFormat, Channels);

/// Once through all readers.
struct Pass<'a> {
    topic: &'a Topic,
    /// Nearly all readers stand at the same place, so nearly all get the same piece.
    chunks: Vec<(Lack, Option<Chunk>)>,
    delivered: usize,
}

impl Pass<'_> {
    fn run(&mut self) {
        for portion in self.topic.readers().chunks(PORTION_READERS) {
            // All at once, because a reader's memory is cold every time: one after the other each would be waited
            // for alone.
            let outlets: Vec<_> = portion
                .iter()
                .map(|reader| reader.frame_writer().map(|frame_writer| (frame_writer, frame_writer.form())))
                .collect();
            for (reader, frame_writer) in portion.iter().zip(outlets) {
                self.serve(reader, frame_writer);
            }
        }
    }

    fn serve(&mut self, reader: &Reader, frame_writer: Option<(&FrameWriter, WireFormat)>) {
        let mut position = reader.position();
        // It may have begun to stand since it was looked at.
        let frame_writer = frame_writer
            .or_else(|| reader.frame_writer().map(|frame_writer| (frame_writer, frame_writer.form())));
        position.is_live = match frame_writer {
            Some((frame_writer, form)) if position.is_live => {
                self.write(reader, &mut position, frame_writer, form)
            }
            _ => false,
        };
        if !position.is_live {
            // From here on the connection reads by itself, until it stands at the head again.
            reader.wakeup().ring();
        }
    }

    /// Writes what the reader lacks. True: it stands at the head again.
    fn write(
        &mut self,
        reader: &Reader,
        position: &mut Position,
        frame_writer: &FrameWriter,
        form: WireFormat,
    ) -> bool {
        while let Some(chunk) = self.chunk(position, form, reader.channels()) {
            let offered = if chunk.bytes.is_empty() {
                WriteOutcome::Taken
            } else {
                frame_writer.try_write(&chunk.bytes)
            };
            if offered == WriteOutcome::Refused {
                return false;
            }
            self.delivered += chunk.entries;
            (position.offset, position.ephemeral_count) = (chunk.offset, chunk.ephemeral_count);
            if chunk.is_last || offered == WriteOutcome::Kept {
                return offered == WriteOutcome::Taken;
            }
        }
        false
    }

    /// What a reader at this position lacks, as far as it is in memory. `None`: it is not.
    fn chunk(&mut self, position: &Position, form: WireFormat, channels: &Channels) -> Option<Chunk> {
        let lack = (position.offset, position.generation, position.ephemeral_count, form, channels.clone());
        if let Some((_, chunk)) = self.chunks.iter().rev().find(|(other, _)| *other == lack) {
            return chunk.clone();
        }
        let chunk = self.topic.piece_after(position, form, channels);
        if self.chunks.len() == PIECES_KEPT {
            self.chunks.remove(0);
        }
        self.chunks.push((lack, chunk.clone()));
        chunk
    }
}

impl Topic {
    /// True: the topic has to be put into the queue. Otherwise it is there, or will be once more.
    fn note_due(&self) -> bool {
        let mut state = self.state.lock();
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

    fn begin_round(&self) {
        self.state.lock().delivery = Delivery::Running;
    }

    /// Whether something has come that the round may have missed.
    fn is_due_again(&self) -> bool {
        let mut state = self.state.lock();
        let is_due = state.delivery == Delivery::RunningAndDue;
        state.delivery = if is_due { Delivery::Due } else { Delivery::Idle };
        is_due
    }

    fn piece_after(&self, position: &Position, form: WireFormat, channels: &Channels) -> Option<Chunk> {
        let (ephemerals, entries, head) = {
            let state = self.state.lock();
            if position.generation != state.generation {
                return None;
            }
            let live_end = &state.live_end;
            let Ephemerals::Frames(ephemerals) = live_end.ephemerals_after(position.ephemeral_count) else {
                return None;
            };
            (ephemerals, live_end.recent_after(position.offset, PIECE_ENTRIES)?, live_end.head())
        };
        let mut chunk = Chunk {
            bytes: Bytes::new(),
            entries: 0,
            offset: position.offset,
            ephemeral_count: position.ephemeral_count + ephemerals.len() as u64,
            is_last: false,
        };
        let mut parts: Vec<Bytes> =
            ephemerals.iter().map(|publish_ephemeral| publish_ephemeral.bytes(form).clone()).collect();
        let mut size: usize = parts.iter().map(Bytes::len).sum();
        for entry in entries {
            if size >= PIECE_BYTES {
                break;
            }
            chunk.offset = entry.offset;
            if channels.contain(entry.channel.as_deref()) {
                chunk.entries += 1;
                size += entry.encoded.bytes(form).len();
                parts.push(entry.encoded.bytes(form).clone());
            }
        }
        // A reader may be ahead of what this node was told: it came from another one.
        chunk.is_last = chunk.offset >= head;
        chunk.bytes = joined(parts, size);
        Some(chunk)
    }
}

/// Nearly always there is one part, which is shared and not copied.
fn joined(mut parts: Vec<Bytes>, size: usize) -> Bytes {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut bytes = BytesMut::with_capacity(size);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes.freeze()
}
