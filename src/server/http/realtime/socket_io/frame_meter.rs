//! Counts the frames that come over a WebSocket of Socket.IO, below the engine, which counts none: a message in parts
//! without end, pings, and packets that no handler sees would keep it busy for as long as the client likes. `upgraded` asks
//! it for all that it reads. What a client says in events has a limit of its own before this one (see `context`).

use std::io;

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

use crate::server::limits::{FrameRateLimiter, RateLimits, TooFast};

/// Frames that one message may come in, see the chat socket's `frame_reader`.
const PARTS_MAX: usize = 1_024;
/// The longest head of a frame (RFC 6455, 5.2).
const HEAD_MAX_BYTES: usize = 14;

/// See the module.
pub(super) struct Meter {
    /// Twice what the limit on frames lets through: who is above that limit is told so first, by an answer to an event.
    paces: [FrameRateLimiter; 2],
    /// Of the message that has begun.
    parts: usize,
    /// Of a frame's head, as far as it is here.
    head: Vec<u8>,
    /// Bytes of the frame that are still to come.
    rest: u64,
}

/// More than a connection may send. Only its end helps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flood;

impl Meter {
    /// The meter of a new connection.
    pub(super) fn new(limits: &RateLimits) -> Self {
        Self { paces: [limits.pace(), limits.pace()], parts: 0, head: Vec::new(), rest: 0 }
    }

    /// Takes bytes as they come, however they are cut.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), Flood> {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let passed = bytes.len().min(usize::try_from(self.rest).unwrap_or(usize::MAX));
                self.rest -= passed as u64;
                bytes = &bytes[passed..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            match FrameHeader::parse(&mut io::Cursor::new(&self.head)) {
                Ok(Some((header, length))) => {
                    self.rest = length;
                    self.head = Vec::new();
                    self.count(&header)?;
                }
                Ok(None) if self.head.len() < HEAD_MAX_BYTES => {}
                // What is no frame ends the connection by itself.
                Ok(None) | Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn count(&mut self, header: &FrameHeader) -> Result<(), Flood> {
        self.parts = match header.opcode {
            OpCode::Data(_) if header.is_final => 0,
            OpCode::Data(Data::Continue) => self.parts + 1,
            OpCode::Data(_) => 1,
            OpCode::Control(_) => self.parts,
        };
        let must_disconnect =
            |pace: &FrameRateLimiter| matches!(pace.step(), Err(TooFast { must_disconnect: true, .. }));
        if self.parts >= PARTS_MAX || self.paces.iter().all(must_disconnect) {
            return Err(Flood);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clap::Parser;

    use super::*;
    use crate::server::{
        cluster::backplane::{Backplane, Local},
        config::Config,
    };

    fn meter(frames: &str) -> Meter {
        let config = Config::try_parse_from(["idobata", "--limit-frames", frames]).expect("settings");
        let backplane: Arc<dyn Backplane> = Arc::new(Local::new());
        Meter::new(&RateLimits::new(&config.limits, &backplane))
    }

    /// A frame with a mask; `first` is the byte with the flags and the opcode.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("short");
        [&[first, 0x80 | length, 1, 2, 3, 4][..], payload].concat()
    }

    #[test]
    fn a_message_in_parts_has_an_end_however_it_is_cut() {
        for size in [1, 5, 4_096] {
            let mut meter = meter("off");
            let parts = |count| [frame(0x01, b"4"), frame(0x00, b"").repeat(count)].concat();
            let whole = [parts(PARTS_MAX - 2), frame(0x80, b"x")].concat();
            for _ in 0..3 {
                assert!(whole.chunks(size).all(|chunk| meter.take(chunk).is_ok()), "{size}");
            }
            let endless =
                [parts(0), [frame(0x00, b"x"), frame(0x89, b"")].concat().repeat(PARTS_MAX)].concat();
            assert!(endless.chunks(size).any(|chunk| meter.take(chunk) == Err(Flood)), "{size}");
        }
    }

    #[test]
    fn frames_of_every_kind_are_counted() {
        for one in
            [frame(0x89, b""), frame(0x8a, b""), frame(0x81, b"3"), frame(0x81, b"430[]"), frame(0x81, b"")]
        {
            let mut meter = meter("10/1m");
            let taken = (0..100).take_while(|_| meter.take(&one).is_ok()).count();
            assert_eq!(taken, 40, "twice what is said and what is refused: {one:?}");
        }
    }

    #[test]
    fn what_is_no_frame_is_left_to_the_engine() {
        assert_eq!(meter("off").take(&[0xff; 1_000]), Ok(()));
    }
}
