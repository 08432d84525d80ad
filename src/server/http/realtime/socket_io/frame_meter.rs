//! Counts the frames that come over a WebSocket of Socket.IO, below the engine, which counts none: a message in parts
//! without end, pings, and packets that no handler sees would keep it busy for as long as the client likes.
//! `upgraded_stream` passes it all bytes that it reads. A client's events have a limit of their own before this one, in
//! `connection_context`. It must never change or hold back a byte.

use std::io;

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

use crate::server::limits::{FrameRateLimiter, RateLimits, TooFast};

/// Frames in which one message may come, as for the chat socket's `frame_reader`.
const PARTS_MAX: usize = 1_024;
/// The longest header of a frame (RFC 6455, 5.2).
const HEAD_MAX_BYTES: usize = 14;

/// The meter of one connection.
pub(super) struct Meter {
    /// Together twice the limit on frames: a client above that limit is rejected first, by an answer to an event.
    rates: [FrameRateLimiter; 2],
    /// Frames so far of the message that has begun.
    parts: usize,
    /// The bytes of a frame's header, as far as they are here.
    head: Vec<u8>,
    /// Bytes of the frame's payload that are still to come.
    rest: u64,
}

/// The client sends more than a connection may. Only its end helps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flood;

impl Meter {
    /// The meter of a new connection.
    pub(super) fn new(limits: &RateLimits) -> Self {
        Self {
            rates: [limits.frame_rate_limiter(), limits.frame_rate_limiter()],
            parts: 0,
            head: Vec::new(),
            rest: 0,
        }
    }

    /// Takes the next bytes, cut anywhere. Fails if the connection has to end.
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
                // The engine ends a connection whose bytes are no frame.
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
            |rate: &FrameRateLimiter| matches!(rate.step(), Err(TooFast { must_disconnect: true, .. }));
        if self.parts >= PARTS_MAX || self.rates.iter().all(must_disconnect) {
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
    fn a_message_in_parts_has_an_end_in_any_pieces() {
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
            assert_eq!(taken, 40, "twice what is accepted and what is rejected: {one:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_frame_are_left_to_the_engine() {
        assert_eq!(meter("off").take(&[0xff; 1_000]), Ok(()));
    }
}
