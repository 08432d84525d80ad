//! Rejections: the stable codes of every fault of a request or a frame. Server and browser use them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// The faults of an entry or a frame that is well-formed JSON, as an error of serde.
pub(super) const MISSING: &str = "a member is missing";
pub(super) const UNKNOWN_TYPE: &str = "the type is unknown";

/// The reason of a rejection, as a stable word for programs. The pages have a sentence for each in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub enum Code {
    /// The body or the frame is not JSON.
    BadJson,
    /// The body or a field of it does not have the expected form.
    BadRequest,
    /// The frame's `type` is unknown.
    UnknownFrame,
    /// The frame's `type` is known and its fields are wrong.
    BadFrame,
    /// The frame or the body is larger than the server accepts.
    TooLarge,
    /// The server does not read the body's media type, charset or coding.
    BadMediaType,
    /// A cursor is not of the form `epoch:offset`.
    BadCursor,
    /// A channel's name is not well formed.
    BadChannel,
    /// A client id is not a UUID.
    BadId,
    /// A name is empty, too long or has control characters.
    BadName,
    /// A text is empty.
    TextEmpty,
    /// A text has more characters than allowed.
    TextTooLong,
    /// There is no such room.
    UnknownRoom,
    /// The room was removed: nothing of it is left, and no other room gets its address.
    RoomRemoved,
    /// The room is archived: it can be read, and nobody writes there.
    RoomArchived,
    /// The user may not write in this room, for a time or until a moderator takes that back.
    Muted,
    /// The room has no such message: there never was one, or retention removed it.
    UnknownMessage,
    /// The message was deleted.
    MessageDeleted,
    /// The time is over in which a message may be edited.
    TooLate,
    /// A reaction is no emoji.
    BadEmoji,
    /// The message has reactions with as many emoji as it may.
    TooManyReactions,
    /// The socket did not join this room.
    NotJoined,
    /// The socket has joined as many rooms as it may.
    TooManyJoins,
    /// A room of this name exists already.
    RoomExists,
    /// The server has as many rooms as it allows.
    TooManyRooms,
    /// The request comes from a page of another origin.
    BadOrigin,
    /// The request was sent to a host name that is not this server's.
    BadHost,
    /// There is no valid session.
    NoSession,
    /// The name or the password is wrong.
    WrongPassword,
    /// A password is too short.
    BadPassword,
    /// A password is too long.
    PasswordTooLong,
    /// A one-time link was used or has expired.
    BadLink,
    /// Another person has this name.
    NameTaken,
    /// No person has this name.
    UnknownPerson,
    /// The user may not do this.
    NotAllowed,
    /// One of two people does not take direct messages from the other.
    Blocked,
    /// Nothing exists at this address.
    NotFound,
    /// The address does not accept this method.
    BadMethod,
    /// The server has as many connections as it allows.
    TooManyConnections,
    /// A person or an address exceeds a rate limit. The rejection has the wait before a retry.
    TooManyRequests,
    /// The server could not do it now; nothing was stored.
    Unavailable,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 41] = [
        Self::BadJson,
        Self::BadRequest,
        Self::UnknownFrame,
        Self::BadFrame,
        Self::TooLarge,
        Self::BadMediaType,
        Self::BadCursor,
        Self::BadChannel,
        Self::BadId,
        Self::BadName,
        Self::TextEmpty,
        Self::TextTooLong,
        Self::UnknownRoom,
        Self::RoomRemoved,
        Self::RoomArchived,
        Self::Muted,
        Self::UnknownMessage,
        Self::MessageDeleted,
        Self::TooLate,
        Self::BadEmoji,
        Self::TooManyReactions,
        Self::NotJoined,
        Self::TooManyJoins,
        Self::RoomExists,
        Self::TooManyRooms,
        Self::BadOrigin,
        Self::BadHost,
        Self::NoSession,
        Self::WrongPassword,
        Self::BadPassword,
        Self::PasswordTooLong,
        Self::BadLink,
        Self::NameTaken,
        Self::UnknownPerson,
        Self::NotAllowed,
        Self::Blocked,
        Self::NotFound,
        Self::BadMethod,
        Self::TooManyConnections,
        Self::TooManyRequests,
        Self::Unavailable,
    ];

    /// The code as written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::BadRequest => "bad_request",
            Self::UnknownFrame => "unknown_frame",
            Self::BadFrame => "bad_frame",
            Self::TooLarge => "too_large",
            Self::BadMediaType => "bad_media_type",
            Self::BadCursor => "bad_cursor",
            Self::BadChannel => "bad_channel",
            Self::BadId => "bad_id",
            Self::BadName => "bad_name",
            Self::TextEmpty => "text_empty",
            Self::TextTooLong => "text_too_long",
            Self::UnknownRoom => "unknown_room",
            Self::RoomRemoved => "room_removed",
            Self::RoomArchived => "room_archived",
            Self::Muted => "muted",
            Self::UnknownMessage => "unknown_message",
            Self::MessageDeleted => "message_deleted",
            Self::TooLate => "too_late",
            Self::BadEmoji => "bad_emoji",
            Self::TooManyReactions => "too_many_reactions",
            Self::NotJoined => "not_joined",
            Self::TooManyJoins => "too_many_joins",
            Self::RoomExists => "room_exists",
            Self::TooManyRooms => "too_many_rooms",
            Self::BadOrigin => "bad_origin",
            Self::BadHost => "bad_host",
            Self::NoSession => "no_session",
            Self::WrongPassword => "wrong_password",
            Self::BadPassword => "bad_password",
            Self::PasswordTooLong => "password_too_long",
            Self::BadLink => "bad_link",
            Self::NameTaken => "name_taken",
            Self::UnknownPerson => "unknown_person",
            Self::NotAllowed => "not_allowed",
            Self::Blocked => "blocked",
            Self::NotFound => "not_found",
            Self::BadMethod => "bad_method",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyRequests => "too_many_requests",
            Self::Unavailable => "unavailable",
        }
    }

    /// Parses the text that [`Code::as_str`] returns.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

// A derived reader has code of its own for each code.
impl TryFrom<String> for Code {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("the code {text} is unknown"))
    }
}

/// A rejection: a code for programs, and a sentence for the person who reads a log or a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The reason as a stable word.
    pub code: Code,
    /// One sentence in English that names the fix where there is one.
    pub message: String,
    /// Milliseconds until a retry can succeed, if a retry can help and the wait is known.
    pub retry_after_ms: Option<u64>,
}

impl Rejection {
    /// A rejection with its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None }
    }

    /// The same, with the wait before a retry, which the sentence names, too. Rounded up, so that a client that waits
    /// exactly as long is not rejected again.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let message = format!("{} Try again in {} s.", self.message, ms.div_ceil(1_000));
        Self { message, retry_after_ms: Some(ms), ..self }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Rejection {}

/// The body of an HTTP error, `application/problem+json` (RFC 9457). `type` is left out and means `about:blank`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The reason phrase of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The sentence of the [`Rejection`].
    pub detail: String,
    /// Extension: the stable word.
    pub code: Code,
    /// Extension: the wait before a retry in milliseconds, if a retry can help; `Retry-After` has it in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Ours: the id of the request, of a server fault (5xx); the log has it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_its_serde_name() {
        for code in [Code::BadJson, Code::TextTooLong, Code::TooManyConnections, Code::UnknownFrame] {
            assert_eq!(serde_json::to_value(code).expect("a unit variant"), code.as_str());
            assert_eq!(Code::parse(code.as_str()), Some(code));
        }
        assert_eq!(Code::parse("no_such_code"), None);
    }

    #[test]
    fn a_wait_is_rounded_up_to_milliseconds() {
        let wait_ms = |wait| Rejection::new(Code::TooManyRequests, "").retry_after(wait).retry_after_ms;
        assert_eq!(wait_ms(Duration::from_micros(600_001)), Some(601));
        assert_eq!(wait_ms(Duration::from_millis(600)), Some(600));
        assert_eq!(wait_ms(Duration::ZERO), Some(0));
    }
}
