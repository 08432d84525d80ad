//! The state of a page's connection, for every transport.

/// Starts as [`ConnectionState::Connecting`] on both sides, so that server and browser render the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not open yet, for the first time.
    #[default]
    Connecting,
    /// What is said arrives.
    Open,
    /// It was lost and is being sought again.
    Closed,
}

impl ConnectionState {
    /// For `data-connection`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}
