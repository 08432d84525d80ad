//! The errors of talking to a server. `exit` gives each its exit code.

use std::{path::PathBuf, time::Duration};

use hyper::StatusCode;
use thiserror::Error;

/// The error of a request, or of what was to be sent.
#[derive(Debug, Error)]
pub(in crate::server::cli) enum ClientError {
    /// There was no answer.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The server.
        url: String,
        /// The reason.
        reason: String,
    },
    /// The server takes nothing now.
    #[error("{url} takes nothing now: {detail}")]
    Busy {
        /// The server.
        url: String,
        /// The sentence of the answer.
        detail: String,
        /// The time after which it may be asked again.
        retry_after: Option<Duration>,
    },
    /// The server says no; asking again changes nothing.
    #[error("{url} refused it: {detail}")]
    Refused {
        /// The server.
        url: String,
        /// The status of the answer.
        status: StatusCode,
        /// The sentence of the answer.
        detail: String,
    },
    /// Lines wait on this machine.
    #[error(
        "{lines} lines are kept in {} and not sent yet: the next idobata publish --lines to this channel sends them",
        path.display()
    )]
    Kept {
        /// Their number.
        lines: usize,
        /// The spool.
        path: PathBuf,
    },
}

impl ClientError {
    /// Returns true if the same request may succeed later.
    pub(super) fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    /// The time after which the server wants to be asked again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            Self::Unreachable { .. } | Self::Refused { .. } | Self::Kept { .. } => None,
        }
    }
}
