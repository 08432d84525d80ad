//! Brings what is new in a topic to its readers: one write of the system for each that stands at the head, without
//! waking its connection. All others are woken and read by themselves.
//!
//! A delivery never waits for a reader. One whose peer is slow is left to its own task, which comes back to the head
//! when it can; so whoever reads slowly costs the others nothing.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::{Delivery, Form, Offset, Position, Reader, Topic, Whispers, lock};
use crate::server::outlet::Offered;

/// Readers that are served before other tasks get their turn: a fraction of a millisecond.
const PORTION_READERS: usize = 64;
/// A piece ends with the entry that reaches this size. What a slow peer does not take of it is kept for the peer.
const PIECE_BYTES: usize = 16 * 1024;
/// Entries in a piece, however short they are.
const PIECE_ENTRIES: usize = 128;
/// Pieces that are remembered for the next reader: a few places where readers stand, in two forms.
const PIECES_KEPT: usize = 8;

/// Delivers until every reader has what there is or was woken. Returns how many entries were written.
pub(super) async fn run(topic: &Topic) -> usize {
    let mut delivered = 0;
    while topic.begin_delivery() {
        let mut round = Round { topic, pieces: Vec::new(), delivered: 0 };
        let mut next = 0;
        loop {
            let portion = topic.readers_from(next, PORTION_READERS);
            let Some(last) = portion.last() else { break };
            next = last.number() + 1;
            portion.iter().for_each(|reader| round.serve(reader));
            tokio::task::yield_now().await;
        }
        delivered += round.delivered;
    }
    delivered
}

/// Consecutive entries as one write, and where they bring a reader.
#[derive(Clone)]
struct Piece {
    bytes: Bytes,
    entries: usize,
    offset: Offset,
    whispered: u64,
}

/// What decides which piece a reader needs.
type Lack = (Offset, u64, Form);

/// Once through all readers.
struct Round<'a> {
    topic: &'a Topic,
    /// Nearly all readers stand at the same place, so nearly all get the same piece.
    pieces: Vec<(Lack, Option<Piece>)>,
    delivered: usize,
}

impl Round<'_> {
    fn serve(&mut self, reader: &Reader) {
        let mut position = reader.position();
        // If it is not put back, the connection reads by itself from here on, until it stands at the head again.
        let Some(outlet) = position.outlet.take() else { return reader.bell().ring() };
        while let Some(piece) = self.piece(&position, outlet.form(), reader.channels()) {
            if (piece.offset, piece.whispered) == (position.offset, position.whispered) {
                position.outlet = Some(outlet); // it has everything
                return;
            }
            let offered = if piece.bytes.is_empty() { Offered::Taken } else { outlet.offer(&piece.bytes) };
            if offered == Offered::Refused {
                break;
            }
            self.delivered += piece.entries;
            (position.offset, position.whispered) = (piece.offset, piece.whispered);
            if offered == Offered::Kept {
                break;
            }
        }
        reader.bell().ring();
    }

    /// What a reader at this position lacks, as far as it is in memory. `None`: it is not.
    fn piece(&mut self, position: &Position, form: Form, channels: Option<&[String]>) -> Option<Piece> {
        if channels.is_some() {
            return self.topic.piece_after(position, form, channels);
        }
        let lack = (position.offset, position.whispered, form);
        if let Some((_, piece)) = self.pieces.iter().rev().find(|(other, _)| *other == lack) {
            return piece.clone();
        }
        let piece = self.topic.piece_after(position, form, None);
        if self.pieces.len() == PIECES_KEPT {
            self.pieces.remove(0);
        }
        self.pieces.push((lack, piece.clone()));
        piece
    }
}

impl Topic {
    /// False: nothing has happened since the last time, and the delivery is over.
    fn begin_delivery(&self) -> bool {
        let mut state = lock(&self.state);
        state.delivery = match state.delivery {
            Delivery::Due => Delivery::Running,
            Delivery::Running | Delivery::Idle => Delivery::Idle,
        };
        state.delivery == Delivery::Running
    }

    fn readers_from(&self, number: u64, limit: usize) -> Vec<Arc<Reader>> {
        lock(&self.state).readers.range(number..).take(limit).map(|(_, reader)| reader.clone()).collect()
    }

    fn piece_after(&self, position: &Position, form: Form, channels: Option<&[String]>) -> Option<Piece> {
        let (whispers, entries) = {
            let state = lock(&self.state);
            let Whispers::Frames(whispers) = state.live_end.whispers_after(position.whispered) else {
                return None;
            };
            (whispers, state.live_end.recent_after(position.offset, PIECE_ENTRIES)?)
        };
        let mut piece = Piece {
            bytes: Bytes::new(),
            entries: 0,
            offset: position.offset,
            whispered: position.whispered + whispers.len() as u64,
        };
        let mut parts: Vec<Bytes> = whispers.iter().map(|whisper| whisper.bytes(form).clone()).collect();
        let mut size: usize = parts.iter().map(Bytes::len).sum();
        for entry in entries {
            if size >= PIECE_BYTES {
                break;
            }
            piece.offset = entry.offset;
            let wanted =
                |channels: &[String]| entry.channel.as_ref().is_some_and(|own| channels.contains(own));
            if channels.is_none_or(wanted) {
                piece.entries += 1;
                size += entry.encoded.bytes(form).len();
                parts.push(entry.encoded.bytes(form).clone());
            }
        }
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
