//! Positions in a topic's log. A reader holds a [`Cursor`] and nothing else.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::problem::{Code, Rejection};

/// The place of an entry in its topic: 1, 2, 3 … without holes. 0 is "before the first".
pub type Offset = u64;

/// Longest accepted epoch; ours have 12 characters, the rest is room for other stores.
const EPOCH_MAX_CHARACTERS: usize = 32;

/// The opaque id of one numbering of a topic. A topic whose history was lost gets a new one.
///
/// In a cursor it may also carry a *told loss*, written `epoch.LOSS:offset`: the reader was told by a `reset` that of the
/// entries up to `LOSS` some are gone, and is being given those that are retained. A connection that is cut in the middle
/// resumes there without a second reset. Two epochs are equal when they name the same numbering, whatever was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(String);

/// Stands between an epoch and a told loss. No epoch has it.
const LOSS_SEPARATOR: char = '.';

impl Epoch {
    /// Takes 1 to 32 ASCII letters and digits, and a told loss after them; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (numbering, loss) = match text.split_once(LOSS_SEPARATOR) {
            Some((numbering, loss)) => (numbering, Some(loss)),
            None => (text, None),
        };
        let fits = (1..=EPOCH_MAX_CHARACTERS).contains(&numbering.len());
        let is_plain = fits && numbering.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_plain && loss.is_none_or(|loss| parse_offset(loss).is_some())).then(|| Self(text.to_owned()))
    }

    /// The id as it is written in a cursor.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the numbering alone.
    pub fn numbering(&self) -> &str {
        self.0.split(LOSS_SEPARATOR).next().unwrap_or_default()
    }

    /// The offset up to which the reader was told that entries are gone; 0 if nothing was told.
    pub fn told_loss(&self) -> Offset {
        self.0.split_once(LOSS_SEPARATOR).and_then(|(_, loss)| parse_offset(loss)).unwrap_or(0)
    }

    /// The same numbering in a cursor at `offset`, for a reader that was told of a loss up to `loss`: beyond it there is
    /// nothing to remember.
    pub fn at(&self, offset: Offset, loss: Offset) -> Self {
        let numbering = self.numbering();
        Self(if offset < loss { format!("{numbering}{LOSS_SEPARATOR}{loss}") } else { numbering.to_owned() })
    }
}

impl PartialEq for Epoch {
    fn eq(&self, other: &Self) -> bool {
        self.numbering() == other.numbering()
    }
}

impl Eq for Epoch {}

impl Hash for Epoch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbering().hash(state);
    }
}

/// `parse` alone would take "+5" and "05" too, and an offset has one spelling.
fn parse_offset(text: &str) -> Option<Offset> {
    let is_plain = text == "0" || !text.starts_with(['+', '0']);
    is_plain.then(|| text.parse().ok())?
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What clients call the cursor from which they go on; the second is EventSource's.
pub const AFTER_NAMES: [&str; 5] = ["after", "lastEventId", "last_event_id", "last-event-id", "cursor"];

/// Whether a member that is not known was meant to say from where to go on: without it entries would be lacking.
pub fn looks_like_a_place(name: &str) -> bool {
    const BEGINNINGS: [&str; 10] =
        ["af", "before", "cur", "epoch", "from", "last", "offset", "posi", "resum", "since"];
    let name = name.trim().to_ascii_lowercase();
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
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
        assert_eq!(again.epoch, epoch, "the same numbering");
        let past = Cursor { epoch: again.epoch.at(40, 40), offset: 40 };
        assert_eq!((past.to_string().as_str(), past.epoch.told_loss()), ("k3J9:40", 0));
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
            "abc.:5",
            ".7:5",
            "abc.07:5",
            "abc.7.8:5",
            "abc.x:5",
        ] {
            let refused = text.parse::<Cursor>().expect_err(text);
            assert_eq!(refused.code, Code::BadCursor, "{text}");
        }
    }
}
