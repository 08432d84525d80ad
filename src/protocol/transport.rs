//! How a page and the server talk: the rungs of the ladder, best first.

/// One way to follow topics and to say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// One WebSocket for both directions.
    Socket,
    /// Server-sent events, and a request for what is said.
    Stream,
    /// Long polls, and a request for what is said.
    Poll,
}

impl Transport {
    /// Best first.
    pub const ALL: [Self; 3] = [Self::Socket, Self::Stream, Self::Poll];

    /// As it is written in settings and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Stream => "stream",
            Self::Poll => "poll",
        }
    }

    /// Reads what [`Transport::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.as_str() == text)
    }
}
