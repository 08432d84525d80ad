//! The reading half of a socket: bytes in, messages out (RFC 6455, section 5). `event_loop` reads by it. It must never
//! hold memory but while a message is on its way, nor more than one message.

use std::io;

use bytes::Bytes;
use tokio::net::TcpStream;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

use super::close;

/// Bytes that are read from the system at once; on the stack, so that a connection that is silent has no buffer.
const READ_BYTES: usize = 4 * 1024;
/// The largest payload of a control frame (RFC 6455, 5.5).
const CONTROL_MAX_BYTES: usize = 125;
/// Frames in which one message may come. Browsers and libraries send a message in one, or in parts of kilobytes; parts
/// may also be empty, and without this there would be no end to those.
const PARTS_MAX: usize = 1_024;

/// A whole message of the peer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Pong,
    /// Carries the code to answer.
    Close(u16),
}

/// A violation of the protocol by the peer, as the close code that names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) u16);

/// A message of which more frames are to come.
struct Begun {
    kind: Data,
    payload: Vec<u8>,
    parts: usize,
}

/// The reader of one socket.
pub(crate) struct FrameReader {
    /// Bytes that are received and not yet parsed.
    received: Vec<u8>,
    /// The parts so far of a message in several frames.
    begun: Option<Begun>,
    message_max_bytes: usize,
}

impl FrameReader {
    /// A reader of `received`, which came with the handshake, and of all that follows. A message above the maximum is
    /// rejected at the header that announces it.
    pub(crate) fn new(received: &Bytes, message_max_bytes: usize) -> Self {
        Self { received: received.to_vec(), begun: None, message_max_bytes }
    }

    /// Takes the bytes that the system has, without waiting. Returns false if the peer has closed.
    pub(super) fn fill(&mut self, stream: &TcpStream) -> io::Result<bool> {
        let mut buffer = [0; READ_BYTES];
        match stream.try_read(&mut buffer) {
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                Ok(count > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Takes the next message, if all of it is here.
    pub(super) fn next(&mut self) -> Result<Option<Incoming>, Fault> {
        while let Some((header, payload)) = self.next_frame()? {
            let message = match header.opcode {
                OpCode::Control(control) => Some(control_message(control, payload)?),
                OpCode::Data(data) => self.join(data, header.is_final, payload)?,
            };
            if message.is_some() {
                return Ok(message);
            }
        }
        Ok(None)
    }

    fn next_frame(&mut self) -> Result<Option<(FrameHeader, Vec<u8>)>, Fault> {
        let mut cursor = io::Cursor::new(&self.received);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Fault(close::PROTOCOL_ERROR))?;
        let Some((header, length)) = parsed else { return Ok(None) };
        let start = usize::try_from(cursor.position()).expect("it is a place in a Vec");
        self.check(&header, length)?;
        let end = start + usize::try_from(length).expect("it was compared with the maximum");
        if self.received.len() < end {
            return Ok(None);
        }
        let mut payload = self.received[start..end].to_vec();
        let mask = header.mask.expect("it was checked");
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        self.received.drain(..end);
        if self.received.is_empty() {
            self.received = Vec::new();
        }
        Ok(Some((header, payload)))
    }

    /// Checks a header before its payload is here: one that is too large must not be collected.
    fn check(&self, header: &FrameHeader, length: u64) -> Result<(), Fault> {
        let is_control = matches!(header.opcode, OpCode::Control(_));
        // No extension was agreed, clients mask, and control frames are short and whole (5.2, 5.3, 5.5).
        let is_broken = header.rsv1 || header.rsv2 || header.rsv3 || header.mask.is_none();
        if is_broken || is_control && (!header.is_final || length > CONTROL_MAX_BYTES as u64) {
            return Err(Fault(close::PROTOCOL_ERROR));
        }
        let begun = self.begun.as_ref().map_or(0, |begun| begun.payload.len());
        if !is_control && length > (self.message_max_bytes - begun) as u64 {
            return Err(Fault(close::TOO_BIG));
        }
        Ok(())
    }

    fn join(&mut self, data: Data, is_final: bool, payload: Vec<u8>) -> Result<Option<Incoming>, Fault> {
        let begun = match (data, self.begun.take()) {
            (Data::Continue, Some(mut begun)) => {
                begun.payload.extend_from_slice(&payload);
                Begun { parts: begun.parts + 1, ..begun }
            }
            (Data::Text | Data::Binary, None) => Begun { kind: data, payload, parts: 1 },
            // A continuation without a beginning, or a new message in the middle of one (5.4).
            _ => return Err(Fault(close::PROTOCOL_ERROR)),
        };
        if !is_final && begun.parts >= PARTS_MAX {
            return Err(Fault(close::POLICY));
        }
        if !is_final {
            self.begun = Some(begun);
            return Ok(None);
        }
        if begun.kind != Data::Text {
            return Ok(Some(Incoming::Binary));
        }
        let text = String::from_utf8(begun.payload);
        text.map(|text| Some(Incoming::Text(text))).map_err(|_| Fault(close::NOT_UTF8))
    }
}

fn control_message(control: Control, payload: Vec<u8>) -> Result<Incoming, Fault> {
    match control {
        Control::Ping => Ok(Incoming::Ping(payload)),
        Control::Pong => Ok(Incoming::Pong),
        Control::Close => close_message(&payload),
        Control::Reserved(_) => Err(Fault(close::PROTOCOL_ERROR)),
    }
}

/// The peer's code is answered with the same (5.5.1), if it is one that may be sent (7.4).
fn close_message(payload: &[u8]) -> Result<Incoming, Fault> {
    let Some((code, reason)) = payload.split_at_checked(2) else {
        return if payload.is_empty() {
            Ok(Incoming::Close(close::NORMAL))
        } else {
            Err(Fault(close::PROTOCOL_ERROR))
        };
    };
    let code = u16::from_be_bytes([code[0], code[1]]);
    if !CloseCode::from(code).is_allowed() {
        return Err(Fault(close::PROTOCOL_ERROR));
    }
    std::str::from_utf8(reason).map(|_| Incoming::Close(code)).map_err(|_| Fault(close::NOT_UTF8))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    /// A frame as a client sends it; `first` is the byte with the flags and the opcode.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).expect("short")];
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    fn messages(bytes: &[u8]) -> Result<Vec<Incoming>, Fault> {
        let mut frame_reader = FrameReader::new(&Bytes::new(), 100);
        let mut messages = Vec::new();
        // Byte by byte: a frame may be cut anywhere on its way.
        for byte in bytes {
            frame_reader.received.push(*byte);
            messages.extend(frame_reader.next()?);
        }
        assert_eq!(frame_reader.received.capacity(), 0, "nothing is held between messages");
        Ok(messages)
    }

    #[test]
    fn frames_that_come_in_pieces_are_whole_messages() {
        let mut bytes = masked(0x81, "井戸端".as_bytes());
        bytes.extend(masked(0x01, b"a"));
        bytes.extend(masked(0x89, b"between"));
        bytes.extend(masked(0x80, b"b"));
        bytes.extend(masked(0x8a, b""));
        bytes.extend(masked(0x82, &[0xff]));
        bytes.extend(masked(0x88, &[0x03, 0xe9, b'!']));
        let expected = vec![
            Incoming::Text("井戸端".into()),
            Incoming::Ping(b"between".to_vec()),
            Incoming::Text("ab".into()),
            Incoming::Pong,
            Incoming::Binary,
            Incoming::Close(1001),
        ];
        assert_eq!(messages(&bytes), Ok(expected));
    }

    #[test]
    fn each_violation_has_its_close_code() {
        let unmasked = vec![0x81, 0x01, b'a'];
        for (bytes, code) in [
            (unmasked, close::PROTOCOL_ERROR),
            (masked(0xc1, b"a"), close::PROTOCOL_ERROR), // an extension
            (masked(0x83, b"a"), close::PROTOCOL_ERROR), // no such opcode
            (masked(0x80, b"a"), close::PROTOCOL_ERROR), // continues no message
            ([masked(0x01, b"a"), masked(0x81, b"b")].concat(), close::PROTOCOL_ERROR),
            (masked(0x09, b"a"), close::PROTOCOL_ERROR), // a control frame in parts
            (masked(0x88, &[0x03]), close::PROTOCOL_ERROR), // half a code
            (masked(0x88, &[0x03, 0xed]), close::PROTOCOL_ERROR), // 1005 is never sent
            (masked(0x81, &[0xff]), close::NOT_UTF8),
            (masked(0x81, &[b'x'; 101]), close::TOO_BIG),
            ([masked(0x01, &[b'x'; 60]), masked(0x80, &[b'x'; 60])].concat(), close::TOO_BIG),
        ] {
            assert_eq!(messages(&bytes), Err(Fault(code)), "{bytes:x?}");
        }
    }

    #[test]
    fn a_message_has_an_end_also_in_empty_parts() {
        let begin = masked(0x01, b"a");
        let parts = |count: usize| [begin.clone(), masked(0x00, b"").repeat(count)].concat();
        let whole = [parts(PARTS_MAX - 2), masked(0x80, b"b")].concat();
        assert_eq!(messages(&whole), Ok(vec![Incoming::Text("ab".into())]));
        assert_eq!(messages(&parts(PARTS_MAX)), Err(Fault(close::POLICY)));
        let tiny =
            [begin.clone(), [masked(0x00, b"x"), masked(0x89, b"")].concat().repeat(PARTS_MAX)].concat();
        let mut frame_reader = FrameReader::new(&Bytes::from(tiny), usize::MAX);
        let fault =
            std::iter::from_fn(|| Some(frame_reader.next())).take(4 * PARTS_MAX).find_map(Result::err);
        assert_eq!(fault, Some(Fault(close::POLICY)), "pings in between change nothing");
    }

    #[test]
    fn a_message_that_is_announced_too_large_is_not_collected() {
        let mut head = vec![0x81, 0xff];
        head.extend(u64::MAX.to_be_bytes());
        head.extend(MASK);
        assert_eq!(messages(&head), Err(Fault(close::TOO_BIG)));
    }
}
