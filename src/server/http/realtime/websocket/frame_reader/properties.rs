//! Hostile bytes for the frame reader: for any bytes, cut in any way, it never panics, never holds more than one
//! message, and returns the same. `make fuzz` runs these for as long as you like.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Small, so that the bound is often met.
const MAX_BYTES: usize = 200;
/// The longest head of a frame (RFC 6455, 5.2).
const HEAD_MAX_BYTES: usize = 14;

/// A frame with a mask and the chosen form of its length, the shortest or not.
fn frame(first: u8, payload: &[u8], mask: [u8; 4], length_form: u8) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first];
    match length_form {
        0 if length < 126 => frame.push(0x80 | u8::try_from(length).expect("below 126")),
        0 | 1 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).expect("short").to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A frame of any kind, mostly of the defined ones.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        6 => select(vec![0x81, 0x01, 0x80, 0x00, 0x82, 0x02, 0x88, 0x89, 0x8a]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        vec(any::<u8>(), 0..MAX_BYTES + 20),
        "\\PC{0,20}".prop_map(String::into_bytes),
        (1000u16..1016).prop_map(|code| code.to_be_bytes().to_vec()),
    ];
    (first, payload, any::<[u8; 4]>(), 0u8..3)
        .prop_map(|(first, payload, mask, length_form)| frame(first, &payload, mask, length_form))
}

/// Bytes as they could come: frames, frames with bytes changed, anything.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let frames = vec(any_frame(), 0..6).prop_map(|frames| frames.concat());
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    prop_oneof![
        3 => (frames, changes).prop_map(|(mut bytes, changes)| {
            for (index, byte) in changes {
                if !bytes.is_empty() {
                    let index = index.index(bytes.len());
                    bytes[index] = byte;
                }
            }
            bytes
        }),
        1 => vec(any::<u8>(), 0..400),
    ]
}

/// The result of the frame reader for these bytes, in pieces of these lengths, over and over.
fn read(bytes: &[u8], lengths: &[usize]) -> (Vec<Incoming>, Option<Fault>) {
    let mut frame_reader = FrameReader::new(&Bytes::new(), MAX_BYTES);
    let (mut messages, mut rest, mut lengths) = (Vec::new(), bytes, lengths.iter().cycle());
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| (*length).clamp(1, rest.len()));
        let (piece, after) = rest.split_at(length);
        frame_reader.received.extend_from_slice(piece);
        rest = after;
        loop {
            match frame_reader.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(fault) => return (messages, Some(fault)),
            }
        }
        assert!(
            frame_reader.received.len() < HEAD_MAX_BYTES + MAX_BYTES,
            "only the bytes of one frame are held"
        );
        assert!(frame_reader.begun.as_ref().is_none_or(|begun| begun.payload.len() <= MAX_BYTES));
    }
    (messages, None)
}

/// A text, and the lengths of the frames it goes in.
fn text_in_frames() -> impl Strategy<Value = (String, Vec<usize>, [u8; 4], u8)> {
    ("\\PC{0,40}", vec(0usize..30, 1..5), any::<[u8; 4]>(), 0u8..3)
}

/// The frames of a text, with a ping after each that is not the last.
fn frames_of(text: &str, lengths: &[usize], mask: [u8; 4], length_form: u8) -> Vec<u8> {
    let (mut rest, mut bytes, mut opcode) = (text.as_bytes(), Vec::new(), 0x01);
    for length in lengths {
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        bytes.extend(frame(opcode, piece, mask, length_form));
        bytes.extend(frame(0x89, b"?", mask, 0));
        (rest, opcode) = (after, 0x00);
    }
    bytes.extend(frame(0x80 | opcode, rest, mask, length_form));
    bytes
}

proptest! {
    #[test]
    fn any_bytes_have_one_result_in_any_pieces(bytes in bytes(), lengths in vec(1usize..40, 1..6)) {
        prop_assert_eq!(read(&bytes, &lengths), read(&bytes, &[]));
    }

    #[test]
    fn a_message_above_the_maximum_is_rejected_in_any_frames(lengths in vec(0usize..=MAX_BYTES, 1..5)) {
        let last = lengths.len() - 1;
        let bytes = lengths.iter().enumerate().flat_map(|(index, length)| {
            let opcode = if index == 0 { 0x02 } else { 0x00 };
            frame(if index == last { 0x80 | opcode } else { opcode }, &vec![b'x'; *length], [1, 2, 3, 4], 0)
        });
        let fits = lengths.iter().sum::<usize>() <= MAX_BYTES;
        let expected = if fits { (vec![Incoming::Binary], None) } else { (vec![], Some(Fault(close::TOO_BIG))) };
        prop_assert_eq!(read(&bytes.collect::<Vec<_>>(), &[]), expected);
    }

    #[test]
    fn a_text_in_any_frames_and_pieces_is_whole(
        texts in vec(text_in_frames(), 1..4),
        pieces in vec(1usize..40, 1..6),
    ) {
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (text, lengths, mask, length_form) in texts.iter().filter(|(text, ..)| text.len() <= MAX_BYTES) {
            bytes.extend(frames_of(text, lengths, *mask, *length_form));
            expected.extend(lengths.iter().map(|_| Incoming::Ping(b"?".to_vec())));
            expected.push(Incoming::Text(text.clone()));
        }
        prop_assert_eq!(read(&bytes, &pieces), (expected, None));
    }
}
