//! The pinned messages of a room: the answer of `GET /api/rooms/{room}/pins`, and what the header of a room's page lists.

use serde::{Deserialize, Serialize};

use super::{chat::Message, cursor::Offset};

/// The characters of a pinned message's text that a list shows: three lines of it.
const TEXT_MAX_CHARACTERS: usize = 200;

/// A pinned message in a list: the beginning of its text, or all of it in the API's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The offset of the message.
    pub offset: Offset,
    /// Its author's name.
    pub user: String,
    /// The text.
    pub text: String,
    /// The time of the message, in milliseconds since the Unix epoch.
    pub timestamp: i64,
}

/// The pinned messages of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pins<T = Pin> {
    /// Those first that were pinned last.
    pub pins: Vec<T>,
    /// The room's head when they were read: every change up to it is in them.
    pub as_of: Offset,
}

impl Pin {
    /// The list's entry of a message.
    pub fn of(message: &Message) -> Self {
        Self {
            offset: message.offset,
            user: message.user.clone(),
            text: beginning(&message.text),
            timestamp: message.timestamp,
        }
    }
}

/// The beginning of a text as a list of pins shows it.
pub fn beginning(text: &str) -> String {
    text.chars().take(TEXT_MAX_CHARACTERS).collect()
}
