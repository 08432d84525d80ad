//! The part of RFC 6455 that a reader needs: parsing frames, and building small ones.

pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A complete frame at the start of a buffer.
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
    /// Length including the head.
    pub(crate) length: usize,
}

impl<'a> Frame<'a> {
    /// Parses a frame. `None` if it is incomplete. A server's frames are not masked.
    pub(crate) fn find(bytes: &'a [u8]) -> Option<Self> {
        let (head, length) = match *bytes.get(1)? & 0x7f {
            126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().expect("two bytes")).into()),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().expect("eight bytes")) as usize),
            short => (2, short.into()),
        };
        let payload = bytes.get(head..head + length)?;
        Some(Self { opcode: bytes[0] & 0x0f, payload, length: head + length })
    }
}

/// A client's frame. The mask is zero: masking protects proxies, and there is none here.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    build(opcode, payload, 0x80, &[0; 4])
}

/// A server's text frame.
pub(crate) fn unmasked(payload: &[u8]) -> Vec<u8> {
    build(TEXT, payload, 0, &[])
}

fn build(opcode: u8, payload: &[u8], mask_bit: u8, mask: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(short @ ..126) => frame.push(mask_bit | short),
        _ => {
            frame.push(mask_bit | 126);
            let length = u16::try_from(payload.len()).expect("the bench makes no longer frames");
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload);
    frame
}
