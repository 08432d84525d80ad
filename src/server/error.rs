//! What can go wrong in the domain. How it looks over HTTP is said in `routes/problem.rs`, over a socket in
//! `routes/chat_socket.rs`.

use super::store::StoreError;
use crate::protocol::problem::{Code, Rejection};

/// A refusal that the caller can act on, or a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is at fault; the caller is told why.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store is at fault; the caller is told that it did not work, the log why.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// What the caller is told. Logs a fault of ours: call it once, where the error ends.
    pub fn into_rejection(self) -> Rejection {
        match self {
            Self::Rejected(rejection) => rejection,
            Self::Store(error) => {
                tracing::error!(%error, "the store failed");
                Rejection::new(
                    Code::Unavailable,
                    "The server could not do this now; nothing was stored. Try again.",
                )
            }
        }
    }
}
