//! Who publishes, and whether they may. `mod.rs` asks it before it reads what is published.

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

/// Who publishes. An `Idempotency-Key` is unique among what one author publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// A program with a token of its own.
    Publisher(String),
    /// A person whose token is good for it.
    Person(String),
    /// Who runs the server: whoever shares this machine, or has its key. All of them are one.
    Loopback,
}

impl Author {
    /// Who publishes, if they may: a publisher by its token, a person whose token names the channel, or, where people
    /// are guests, who runs the server. A request with a token is judged by the token alone.
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

    /// Who has a token, and a limit of their own with it.
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            Self::Publisher(id) | Self::Person(id) => Some(id),
            Self::Loopback => None,
        }
    }
}

impl fmt::Display for Author {
    /// As it stands in the store.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publisher(id) => write!(f, "publisher:{id}"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Loopback => f.write_str("loopback"),
        }
    }
}
