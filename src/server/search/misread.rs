//! The reasons why a query cannot be meant, each with what it takes: in English for programs, and for pages in their own
//! language (`http/account_pages/texts`). `query` is the caller.

use std::fmt;

use crate::protocol::{
    feed::Level,
    problem::{Code, Rejection},
};

/// The reason why a query cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misread {
    /// It has more than so many characters.
    TooLong(usize),
    /// It has more than so many words and filters.
    TooManyParts(usize),
    /// It has nothing to look for.
    Nothing,
    /// The beginning of a word has less than so many characters.
    ShortBeginning(usize),
    /// A filter has nothing behind its colon.
    NoValue(&'static str),
    /// A filter of time with a minus.
    NotTime(&'static str),
    /// The value of a filter of time.
    NoDay {
        /// The filter.
        filter: &'static str,
        /// The value that was written, which is no day, month or year.
        text: String,
    },
    /// The value of `in:`, which can name no room.
    NoRoom(String),
    /// The value of `channel:`, which can name no channel.
    NoChannel(String),
    /// A level that there is not.
    NoLevel,
    /// `has:` with something else than it takes.
    NoKind,
}

impl Misread {
    /// Returns an example of a filter with a value behind its colon.
    pub fn example(filter: &str) -> &'static str {
        match filter {
            "from" => "from:alice",
            "in" => "in:general",
            "channel" => "channel:deploys",
            "level" => "level:warning",
            "has" => "has:link",
            _ => "on:2026-11-28",
        }
    }

    /// The levels, for the texts.
    pub fn levels() -> String {
        Level::ALL.map(Level::as_str).join(", ")
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(most) => write!(f, "A search has at most {most} characters."),
            Self::TooManyParts(most) => {
                write!(f, "A search has at most {most} words and filters: leave some out.")
            }
            Self::Nothing => f.write_str(
                "Say what to look for: a word, a \"phrase\", or one of from: in: channel: level: has:.",
            ),
            Self::ShortBeginning(least) => {
                write!(f, "Write {least} characters or more before the *.")
            }
            Self::NoValue(filter) => {
                write!(
                    f,
                    "{filter}: needs a value right behind the colon, such as {}.",
                    Self::example(filter)
                )
            }
            Self::NotTime(filter) => {
                write!(f, "-{filter}: is not possible: use before: or after: for the other time.")
            }
            Self::NoDay { filter, text } => write!(
                f,
                "{filter}:{text} is no day: write {filter}:2026-11-28, {filter}:2026-11, {filter}:today or {filter}:yesterday."
            ),
            Self::NoRoom(text) => {
                write!(f, "in:{text} is no room: write its name or its address, such as in:general.")
            }
            Self::NoChannel(text) => {
                write!(f, "channel:{text} is no channel: write its name, such as channel:deploys.")
            }
            Self::NoLevel => write!(f, "level: is one of {}.", Self::levels()),
            Self::NoKind => f.write_str("has: is has:file or has:link."),
        }
    }
}

impl From<Misread> for Rejection {
    fn from(misread: Misread) -> Self {
        Self::new(Code::BadRequest, misread.to_string())
    }
}
