//! Refusals: the stable codes of everything that can be wrong with a request or a frame.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// What is wrong, as a stable word for programs. The page has a sentence for each in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The body or the frame is not JSON.
    BadJson,
    /// The body or a field of it does not have the expected form.
    BadRequest,
    /// The frame's `type` is none of ours.
    UnknownFrame,
    /// The frame's `type` is known and its fields are not right.
    BadFrame,
    /// The frame or the body is larger than the server takes.
    TooLarge,
    /// The body's media type, charset or coding is none that the server reads.
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
    /// The socket did not join this room.
    NotJoined,
    /// The socket is in as many rooms as it may be.
    TooManyJoins,
    /// A room of this name is there already.
    RoomExists,
    /// There are as many rooms as this server allows.
    TooManyRooms,
    /// The request comes from a page of another site.
    BadOrigin,
    /// The request was sent to a name that is not this server's.
    BadHost,
    /// There is no valid session.
    NoSession,
    /// The name or the password is wrong.
    WrongPassword,
    /// A password is too short.
    BadPassword,
    /// A password is too long.
    PasswordTooLong,
    /// A one-time link was used or has ended.
    BadLink,
    /// Somebody has this name.
    NameTaken,
    /// Nobody has this name.
    UnknownPerson,
    /// The caller may not do this.
    NotAllowed,
    /// There is nothing at this address.
    NotFound,
    /// The address does not take this method.
    BadMethod,
    /// The server has as many connections as it allows.
    TooManyConnections,
    /// A person or an address does this more often than allowed. The refusal says when to come back.
    TooManyRequests,
    /// The server could not do it; nothing was stored.
    Unavailable,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 32] = [
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
        Self::NotFound,
        Self::BadMethod,
        Self::TooManyConnections,
        Self::TooManyRequests,
        Self::Unavailable,
    ];

    /// The code as it is written on the wire.
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
            Self::NotFound => "not_found",
            Self::BadMethod => "bad_method",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyRequests => "too_many_requests",
            Self::Unavailable => "unavailable",
        }
    }

    /// The code that is written so, if it is one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

/// Why something was refused: a code for programs and a sentence for the person who reads a log or a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The stable word.
    pub code: Code,
    /// One sentence in English that names the fix where there is one.
    pub message: String,
    /// After how many milliseconds the same may be tried again, where trying again can help and it is known.
    pub retry_after_ms: Option<u64>,
}

impl Rejection {
    /// A refusal with its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None }
    }

    /// The same, to be tried again after `wait`. Rounded up: whoever waits as long as told is not refused again.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Self { retry_after_ms: Some(ms), ..self }
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
    /// The status' own phrase.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The sentence of the [`Rejection`].
    pub detail: String,
    /// Ours: the stable word.
    pub code: Code,
    /// Ours: after how many milliseconds to try again, if that can help; `Retry-After` says it in seconds.
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
    fn a_wait_is_told_in_whole_milliseconds_and_never_too_short() {
        let told = |wait| Rejection::new(Code::TooManyRequests, "").retry_after(wait).retry_after_ms;
        assert_eq!(told(Duration::from_micros(600_001)), Some(601));
        assert_eq!(told(Duration::from_millis(600)), Some(600));
        assert_eq!(told(Duration::ZERO), Some(0));
    }
}
