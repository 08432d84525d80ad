//! The post time inside a message's text: nanoseconds of the system clock, the only clock that two processes share as a
//! number. Writers put it at the start of the text; readers find it in the frame.

use std::time::{SystemTime, UNIX_EPOCH};

/// Digits of the nanoseconds since 1970, until the year 2286.
pub(crate) const DIGITS: usize = 19;

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_nanos()).expect("it is earlier than 2554")
}

/// A text of `size` bytes with the current time.
pub(crate) fn text(size: usize) -> String {
    format!("{:.<size$}", now())
}

/// The part of an entry that a reader needs.
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) posted: u64,
}

impl Entry {
    /// Finds the entry in a frame. `None` if the frame is not a message.
    pub(crate) fn find(json: &[u8]) -> Option<Self> {
        const KIND: &[u8] = br#"{"type":"message""#;
        if !json.starts_with(KIND) {
            return None;
        }
        let rest = after(json, br#""offset":"#)?;
        let posted = after(rest, br#""text":""#)?;
        Some(Self { offset: number(rest), posted: number(posted.get(..DIGITS)?) })
    }
}

/// The bytes after the first `mark`.
pub(crate) fn after<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let start = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some(&bytes[start + mark.len()..])
}

/// The number at the start.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
