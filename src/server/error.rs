//! The errors of a request: a rejection that the caller can act on, or a fault of the server. Chat, feed, rights and
//! accounts return them. `http/problem.rs` turns them into HTTP answers and the live transports (`http/realtime/`) into
//! frames; it knows neither. The cause of a fault must go to the log only, never to the caller.

use std::time::Duration;

use super::store::StoreError;
use crate::protocol::problem::{Code, Rejection};

/// The wait before a retry at a server that is full or in trouble: long enough for it to lose some readers, short
/// enough for a person to wait.
pub const BUSY_RETRY_AFTER: Duration = Duration::from_secs(5);

const NOTHING_STORED: &str = "The server could not do this now; nothing was stored. Try again.";
const MAY_BE_STORED: &str =
    "The server lost its database while it stored this. Send it again: with the same id it is stored once.";

/// The rejection of a server that cannot do it now, with [`BUSY_RETRY_AFTER`].
pub fn unavailable(message: &str) -> Rejection {
    Rejection::new(Code::Unavailable, message).retry_after(BUSY_RETRY_AFTER)
}

/// A rejection that the caller can act on, or a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is at fault; the caller is told why.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store is at fault; the caller is told that it did not work, the log why.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for Error {
    /// A change that its own rule rejected is the caller's fault and not the store's.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Rejected(rejection) => Self::Rejected(rejection),
            error => Self::Store(error),
        }
    }
}

impl Error {
    /// The rejection for the caller. Logs a fault of ours: call it once, where the error ends.
    pub fn into_rejection(self) -> Rejection {
        match self {
            Self::Rejected(rejection) => rejection,
            Self::Store(error) => {
                tracing::error!(%error, "the store failed");
                unavailable(if error.is_undecided() { MAY_BE_STORED } else { NOTHING_STORED })
            }
        }
    }
}
