//! Rooms: the frames of the chat socket and the bodies of `/api/rooms`.

use serde::{Deserialize, Serialize};

use super::{
    cursor::{AFTER_NAMES, Cursor, Epoch, Offset, looks_like_a_place},
    members::{Members, parse_json},
    name::RoomId,
    problem::{Code, Rejection},
    publication::TEXT_NAMES,
    session::User,
};

/// A room as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Stands in addresses and frames.
    pub id: RoomId,
    /// As shown to people.
    pub name: String,
}

/// A message as everybody reads it. `user` and `user_id` come from the author's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Where it was said.
    pub room: RoomId,
    /// Its place in the room.
    pub offset: Offset,
    /// The UUID its author's client gave it.
    pub id: String,
    /// The author's name when it was posted.
    pub user: String,
    /// The author's id.
    pub user_id: String,
    /// At most [`super::text::MESSAGE_MAX_CHARACTERS`] characters.
    pub text: String,
    /// When the server took it, in milliseconds since the Unix epoch.
    pub timestamp: i64,
}

/// Messages of a room, oldest first. For the meaning of the members see [`super::feed::EntryPage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// Ascending by offset.
    pub messages: Vec<Message>,
    /// Where to read on.
    pub cursor: Cursor,
    /// Further messages wait in the direction that was read.
    pub more: bool,
    /// The asked-for cursor could not be honoured.
    pub reset: bool,
}

/// What a client says. Fields are as written; the server parses them and answers each fault by its own code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ClientFrame {
    /// Follow a room, from a cursor, from the newest `last` messages, or from now.
    Join {
        /// The room's id.
        room: String,
        /// Replay what this cursor lacks.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// Replay the newest so many.
        #[serde(skip_serializing_if = "Option::is_none")]
        last: Option<u32>,
    },
    /// Stop following a room.
    Leave {
        /// The room's id.
        room: String,
    },
    /// Say something.
    Post {
        /// The room's id.
        room: String,
        /// A UUID; posting it again returns the first entry.
        id: String,
        /// What to say.
        text: String,
    },
    /// "I am typing", at most every few seconds.
    Typing {
        /// The room's id.
        room: String,
    },
    /// Become somebody, for who could send no header; or go on with a newer token of the same person.
    Auth {
        /// A JWT.
        token: String,
    },
    /// Answered by `pong`.
    Ping,
}

impl ClientFrame {
    /// Every `type` a client may send.
    pub const TYPES: [&str; 6] = ["join", "leave", "post", "typing", "auth", "ping"];

    /// Reads a frame, telling broken JSON, an unknown `type` and wrong fields apart.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let value = parse_json(text, "frame")?;
        let mut members = Members::of(value, "frame", Code::UnknownFrame).map_err(|_| unknown_frame())?;
        let kind = members.text(&["type"]).ok().flatten().unwrap_or_default().to_ascii_lowercase();
        let what = Self::TYPES.into_iter().find(|known| *known == kind).ok_or_else(unknown_frame)?;
        let mut members = members.named(what, Code::BadFrame);
        Ok(match what {
            "join" => {
                let room = members.required_text(&["room"])?;
                let (after, last) = (members.text(&AFTER_NAMES)?, members.count("last")?);
                members.refuse_left(&["room", "after", "last"], looks_like_a_place)?;
                Self::Join { room, after, last }
            }
            "leave" => Self::Leave { room: members.required_text(&["room"])? },
            "post" => Self::Post {
                room: members.required_text(&["room"])?,
                id: members.required_text(&["id"])?,
                text: members.required_text(&TEXT_NAMES)?,
            },
            "typing" => Self::Typing { room: members.required_text(&["room"])? },
            "auth" => Self::Auth { token: members.required_text(&["token"])? },
            _ => Self::Ping,
        })
    }
}

fn unknown_frame() -> Rejection {
    let types = ClientFrame::TYPES.join(", ");
    Rejection::new(Code::UnknownFrame, format!("A frame is an object whose type is one of: {types}."))
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ServerFrame {
    /// The room is being followed: what comes after `offset` follows.
    Joined {
        /// The room.
        room: RoomId,
        /// Its numbering.
        epoch: Epoch,
        /// The cursor's offset the room is followed from.
        offset: Offset,
        /// The cursor that was asked for is honoured: nothing is missing.
        recovered: bool,
        /// The room's newest offset: who has read up to here has caught up.
        head: Offset,
        /// Who is in the room now.
        members: Vec<User>,
    },
    /// Something was said.
    Message(Message),
    /// The post with this id is durable.
    Posted {
        /// The room.
        room: RoomId,
        /// The client's id of it.
        id: String,
        /// Its place in the room.
        offset: Offset,
        /// When the server took it.
        timestamp: i64,
    },
    /// A frame was refused; the socket goes on.
    Rejected {
        /// The room it is about, as the client wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// The post it is about, if it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// What is wrong.
        code: Code,
        /// The same in a sentence.
        message: String,
        /// When to try again, if trying again can help.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// Somebody came.
    UserJoined {
        /// The room.
        room: RoomId,
        /// Their name.
        user: String,
        /// Their id.
        user_id: String,
    },
    /// Somebody went.
    UserLeft {
        /// The room.
        room: RoomId,
        /// Their name.
        user: String,
        /// Their id.
        user_id: String,
    },
    /// Who is in the room, whole: for a reader that missed single changes.
    Members {
        /// The room.
        room: RoomId,
        /// Everybody in it.
        members: Vec<User>,
    },
    /// Somebody is typing.
    Typing {
        /// The room.
        room: RoomId,
        /// Their name.
        user: String,
        /// Their id.
        user_id: String,
    },
    /// Something that the reader's cursor lacks is gone; the room goes on after `offset`.
    Reset {
        /// The room.
        room: RoomId,
        /// Its numbering.
        epoch: Epoch,
        /// Everything after this that is retained follows.
        offset: Offset,
    },
    /// The answer to `ping`.
    Pong,
}

/// Who is in a room and who is typing there, whole. Polls carry it, because they hear no single changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceState {
    /// Everybody in the room.
    pub members: Vec<User>,
    /// Those who have been typing in the last seconds.
    pub typing: Vec<User>,
    /// Names this state: a poll that gives it back as `seen` is also answered when it has changed.
    pub seen: String,
}

/// The answer to a poll with `seen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polled {
    /// What was said.
    #[serde(flatten)]
    pub page: MessagePage,
    /// Who is there.
    #[serde(flatten)]
    pub presence: PresenceState,
}

/// The body of `POST /api/rooms/{room}/messages` as the browser sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// A UUID made by the client.
    pub id: String,
    /// What to say.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_frame_is_a_known_type() {
        for frame in [
            r#"{"type":"join","room":"general"}"#,
            r#"{"type":"leave","room":"general"}"#,
            r#"{"type":"post","room":"general","id":"1","text":"hi"}"#,
            r#"{"type":"typing","room":"general"}"#,
            r#"{"type":"ping"}"#,
        ] {
            ClientFrame::parse(frame).expect(frame);
        }
    }

    #[test]
    fn an_optional_member_that_is_null_or_empty_is_absent() {
        let plain = ClientFrame::Join { room: "general".into(), after: None, last: None };
        for members in [r#""after":null"#, r#""after":"""#, r#""after":" ","last":null"#, r#""last":"""#] {
            let frame = format!(r#"{{"type":"join","room":"general",{members}}}"#);
            assert_eq!(ClientFrame::parse(&frame), Ok(plain.clone()), "{members}");
        }
        let wrong = ClientFrame::parse(r#"{"type":"join","room":"general","last":"many"}"#);
        assert_eq!(wrong.expect_err("no number").code, Code::BadFrame);
    }

    #[test]
    fn a_bad_frame_is_told_what_is_wrong_with_it() {
        for (frame, code) in [
            ("{", Code::BadJson),
            ("[]", Code::UnknownFrame),
            (r#"{"type":"dance"}"#, Code::UnknownFrame),
            (r#"{"type":7}"#, Code::UnknownFrame),
            (r#"{"type":"join"}"#, Code::BadFrame),
            (r#"{"type":"post","room":"general","id":1,"text":"hi"}"#, Code::BadFrame),
        ] {
            assert_eq!(ClientFrame::parse(frame).expect_err(frame).code, code, "{frame}");
        }
    }

    #[test]
    fn a_frame_that_is_nested_without_end_is_refused() {
        for deep in ["[".repeat(60_000), r#"{"a":"#.repeat(10_000)] {
            assert_eq!(ClientFrame::parse(&deep).expect_err("too deep").code, Code::BadJson);
        }
    }

    #[test]
    fn server_frames_carry_the_seeds_words() {
        let room = RoomId::parse("general").expect("fine");
        let frame = ServerFrame::UserJoined { room, user: "alice".into(), user_id: "u1".into() };
        let text = serde_json::to_string(&frame).expect("plain data");
        assert_eq!(text, r#"{"type":"user-joined","room":"general","user":"alice","user_id":"u1"}"#);
    }
}
