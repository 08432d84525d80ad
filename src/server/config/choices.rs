//! Settings that are one of a few words: how users sign in, how pages connect, the log's format. Fields of
//! [`super::Config`]; their doc comments are texts of `--help`.

use clap::ValueEnum;

use crate::protocol::transport::Transport;

/// The ways in which users sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthSetting {
    /// They choose a name; a cookie identifies them.
    Guest,
    /// They have a password. The first start prints a link for the first administrator, who invites the others.
    Accounts,
    /// Another system signs them in and issues their tokens; see the settings that begin with --jwt.
    Jwt,
}

/// The transports that pages may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportSetting {
    /// A WebSocket, else a stream, else a long poll.
    Auto,
    /// A WebSocket only.
    Socket,
    /// Server-sent events, and requests.
    Stream,
    /// Long polls, and requests.
    Poll,
}

impl From<TransportSetting> for Option<Transport> {
    /// The only transport; `None`: any.
    fn from(setting: TransportSetting) -> Self {
        match setting {
            TransportSetting::Auto => None,
            TransportSetting::Socket => Some(Transport::Socket),
            TransportSetting::Stream => Some(Transport::Stream),
            TransportSetting::Poll => Some(Transport::Poll),
        }
    }
}

/// The format of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object per line.
    Json,
}

/// The people who may tell everybody of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupMentions {
    /// Everybody, in rooms of up to 100 people; owners and administrators in larger ones.
    Everybody,
    /// The owners of a room, and administrators.
    Owners,
}

/// The people who may start direct messages. Everybody may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DirectMessages {
    /// Everybody, guests too.
    Everybody,
    /// Users with an account, or with another system's token; guests answer only.
    Members,
    /// Nobody: those that were started go on.
    Nobody,
}
