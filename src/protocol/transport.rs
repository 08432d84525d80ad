//! The transports between a page and the server. The connection chooses one; settings and addresses name them.

/// Longest silence of a healthy connection from the server, in seconds: streams send a comment and polls are answered by
/// then. Pages take a longer silence for the end of the connection, and proxies must allow for it (deploy/nginx.conf).
pub const KEEP_ALIVE_SECONDS: u32 = 15;

/// A way to follow topics and to send frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// One WebSocket for both directions.
    Socket,
    /// Server-sent events, and a request for each frame that is sent.
    Stream,
    /// Long polls, and a request for each frame that is sent.
    Poll,
}

impl Transport {
    /// Every transport, best first.
    pub const ALL: [Self; 3] = [Self::Socket, Self::Stream, Self::Poll];

    /// The name in settings and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Stream => "stream",
            Self::Poll => "poll",
        }
    }

    /// Parses the name that [`Transport::as_str`] returns.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.as_str() == text)
    }
}
