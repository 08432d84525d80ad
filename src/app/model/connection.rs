//! The state of a page's connection, for every transport. `sync` sets it, the badge shows it.

/// Starts as [`ConnectionState::Connecting`] on both sides, so that server and browser render the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not open yet, for the first time on this page.
    #[default]
    Connecting,
    /// Open, and reading up to the newest entry.
    CatchingUp,
    /// Live: new entries arrive.
    Open,
    /// Lost, and being reopened.
    Closed,
    /// Lost with the session.
    SignedOut,
}

impl ConnectionState {
    /// The same, except that an open connection is live only when everything that was missed has arrived.
    pub fn with_progress(self, is_caught_up: bool) -> Self {
        if self == Self::Open && !is_caught_up { Self::CatchingUp } else { self }
    }

    /// The value of `data-connection`.
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
