//! Brings what is new in a topic to its readers: one write of the system for each that stands at the head, without
//! waking its connection. All others are woken and read by themselves.
//!
//! A delivery never waits for a reader. One whose peer is slow is left to its own task, which comes back to the head
//! when it can; so whoever reads slowly costs the others nothing.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};

use bytes::{Bytes, BytesMut};

use super::{
    Channels, Metrics, Numbering, Offset, Reader, Topic, Whispers, lock, open::Delivery, reader::Position,
};
use crate::server::log::{
    frame_writer::{Offered, Outlet},
    wire_format::Form,
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
pub(super) struct Deliverers(Arc<Queue>);

impl Deliverers {
    pub(super) fn start(metrics: &Arc<Metrics>) -> io::Result<Self> {
        let deliverers = Self(Arc::default());
        for _ in 0..thread::available_parallelism()?.get() {
            let (queue, metrics) = (deliverers.0.clone(), metrics.clone());
            thread::Builder::new().name("delivery".into()).spawn(move || work(&queue, &metrics))?;
        }
        Ok(deliverers)
    }

    /// Sees to it that a round through the topic's readers begins which has not begun yet.
    pub(super) fn deliver(&self, topic: Arc<Topic>) {
        if topic.note_due() {
            self.0.push(topic);
        }
    }
}

impl Drop for Deliverers {
    fn drop(&mut self) {
        lock(&self.0.due).is_over = true;
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
        lock(&self.due).topics.push_back(topic);
        self.pushed.notify_one();
    }

    /// Waits for a topic; `None` is the end.
    fn pop(&self) -> Option<Arc<Topic>> {
        let due = lock(&self.due);
        let waited = self.pushed.wait_while(due, |due| due.topics.is_empty() && !due.is_over);
        waited.unwrap_or_else(PoisonError::into_inner).topics.pop_front()
    }
}

fn work(queue: &Queue, metrics: &Metrics) {
    while let Some(topic) = queue.pop() {
        topic.begin_round();
        let mut round = Round { topic: &topic, pieces: Vec::new(), delivered: 0 };
        round.run();
        metrics.count_deliveries(round.delivered);
        if topic.is_due_again() {
            // Behind the other topics, which had to wait for this one.
            queue.push(topic);
        }
    }
}

/// Consecutive entries as one write, and where they bring a reader.
#[derive(Clone)]
struct Piece {
    bytes: Bytes,
    entries: usize,
    offset: Offset,
    whispered: u64,
    /// Whether it brings a reader to the head.
    is_last: bool,
}

/// What decides which piece a reader needs.
type Lack = (Offset, Numbering, u64, Form, Channels);

/// Once through all readers.
struct Round<'a> {
    topic: &'a Topic,
    /// Nearly all readers stand at the same place, so nearly all get the same piece.
    pieces: Vec<(Lack, Option<Piece>)>,
    delivered: usize,
}

impl Round<'_> {
    fn run(&mut self) {
        for portion in self.topic.readers().chunks(PORTION_READERS) {
            // All at once, because a reader's memory is cold every time: one after the other each would be waited
            // for alone.
            let outlets: Vec<_> =
                portion.iter().map(|reader| reader.outlet().map(|outlet| (outlet, outlet.form()))).collect();
            for (reader, outlet) in portion.iter().zip(outlets) {
                self.serve(reader, outlet);
            }
        }
    }

    fn serve(&mut self, reader: &Reader, outlet: Option<(&Outlet, Form)>) {
        let mut position = reader.position();
        // It may have begun to stand since it was looked at.
        let outlet = outlet.or_else(|| reader.outlet().map(|outlet| (outlet, outlet.form())));
        position.stands = match outlet {
            Some((outlet, form)) if position.stands => self.write(reader, &mut position, outlet, form),
            _ => false,
        };
        if !position.stands {
            // From here on the connection reads by itself, until it stands at the head again.
            reader.bell().ring();
        }
    }

    /// Writes what the reader lacks. True: it stands at the head again.
    fn write(&mut self, reader: &Reader, position: &mut Position, outlet: &Outlet, form: Form) -> bool {
        while let Some(piece) = self.piece(position, form, reader.channels()) {
            let offered = if piece.bytes.is_empty() { Offered::Taken } else { outlet.offer(&piece.bytes) };
            if offered == Offered::Refused {
                return false;
            }
            self.delivered += piece.entries;
            (position.offset, position.whispered) = (piece.offset, piece.whispered);
            if piece.is_last || offered == Offered::Kept {
                return offered == Offered::Taken;
            }
        }
        false
    }

    /// What a reader at this position lacks, as far as it is in memory. `None`: it is not.
    fn piece(&mut self, position: &Position, form: Form, channels: &Channels) -> Option<Piece> {
        let lack = (position.offset, position.numbering, position.whispered, form, channels.clone());
        if let Some((_, piece)) = self.pieces.iter().rev().find(|(other, _)| *other == lack) {
            return piece.clone();
        }
        let piece = self.topic.piece_after(position, form, channels);
        if self.pieces.len() == PIECES_KEPT {
            self.pieces.remove(0);
        }
        self.pieces.push((lack, piece.clone()));
        piece
    }
}

impl Topic {
    /// True: the topic has to be put into the queue. Otherwise it is there, or will be once more.
    fn note_due(&self) -> bool {
        let mut state = lock(&self.state);
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
        lock(&self.state).delivery = Delivery::Running;
    }

    /// Whether something has come that the round may have missed.
    fn is_due_again(&self) -> bool {
        let mut state = lock(&self.state);
        let is_due = state.delivery == Delivery::RunningAndDue;
        state.delivery = if is_due { Delivery::Due } else { Delivery::Idle };
        is_due
    }

    fn piece_after(&self, position: &Position, form: Form, channels: &Channels) -> Option<Piece> {
        let (whispers, entries, head) = {
            let state = lock(&self.state);
            if position.numbering != state.numbering {
                return None;
            }
            let live_end = &state.live_end;
            let Whispers::Frames(whispers) = live_end.whispers_after(position.whispered) else {
                return None;
            };
            (whispers, live_end.recent_after(position.offset, PIECE_ENTRIES)?, live_end.head())
        };
        let mut piece = Piece {
            bytes: Bytes::new(),
            entries: 0,
            offset: position.offset,
            whispered: position.whispered + whispers.len() as u64,
            is_last: false,
        };
        let mut parts: Vec<Bytes> = whispers.iter().map(|whisper| whisper.bytes(form).clone()).collect();
        let mut size: usize = parts.iter().map(Bytes::len).sum();
        for entry in entries {
            if size >= PIECE_BYTES {
                break;
            }
            piece.offset = entry.offset;
            if channels.contain(entry.channel.as_deref()) {
                piece.entries += 1;
                size += entry.encoded.bytes(form).len();
                parts.push(entry.encoded.bytes(form).clone());
            }
        }
        // A reader may be ahead of what this node was told: it came from another one.
        piece.is_last = piece.offset >= head;
        piece.bytes = joined(parts, size);
        Some(piece)
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
