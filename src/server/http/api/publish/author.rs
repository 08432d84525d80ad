//! The author of a publication, and their right to publish. `mod.rs` checks it before it reads the entries.

use std::{fmt, net::SocketAddr};

use axum::http::HeaderMap;

use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        auth::{Identity, covers, publishers::Publishers},
        error::Error,
        http::extract::{administrator::is_operator, credentials::bearer, user::identify},
        state::AppState,
    },
};

/// The author of a publication. An `Idempotency-Key` is unique among the publications of one author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// A program with a token of its own, by the publisher's id.
    Publisher(String),
    /// A user whose token covers the channel, by the user's id.
    Person(String),
    /// The operator: everybody on this machine, or with the server's key. All of them are one author.
    Loopback,
}

impl Author {
    /// Identifies the author and checks that they may publish to `channel`: a publisher by its token, a user whose
    /// token names the channel, or, where users are guests, the operator. A request with a token is judged by the token
    /// alone.
    pub(super) async fn of(
        state: &AppState,
        peer: SocketAddr,
        channel: &str,
        headers: &HeaderMap,
    ) -> Result<Self, Error> {
        if let Some(token) = bearer(headers)?.filter(|token| Publishers::is_token(token)) {
            return Ok(Self::Publisher(state.publishers.admit(token, channel).await?.id));
        }
        let may_publish = |identity: &Identity| covers(&identity.channels, channel);
        if let Some(identity) = identify(state, headers).await?.filter(may_publish) {
            return Ok(Self::Person(identity.user.id));
        }
        if is_operator(state, peer, headers)? {
            return Ok(Self::Loopback);
        }
        let message =
            "To publish here takes a publisher's token: Authorization: Bearer idp_… (see /api/publishers).";
        Err(Rejection::new(Code::NotAllowed, message).into())
    }

    /// Returns the id by which an author with a token has a rate limit of their own; `None` for the operator.
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            Self::Publisher(id) | Self::Person(id) => Some(id),
            Self::Loopback => None,
        }
    }
}

impl fmt::Display for Author {
    /// Writes the author as the store has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publisher(id) => write!(f, "publisher:{id}"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Loopback => f.write_str("loopback"),
        }
    }
}
