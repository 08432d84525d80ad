//! Positions in the log of a topic. A reader holds a [`Cursor`] and nothing else; server and browser use the same type.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::problem::{Code, Rejection};

/// The position of an entry in its topic: 1, 2, 3 … without gaps. 0 is "before the first".
pub type Offset = u64;

/// The longest accepted epoch; ours have 12 characters, the rest is room for other stores.
const EPOCH_MAX_CHARACTERS: usize = 32;

/// The opaque id of one generation of a topic's offsets. A topic whose history was lost gets a new one.
///
/// In a cursor it may also carry a *told loss*, written `epoch.LOSS:offset`: a `reset` told the reader that some of
/// the entries up to `LOSS` are gone, and the retained ones are being delivered. A connection that is cut in the middle
/// resumes there without a second reset. Two epochs are equal when they name the same generation, whatever the loss.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(String);

/// The separator between an epoch and a told loss. No epoch contains it.
const LOSS_SEPARATOR: char = '.';

/// The word for the epoch of a log that was never written to. Stored epochs have 12 hexadecimal digits.
const UNWRITTEN: &str = "none";

impl Epoch {
    /// Parses 1 to 32 ASCII letters and digits, with an optional loss after them; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (generation, loss) = match text.split_once(LOSS_SEPARATOR) {
            Some((generation, loss)) => (generation, Some(loss)),
            None => (text, None),
        };
        let fits = (1..=EPOCH_MAX_CHARACTERS).contains(&generation.len());
        let is_plain = fits && generation.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_plain && loss.is_none_or(|loss| parse_offset(loss).is_some())).then(|| Self(text.to_owned()))
    }

    /// The epoch of a log that nobody has written to yet. It is stored nowhere, and the log gets its own at the first
    /// write; a cursor of it, which is at 0, stays good then: it says "I have seen nothing".
    pub fn unwritten() -> Self {
        Self(UNWRITTEN.to_owned())
    }

    /// Returns true for [`Epoch::unwritten`].
    pub fn is_unwritten(&self) -> bool {
        self.generation() == UNWRITTEN
    }

    /// The text as written in a cursor.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the generation alone.
    pub fn generation(&self) -> &str {
        self.0.split(LOSS_SEPARATOR).next().unwrap_or_default()
    }

    /// The offset up to which a reset told the reader that entries are gone; 0 without a reset.
    pub fn told_loss(&self) -> Offset {
        self.0.split_once(LOSS_SEPARATOR).and_then(|(_, loss)| parse_offset(loss)).unwrap_or(0)
    }

    /// The same generation in a cursor at `offset`, for a reader that was told of a loss up to `loss`. Beyond the loss
    /// there is nothing to remember.
    pub fn at(&self, offset: Offset, loss: Offset) -> Self {
        let generation = self.generation();
        Self(if offset < loss {
            format!("{generation}{LOSS_SEPARATOR}{loss}")
        } else {
            generation.to_owned()
        })
    }
}

impl PartialEq for Epoch {
    fn eq(&self, other: &Self) -> bool {
        self.generation() == other.generation()
    }
}

impl Eq for Epoch {}

impl Hash for Epoch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.generation().hash(state);
    }
}

/// Parses an offset, which has one spelling: `parse` alone would accept "+5" and "05" too.
fn parse_offset(text: &str) -> Option<Offset> {
    let is_plain = text == "0" || !text.starts_with(['+', '0']);
    is_plain.then(|| text.parse().ok())?
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names by which clients send the cursor from which they resume; the second is EventSource's.
pub const AFTER_NAMES: [&str; 5] = ["after", "lastEventId", "last_event_id", "last-event-id", "cursor"];

/// Returns true if an unknown member was probably meant as a cursor. Ignored, it would leave entries missing.
pub fn looks_like_cursor(name: &str) -> bool {
    const BEGINNINGS: [&str; 10] =
        ["af", "before", "cur", "epoch", "from", "last", "offset", "posi", "resum", "since"];
    let name = name.trim().to_ascii_lowercase();
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// "I have seen everything up to here": written `epoch:offset`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    /// The epoch of the offset.
    pub epoch: Epoch,
    /// The last offset that was seen; 0 when none was.
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
            Some(Self { epoch: Epoch::parse(epoch)?, offset: parse_offset(offset)? })
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
    fn a_told_loss_stays_in_the_cursor_until_the_reader_is_past_it() {
        let epoch = Epoch::parse("k3J9").expect("an epoch");
        let inside = Cursor { epoch: epoch.at(5, 40), offset: 5 };
        assert_eq!(inside.to_string(), "k3J9.40:5");
        let again: Cursor = inside.to_string().parse().expect("a cursor");
        assert_eq!((again.epoch.told_loss(), again.offset), (40, 5));
        assert_eq!(again.epoch, epoch, "the same generation");
        let past = Cursor { epoch: again.epoch.at(40, 40), offset: 40 };
        assert_eq!((past.to_string().as_str(), past.epoch.told_loss()), ("k3J9:40", 0));
    }

    #[test]
    fn a_malformed_cursor_is_rejected() {
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
            "abc.:5",
            ".7:5",
            "abc.07:5",
            "abc.7.8:5",
            "abc.x:5",
        ] {
            let rejection = text.parse::<Cursor>().expect_err(text);
            assert_eq!(rejection.code, Code::BadCursor, "{text}");
        }
    }
}
