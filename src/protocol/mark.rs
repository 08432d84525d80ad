//! Marks: up to where a person has read each room, what they are told of it, and where they are mentioned. Server and
//! browser use them; `server/chat/marks` folds them, and the log of the person, which only they read, carries them to
//! all their devices.

use serde::{Deserialize, Serialize};

use super::{
    cursor::{Cursor, Offset},
    members::Members,
    name::RoomId,
    problem::Rejection,
    session::User,
};

/// The most messages that are counted as unread in a room: from here on a page says `99+`.
pub const UNREAD_MAX: u64 = 100;

/// The most mentions of one room that are kept, the newest: as many as unread messages are counted.
pub const MENTIONS_MAX: usize = 100;

/// The messages of a room that a person is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum RoomLevel {
    /// Every message.
    #[default]
    All,
    /// Mentions only.
    Mentions,
    /// None. The room is counted all the same.
    Nothing,
}

impl RoomLevel {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::All, Self::Mentions, Self::Nothing];

    /// The level as written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::Nothing => "nothing",
        }
    }

    /// Returns true for the level that its absence stands for.
    fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// Parses the text that [`RoomLevel::as_str`] returns.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

// A derived reader has code of its own for each level.
impl TryFrom<String> for RoomLevel {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("the level {text} is unknown"))
    }
}

/// The state of a room for one person, as their marks so far have left it: a reader replaces what it has by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMark {
    /// The room.
    pub room: RoomId,
    /// Everything up to here counts as read; absent: the person has not read in the room yet, and nothing is unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Cursor>,
    /// Raised each time that the mark is set back: a `read` of an older generation is ignored.
    #[serde(default)]
    pub generation: u64,
    /// The level of notifications; absent: every message.
    #[serde(default, skip_serializing_if = "RoomLevel::is_all")]
    pub level: RoomLevel,
    /// The offsets after the mark at which the person is mentioned, ascending, at most [`MENTIONS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Offset>,
}

/// An entry of a person's log: the state of a room after one of their marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkChanged {
    /// Its offset in the person's log.
    pub offset: Offset,
    /// The time at which the server accepted it, in milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The state of the room.
    #[serde(flatten)]
    pub mark: RoomMark,
}

/// The answer to a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// The client's id of the mark.
    pub id: String,
    /// Its offset in the person's log; absent: it changed nothing, and nothing was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Offset>,
    /// The time at which the server accepted it, in milliseconds since the Unix epoch; absent as `offset` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The state of the room after it.
    #[serde(flatten)]
    pub mark: RoomMark,
}

/// A room in the state of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "UserRoomMembers")]
pub struct UserRoom {
    /// The marks in it.
    #[serde(flatten)]
    pub mark: RoomMark,
    /// The room's newest offset.
    pub head: Offset,
    /// The messages of others after the mark, without deleted ones and answers in threads; at most [`UNREAD_MAX`].
    pub unread: u64,
    /// The room has direct messages: each of them counts as a mention.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub direct: bool,
    /// Of direct messages between two: `here` or `away` if the other is in a room now, else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub presence: String,
}

/// The members of a [`UserRoom`] side by side: a derived reader of a flattened struct would go by way of a buffer.
#[derive(Deserialize)]
struct UserRoomMembers {
    room: RoomId,
    read: Option<Cursor>,
    #[serde(default)]
    generation: u64,
    #[serde(default)]
    level: RoomLevel,
    #[serde(default)]
    mentions: Vec<Offset>,
    head: Offset,
    unread: u64,
    #[serde(default)]
    direct: bool,
    #[serde(default)]
    presence: String,
}

impl From<UserRoomMembers> for UserRoom {
    fn from(members: UserRoomMembers) -> Self {
        let UserRoomMembers { room, read, generation, level, mentions, head, unread, direct, presence } =
            members;
        Self { mark: RoomMark { room, read, generation, level, mentions }, head, unread, direct, presence }
    }
}

/// Everything that belongs to a person: the answer of `GET /api/user`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserState {
    /// The person.
    pub user: User,
    /// The cursor from which to follow their log: every mark up to it is in `rooms`.
    pub cursor: Cursor,
    /// The rooms that they may enter now, in the order in which they were made.
    pub rooms: Vec<UserRoom>,
}

/// The kind of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum MarkKind {
    /// Everything up to a position was read. It moves forwards only.
    Read,
    /// Everything after a position counts as unread, also if it was read before.
    Unread,
    /// The level of the room's notifications.
    Level,
}

impl MarkKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Read, Self::Unread, Self::Level];

    /// The kind as written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Unread => "unread",
            Self::Level => "level",
        }
    }

    /// Parses the text that [`MarkKind::as_str`] returns.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

// As that of a level.
impl TryFrom<String> for MarkKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("the kind of mark {text} is unknown"))
    }
}

/// The request for a mark: the body of `POST /api/user/marks`, and the members of a client frame and of an event of
/// Socket.IO. Fields are as written; the server parses them and rejects each fault with its own code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMark {
    /// A UUID from the client; the same mark sent again returns the first answer.
    pub id: String,
    /// The kind.
    pub kind: MarkKind,
    /// The room's id.
    pub room: String,
    /// The position of `read` and `unread`: the last message that counts as read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The same position without its epoch: the room's present one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Offset>,
    /// Of a `read`: the generation that the reader knows; absent: the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The new level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<RoomLevel>,
}

impl NewMark {
    /// Takes the members of a mark.
    pub fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let (id, room) = (members.required_text(&["id"])?, members.required_text(&["room"])?);
        let kind = members.required_text(&["kind"])?.trim().to_ascii_lowercase();
        let kind = MarkKind::parse(&kind).ok_or_else(|| {
            members.rejection(format!(
                "kind has to be one of: {}.",
                MarkKind::ALL.map(MarkKind::as_str).join(", ")
            ))
        })?;
        let mut mark = Self { id, kind, room, cursor: None, offset: None, generation: None, level: None };
        if kind == MarkKind::Level {
            mark.level = Some(level_from(members)?);
            return Ok(mark);
        }
        (mark.cursor, mark.offset) = (members.text(&["cursor"])?, members.offset("offset")?);
        if mark.cursor.is_none() && mark.offset.is_none() {
            return Err(members.missing(&["cursor"]));
        }
        if kind == MarkKind::Read {
            mark.generation = members.offset("generation")?;
        }
        Ok(mark)
    }
}

fn level_from(members: &mut Members) -> Result<RoomLevel, Rejection> {
    let level = members.required_text(&["level"])?.trim().to_ascii_lowercase();
    RoomLevel::parse(&level).ok_or_else(|| {
        members.rejection(format!(
            "level has to be one of: {}.",
            RoomLevel::ALL.map(RoomLevel::as_str).join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::problem::Code;

    fn parse(value: serde_json::Value) -> Result<NewMark, Rejection> {
        NewMark::from_members(&mut Members::of(value, "mark", Code::BadFrame).expect("an object"))
    }

    #[test]
    fn a_mark_is_parsed_as_programs_write_it() {
        let read = NewMark {
            id: "1".into(),
            kind: MarkKind::Read,
            room: "general".into(),
            cursor: Some("e:7".into()),
            offset: None,
            generation: Some(2),
            level: None,
        };
        let with = |members: serde_json::Value| {
            let mut mark = json!({ "id": "1", "room": "general" });
            mark.as_object_mut().expect("one").extend(members.as_object().expect("one").clone());
            parse(mark)
        };
        assert_eq!(with(json!({ "kind": "read", "cursor": "e:7", "generation": 2 })), Ok(read.clone()));
        assert_eq!(with(json!({ "kind": "Read", "cursor": "e:7", "generation": "2" })), Ok(read.clone()));
        let unread = NewMark { kind: MarkKind::Unread, generation: None, ..read.clone() };
        assert_eq!(with(json!({ "kind": "unread", "cursor": "e:7", "generation": 2 })), Ok(unread));
        let by_offset = NewMark { cursor: None, offset: Some(0), generation: None, ..read.clone() };
        assert_eq!(with(json!({ "kind": "read", "offset": 0 })), Ok(by_offset));
        let level = NewMark {
            kind: MarkKind::Level,
            cursor: None,
            level: Some(RoomLevel::Nothing),
            generation: None,
            ..read
        };
        assert_eq!(with(json!({ "kind": "level", "level": "nothing", "cursor": 7 })), Ok(level));
    }

    #[test]
    fn a_mark_without_its_members_is_rejected() {
        for mark in [
            json!({ "kind": "read", "cursor": "e:7", "room": "general" }),
            json!({ "id": "1", "kind": "read", "cursor": "e:7" }),
            json!({ "id": "1", "kind": "read", "room": "general" }),
            json!({ "id": "1", "kind": "unread", "room": "general", "cursor": "" }),
            json!({ "id": "1", "kind": "read", "room": "general", "cursor": 7 }),
            json!({ "id": "1", "kind": "read", "room": "general", "offset": -1 }),
            json!({ "id": "1", "kind": "level", "room": "general" }),
            json!({ "id": "1", "kind": "level", "room": "general", "level": "loud" }),
            json!({ "id": "1", "kind": "mention", "room": "general", "offset": 1 }),
            json!({ "id": "1", "room": "general", "offset": 1 }),
        ] {
            assert_eq!(parse(mark.clone()).expect_err("incomplete").code, Code::BadFrame, "{mark}");
        }
    }

    #[test]
    fn kinds_and_levels_are_written_as_their_serde_names() {
        for kind in MarkKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a unit variant"), kind.as_str());
        }
        for level in RoomLevel::ALL {
            assert_eq!(serde_json::to_value(level).expect("a unit variant"), level.as_str());
        }
    }

    #[test]
    fn the_state_of_a_room_is_as_short_as_it_can_be() {
        let room = RoomId::parse("general").expect("fine");
        let mark = RoomMark { room, read: None, generation: 0, level: RoomLevel::All, mentions: Vec::new() };
        let room = UserRoom { mark, head: 7, unread: 0, direct: false, presence: String::new() };
        let written = serde_json::to_value(&room).expect("plain data");
        assert_eq!(written, json!({ "room": "general", "generation": 0, "head": 7, "unread": 0 }));
        assert_eq!(serde_json::from_value::<UserRoom>(written).expect("the same"), room);
    }
}
