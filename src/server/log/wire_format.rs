//! The two formats in which JSON reaches a live connection: a WebSocket frame and a server-sent event. Each is encoded
//! once and shared by all its readers: the topic encodes entries and ephemeral frames, the routes their own messages.
//! It must never look into the JSON.

use bytes::{BufMut, Bytes, BytesMut};

use crate::protocol::cursor::Cursor;

/// The format that a connection takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFormat {
    /// A text frame of RFC 6455, ready to be written.
    WebSocket,
    /// An event of the HTML standard, 9.2: `id: cursor\ndata: {json}\n\n`.
    Sse,
}

impl WireFormat {
    /// JSON in this format; a frame carries no cursor.
    pub fn encode(self, cursor: Option<&Cursor>, json: &str) -> Bytes {
        match self {
            Self::WebSocket => frame(TEXT, json.as_bytes()),
            Self::Sse => sse_event(cursor, json),
        }
    }
}

/// JSON in both formats. JSON has no raw line breaks, which the event's `data:` relies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    websocket: Bytes,
    sse: Bytes,
    json_bytes: usize,
}

impl Encoded {
    /// Encodes `json`; an entry has its cursor, an ephemeral frame has none.
    pub fn new(cursor: Option<&Cursor>, json: &str) -> Self {
        let (websocket, sse) = (frame(TEXT, json.as_bytes()), sse_event(cursor, json));
        Self { websocket, sse, json_bytes: json.len() }
    }

    /// The bytes for a connection that takes this format.
    pub fn bytes(&self, format: WireFormat) -> &Bytes {
        match format {
            WireFormat::WebSocket => &self.websocket,
            WireFormat::Sse => &self.sse,
        }
    }

    /// The JSON alone, an element of a page.
    pub fn json(&self) -> Bytes {
        self.websocket.slice(self.websocket.len() - self.json_bytes..)
    }

    /// The bytes that it holds in memory.
    pub fn held_bytes(&self) -> usize {
        self.websocket.len() + self.sse.len()
    }
}

/// Opcode of a text message (RFC 6455, 5.6, as the sections below).
pub const TEXT: u8 = 0x1;
/// Opcode of the last frame of either side (5.5.1).
pub const CLOSE: u8 = 0x8;
/// Opcode of a frame that asks for a pong (5.5.2).
pub const PING: u8 = 0x9;
/// Opcode of the answer to a ping (5.5.3).
pub const PONG: u8 = 0xA;
/// Marks a frame that is a whole message.
const FIN: u8 = 0x80;

/// One whole message as the server sends it: in one frame, without a mask (RFC 6455, 5.1 and 5.2).
pub fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(10 + payload.len());
    frame.put_u8(FIN | opcode);
    match payload.len() {
        short @ 0..=125 => frame.put_u8(short as u8),
        middle @ 126..=0xffff => {
            frame.put_u8(126);
            frame.put_u16(middle as u16);
        }
        long => {
            frame.put_u8(127);
            frame.put_u64(long as u64);
        }
    }
    frame.extend_from_slice(payload);
    frame.freeze()
}

/// One server-sent event with an id of its own.
pub fn sse_event_at(id: &str, json: &str) -> Bytes {
    Bytes::from(format!("id: {id}\ndata: {json}\n\n"))
}

/// One server-sent event. Without a cursor it leaves the reader's `Last-Event-ID` as it is.
pub fn sse_event(cursor: Option<&Cursor>, json: &str) -> Bytes {
    let id = cursor.map(|cursor| format!("id: {cursor}\n")).unwrap_or_default();
    Bytes::from(format!("{id}data: {json}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_a_frame_and_an_event_and_stays_readable() {
        let cursor = "e:7".parse().expect("a cursor");
        let encoded = Encoded::new(Some(&cursor), "{\"n\":7}");
        assert_eq!(encoded.bytes(WireFormat::WebSocket), &b"\x81\x07{\"n\":7}"[..]);
        assert_eq!(encoded.bytes(WireFormat::Sse), &"id: e:7\ndata: {\"n\":7}\n\n");
        assert_eq!(encoded.json(), "{\"n\":7}");
        assert_eq!(Encoded::new(None, "{}").bytes(WireFormat::Sse), &"data: {}\n\n");
    }

    #[test]
    fn the_length_of_a_frame_is_written_in_the_fewest_bytes() {
        for (bytes, head) in [
            (125, &[0x81, 125][..]),
            (126, &[0x81, 126, 0, 126]),
            (0xffff, &[0x81, 126, 0xff, 0xff]),
            (0x1_0000, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = frame(TEXT, &vec![b'x'; bytes]);
            assert_eq!((&frame[..head.len()], frame.len()), (head, head.len() + bytes));
        }
    }
}
