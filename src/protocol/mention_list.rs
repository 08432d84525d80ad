//! The list of the messages that mention a user, of all their rooms: the answer of `GET /api/user/mentions`.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{chat::Message, cursor::Offset, name::RoomId};

/// The messages that mention a user, newest first: the answer of `GET /api/user/mentions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MentionPage {
    /// The messages.
    pub mentions: Vec<MentioningMessage>,
    /// The place where older ones begin; `None`: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<MentionPlace>,
}

/// A message that mentions a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MentioningMessage {
    /// The message as it is now.
    #[serde(flatten)]
    pub message: Message,
    /// The user has read it.
    pub read: bool,
}

/// The place of a message among those of all rooms, ordered by time. Written `TIMESTAMP:OFFSET:ROOM`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct MentionPlace {
    timestamp: i64,
    offset: Offset,
    room: RoomId,
}

impl MentionPlace {
    /// The place of a message.
    pub fn of(message: &Message) -> Self {
        Self { timestamp: message.timestamp, offset: message.offset, room: message.room.clone() }
    }
}

impl fmt::Display for MentionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.timestamp, self.offset, self.room)
    }
}

impl From<MentionPlace> for String {
    fn from(place: MentionPlace) -> Self {
        place.to_string()
    }
}

/// Fails if the text is no place.
impl FromStr for MentionPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or(());
        let timestamp = part()?.parse().map_err(drop)?;
        let offset = part()?.parse().map_err(drop)?;
        let room = RoomId::parse(part()?).map_err(drop)?;
        Ok(Self { timestamp, offset, room })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_anything_else_is_none() {
        let place = MentionPlace { timestamp: -5, offset: 7, room: RoomId::parse("日本").expect("fine") };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "1", "1:2", "1:2:", "x:2:general", "1:-2:general", "1:2:a room"] {
            assert_eq!(text.parse::<MentionPlace>(), Err(()), "{text}");
        }
    }

    #[test]
    fn places_are_ordered_by_time() {
        let place = |text: &str| text.parse::<MentionPlace>().expect("fine");
        assert!(place("2:1:a") > place("1:9:b") && place("1:9:a") < place("1:9:b"));
    }
}
