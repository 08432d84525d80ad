//! Socket.IO: the events of its clients in the namespace `/`, and the payload of a CONNECT. Only the server uses it;
//! the events that it sends have the members of the chat's and the feed's own types.

use serde_json::{Value, json};

use super::{
    change::NewChange,
    chat::files_and_text,
    cursor::{AFTER_NAMES, Offset, looks_like_cursor},
    file::NamedFile,
    mark::NewMark,
    members::Members,
    problem::{Code, Rejection},
};

/// The namespace of the feed. The rooms are in `/`.
pub const FEED_NAMESPACE: &str = "/events";

/// The `connect_error` for a client without a session.
pub const AUTHENTICATION_ERROR: &str = "Authentication error";

/// An event from a client. Fields are as written; the server parses them and rejects each fault with its own code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// Join a room: follow it.
    JoinRoom(JoinRoom),
    /// Leave a room: stop following it.
    LeaveRoom(InRoom),
    /// Post a message.
    Message(SendMessage),
    /// Change a message.
    Change(ChangeMessage),
    /// "I am typing".
    Typing(InRoom),
    /// Mark a room.
    Mark(NewMark),
    /// Follow the user's own log.
    Follow(FollowUser),
    /// Ask what is unread in the rooms, now and whenever it changes.
    Unread,
}

/// Follows the user's own log from a cursor, or from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUser {
    /// Deliver the marks after this cursor.
    pub after: Option<String>,
}

/// Joins a room: follows it from a cursor, from the newest `last` messages, or from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRoom {
    /// The room's id.
    pub room: String,
    /// Deliver the entries after this cursor.
    pub after: Option<String>,
    /// Deliver this many of the newest entries.
    pub last: Option<u32>,
}

/// An event with a room and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InRoom {
    /// The room's id.
    pub room: String,
}

/// Posts a message. The author is the user who is signed in; a member `user` is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMessage {
    /// The room's id.
    pub room: String,
    /// The text.
    pub text: String,
    /// A UUID; posting it again returns the first entry. Without one the server creates it.
    pub id: Option<String>,
    /// As [`super::chat::NewMessage::reply_to`].
    pub reply_to: Option<Offset>,
    /// As [`super::chat::NewMessage::thread`].
    pub thread: Option<Offset>,
    /// As [`super::chat::NewMessage::files`].
    pub files: Vec<NamedFile>,
}

/// Changes a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeMessage {
    /// The room's id.
    pub room: String,
    /// The offset of the message.
    pub target: Offset,
    /// The change.
    pub change: NewChange,
}

impl ClientEvent {
    /// Every event that a client may send.
    pub const NAMES: [&str; 8] =
        ["join-room", "leave-room", "message", "change", "typing", "mark", "follow", "unread"];

    /// Parses an event. Rejects an unknown name and wrong fields with different codes. Where the room is the only
    /// required member, its id alone is accepted, as in `emit("join-room", "general")`.
    pub fn parse(name: &str, data: Value) -> Result<Self, Rejection> {
        match name {
            "join-room" => {
                let mut members = fields("join-room", in_room(data))?;
                let room = members.required_text(&["room"])?;
                let (after, last) = (members.text(&AFTER_NAMES)?, members.count("last")?);
                members.reject_unknown(&["room", "after", "last"], looks_like_cursor)?;
                Ok(Self::JoinRoom(JoinRoom { room, after, last }))
            }
            "leave-room" => Ok(Self::LeaveRoom(InRoom::parse("leave-room", data)?)),
            "typing" => Ok(Self::Typing(InRoom::parse("typing", data)?)),
            "message" => {
                let mut members = fields("message", data)?;
                let room = members.required_text(&["room"])?;
                let (files, text) = files_and_text(&mut members)?;
                Ok(Self::Message(SendMessage {
                    room,
                    text,
                    id: members.text(&["id"])?,
                    reply_to: members.offset("reply_to")?,
                    thread: members.offset("thread")?,
                    files,
                }))
            }
            "change" => {
                let mut members = fields("change", data)?;
                let (room, target) = (members.required_text(&["room"])?, members.required_offset("ref")?);
                let change = NewChange::from_members(&mut members)?;
                Ok(Self::Change(ChangeMessage { room, target, change }))
            }
            "mark" => Ok(Self::Mark(NewMark::from_members(&mut fields("mark", data)?)?)),
            "follow" => {
                let mut members = fields("follow", if data.is_null() { json!({}) } else { data })?;
                let after = members.text(&AFTER_NAMES)?;
                members.reject_unknown(&["after"], looks_like_cursor)?;
                Ok(Self::Follow(FollowUser { after }))
            }
            "unread" => Ok(Self::Unread),
            _ => {
                let message = format!("The events of a client are: {}.", Self::NAMES.join(", "));
                Err(Rejection::new(Code::UnknownFrame, message))
            }
        }
    }
}

impl InRoom {
    fn parse(name: &'static str, data: Value) -> Result<Self, Rejection> {
        Ok(Self { room: fields(name, in_room(data))?.required_text(&["room"])? })
    }
}

fn in_room(data: Value) -> Value {
    if data.is_string() { json!({ "room": data }) } else { data }
}

fn fields(name: &'static str, data: Value) -> Result<Members, Rejection> {
    Members::of(data, name, Code::BadFrame)
}

/// The token in the payload of a CONNECT (`auth` in the official client). Its name matches like those of other members:
/// in any case, and the exact spelling first. Our own pages need no token, because they have their cookie.
pub fn token(auth: &Value) -> Result<Option<&str>, Rejection> {
    let is_token = |name: &str| name.trim().eq_ignore_ascii_case("token");
    let is_present =
        |value: &Value| !value.is_null() && value.as_str().is_none_or(|token| !token.trim().is_empty());
    let members = auth.as_object().into_iter().flatten();
    let spelled = members.filter(|(name, _)| is_token(name)).map(|(_, value)| value);
    match auth.get("token").into_iter().chain(spelled).find(|value| is_present(value)) {
        None => Ok(None),
        Some(Value::String(token)) => Ok(Some(token)),
        Some(_) => Err(Rejection::new(Code::NoSession, "A token is a text.")),
    }
}

/// The payload of a CONNECT to the feed, besides the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowFeed {
    /// Deliver the entries after this cursor.
    pub after: Option<String>,
    /// Deliver this many of the newest entries.
    pub last: Option<u32>,
    /// The channels to follow; `None`: all.
    pub channels: Option<Vec<String>>,
}

impl FollowFeed {
    /// Parses the payload.
    pub fn parse(auth: Value) -> Result<Self, Rejection> {
        if auth.is_null() {
            return Ok(Self::default());
        }
        let mut members = fields("auth", auth)?;
        members.optional(&["token"]);
        let parsed = Self {
            after: members.text(&AFTER_NAMES)?,
            last: members.count("last")?,
            channels: match (members.texts(&["channels"])?, members.text(&["channel"])?) {
                (channels, None) => channels,
                (channels, Some(one)) => Some(channels.into_iter().flatten().chain([one]).collect()),
            },
        };
        let is_bad = |name: &str| looks_like_cursor(name) || name.to_lowercase().starts_with("chan");
        members.reject_unknown(&["after", "channels", "last", "token"], is_bad)?;
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str, data: Value) -> Code {
        ClientEvent::parse(name, data).expect_err("it is rejected").code
    }

    #[test]
    fn a_room_is_named_by_its_id_alone_or_with_more() {
        let plain = JoinRoom { room: "general".into(), after: None, last: None };
        assert_eq!(
            ClientEvent::parse("join-room", json!("general")),
            Ok(ClientEvent::JoinRoom(plain.clone()))
        );
        let after = JoinRoom { after: Some("e:7".into()), ..plain.clone() };
        let data = json!({ "room": "general", "after": "e:7", "last": null });
        assert_eq!(ClientEvent::parse("join-room", data), Ok(ClientEvent::JoinRoom(after)));
        let room = InRoom { room: "general".into() };
        assert_eq!(ClientEvent::parse("typing", json!("general")), Ok(ClientEvent::Typing(room)));
    }

    #[test]
    fn the_member_user_is_not_read() {
        let data = json!({ "room": "general", "text": "hi", "user": "the owner", "timestamp": 1 });
        let message = SendMessage {
            room: "general".into(),
            text: "hi".into(),
            id: None,
            reply_to: None,
            thread: None,
            files: Vec::new(),
        };
        assert_eq!(ClientEvent::parse("message", data), Ok(ClientEvent::Message(message)));
    }

    #[test]
    fn each_fault_has_its_code() {
        for data in [json!(null), json!(7), json!(["general", "hi"]), json!({}), json!({ "room": 7 })] {
            // To follow one's own log, or the counts, nothing needs to be said.
            for name in ClientEvent::NAMES.into_iter().filter(|name| !["follow", "unread"].contains(name)) {
                assert_eq!(code(name, data.clone()), Code::BadFrame, "{name} {data}");
            }
        }
        for data in [json!(7), json!(["e:1"]), json!({ "after": 7 }), json!({ "since": "e:1" })] {
            assert_eq!(code("follow", data.clone()), Code::BadFrame, "follow {data}");
        }
        for (data, after) in
            [(json!(null), None), (json!({}), None), (json!({ "after": "e:1" }), Some("e:1"))]
        {
            let follow = FollowUser { after: after.map(str::to_owned) };
            assert_eq!(ClientEvent::parse("follow", data), Ok(ClientEvent::Follow(follow)));
        }
        assert_eq!(code("message", json!("hi")), Code::BadFrame);
        assert_eq!(code("message", json!({ "room": "general", "text": ["hi"] })), Code::BadFrame);
        assert_eq!(code("join-rooms", json!("general")), Code::UnknownFrame);
    }

    #[test]
    fn an_optional_member_that_is_null_or_empty_is_absent() {
        for empty in [json!(null), json!(""), json!(" ")] {
            let auth = json!({ "token": empty, "after": empty, "last": empty, "channels": empty });
            assert_eq!(token(&auth), Ok(None));
            assert_eq!(FollowFeed::parse(auth), Ok(FollowFeed::default()));
            let join = json!({ "room": "general", "after": empty, "last": empty });
            let plain = JoinRoom { room: "general".into(), after: None, last: None };
            assert_eq!(ClientEvent::parse("join-room", join), Ok(ClientEvent::JoinRoom(plain)));
            let message = json!({ "room": "general", "text": "hi", "id": empty });
            let plain = SendMessage {
                room: "general".into(),
                text: "hi".into(),
                id: None,
                reply_to: None,
                thread: None,
                files: Vec::new(),
            };
            assert_eq!(ClientEvent::parse("message", message), Ok(ClientEvent::Message(plain)));
        }
    }

    #[test]
    fn the_cursor_is_read_by_other_names_and_a_misspelling_is_named() {
        let read = FollowFeed::parse(json!({ "lastEventId": "e:1", "channel": "ops", "token": "t", "x": 1 }));
        let expected = FollowFeed {
            after: Some("e:1".into()),
            channels: Some(vec!["ops".into()]),
            ..FollowFeed::default()
        };
        assert_eq!(read, Ok(expected));
        let join = ClientEvent::parse("join-room", json!({ "room": "general", "cursor": "e:1" }));
        let read = JoinRoom { room: "general".into(), after: Some("e:1".into()), last: None };
        assert_eq!(join, Ok(ClientEvent::JoinRoom(read)));
        for name in ["aftr", "after_id", "since", "lastEvent", "offset"] {
            let message = |rejection: Rejection| rejection.message;
            let auth = FollowFeed::parse(json!({ name: "e:1" })).map_err(message).expect_err(name);
            let join = ClientEvent::parse("join-room", json!({ "room": "general", name: "e:1" }));
            let join = join.map_err(message).expect_err(name);
            assert!(auth.contains(name) && join.contains(name), "{auth} {join}");
        }
        assert!(FollowFeed::parse(json!({ "chanels": ["ops"] })).is_err());
    }

    #[test]
    fn a_connect_may_be_empty_and_wrong_payloads_are_rejected() {
        assert_eq!(FollowFeed::parse(Value::Null), Ok(FollowFeed::default()));
        let all = json!({ "token": "t", "after": "e:1", "last": 3, "channels": ["ops"] });
        assert_eq!(token(&all), Ok(Some("t")));
        let expected =
            FollowFeed { after: Some("e:1".into()), last: Some(3), channels: Some(vec!["ops".into()]) };
        assert_eq!(FollowFeed::parse(all), Ok(expected));
        for auth in [json!("t"), json!({ "last": "many" }), json!({ "channels": "ops" })] {
            assert_eq!(token(&auth), Ok(None));
            assert_eq!(FollowFeed::parse(auth).expect_err("nonsense").code, Code::BadFrame);
        }
        assert_eq!(token(&json!({ "token": 7 })).expect_err("no text").code, Code::NoSession);
    }

    #[test]
    fn a_token_is_found_in_any_case() {
        for name in ["Token", "TOKEN", "toKen", " token "] {
            assert_eq!(token(&json!({ name: "t" })), Ok(Some("t")), "{name}");
            assert_eq!(token(&json!({ "token": "", name: "t" })), Ok(Some("t")), "{name} and an empty one");
            assert_eq!(token(&json!({ name: "x", "token": "t" })), Ok(Some("t")), "{name} and the exact one");
            assert_eq!(token(&json!({ name: 7 })).expect_err("no text").code, Code::NoSession, "{name}");
        }
    }
}
