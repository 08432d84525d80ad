//! The state of a page's connection, for every transport.

/// Starts as [`ConnectionState::Connecting`] on both sides, so that server and browser render the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not open yet, for the first time.
    #[default]
    Connecting,
    /// Open, and on the way to the newest entry.
    CatchingUp,
    /// Live: what is said arrives.
    Open,
    /// It was lost and is being sought again.
    Closed,
    /// It was lost with the session.
    SignedOut,
}

impl ConnectionState {
    /// An open connection is live only when everything that was missed is there.
    pub fn once(self, is_caught_up: bool) -> Self {
        if self == Self::Open && !is_caught_up { Self::CatchingUp } else { self }
    }

    /// For `data-connection`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::CatchingUp => "catching-up",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::SignedOut => "signed-out",
        }
    }
}
