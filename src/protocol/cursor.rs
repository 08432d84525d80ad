//! Positions in a topic's log. A reader holds a [`Cursor`] and nothing else.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    json::{Decode, Json},
    problem::{Code, Rejection},
};

/// The place of an entry in its topic: 1, 2, 3 … without holes. 0 is "before the first".
pub type Offset = u64;

/// Longest accepted epoch; ours have 12 characters, the rest is room for other stores.
const EPOCH_MAX_CHARACTERS: usize = 32;

/// The opaque id of one numbering of a topic. A topic whose history was lost gets a new one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(String);

impl Epoch {
    /// Takes 1 to 32 ASCII letters and digits; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=EPOCH_MAX_CHARACTERS).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// "I have seen everything up to here": written `epoch:offset`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    /// The numbering the offset belongs to.
    pub epoch: Epoch,
    /// The last offset that was seen; 0 when nothing was.
    pub offset: Offset,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

impl FromStr for Cursor {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let parts = text.split_once(':').and_then(|(epoch, offset)| {
            // `parse` alone would take "+5" and "05" too, and a cursor has one spelling.
            let is_plain = offset == "0" || !offset.starts_with(['+', '0']);
            Some(Self { epoch: Epoch::parse(epoch)?, offset: is_plain.then(|| offset.parse().ok())?? })
        });
        parts.ok_or_else(|| Rejection::new(Code::BadCursor, "A cursor is written epoch:offset."))
    }
}

impl TryFrom<String> for Cursor {
    type Error = Rejection;

    fn try_from(text: String) -> Result<Self, Rejection> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl Decode for Epoch {
    fn decode(json: &impl Json) -> Option<Self> {
        json.text().map(Self)
    }
}

impl Decode for Cursor {
    fn decode(json: &impl Json) -> Option<Self> {
        json.text()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_wire() {
        let cursor: Cursor = "k3J9:42".parse().expect("a well-formed cursor");
        assert_eq!((cursor.epoch.as_str(), cursor.offset), ("k3J9", 42));
        assert_eq!(cursor.to_string(), "k3J9:42");
    }

    #[test]
    fn a_malformed_cursor_is_refused() {
        for text in [
            "",
            ":",
            "abc",
            "abc:",
            ":5",
            "a-b:5",
            "abc:+5",
            "abc:-1",
            "abc:5:6",
            "abc:05",
            "abc:00",
            "abc:99999999999999999999",
        ] {
            let refused = text.parse::<Cursor>().expect_err(text);
            assert_eq!(refused.code, Code::BadCursor, "{text}");
        }
    }
}
