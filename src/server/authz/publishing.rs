//! The right to publish to a channel of the feed. `http/api/publish/author.rs` asks it.

use std::fmt;

use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        auth::{Identity, covers, publishers::Publishers},
        error::Error,
    },
};

/// The author of a publication. An `Idempotency-Key` is unique among the publications of one author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// A program with a token of its own, by the publisher's id.
    Publisher(String),
    /// A user whose token covers the channel, by the user's id.
    Person(String),
    /// The operator: everybody on this machine, or with the server's key. All of them are one author.
    Loopback,
    /// A program without a token, to a channel that is open to its address. All of them are one author.
    Anonymous,
}

impl Author {
    /// Identifies the author and checks that they may publish to `channel`: a publisher by its token, a user whose
    /// token names the channel, where users are guests the operator, or anybody to whom the channel `is_open`. `token` is
    /// that of the request; one of a publisher is judged alone, and the others are not asked then.
    ///
    /// # Errors
    /// [`Code::NotAllowed`] if none of them may publish here, and what the three answer.
    pub async fn authorize(
        publishers: &Publishers,
        channel: &str,
        token: Option<&str>,
        identity: impl Future<Output = Result<Option<Identity>, Error>>,
        is_operator: impl FnOnce() -> Result<bool, Error>,
        is_open: bool,
    ) -> Result<Self, Error> {
        if let Some(token) = token.filter(|token| Publishers::is_token(token)) {
            return Ok(Self::Publisher(publishers.authorize(token, channel).await?.id));
        }
        if let Some(identity) = identity.await?.filter(|identity| covers(&identity.channels, channel)) {
            return Ok(Self::Person(identity.user.id));
        }
        if is_operator()? {
            return Ok(Self::Loopback);
        }
        if is_open {
            return Ok(Self::Anonymous);
        }
        let message = "Publishing here requires a publisher's token: Authorization: Bearer idp_… (see /api/publishers).";
        Err(Rejection::new(Code::NotAllowed, message).into())
    }

    /// Returns the id of the publisher, if it is one.
    pub fn publisher(&self) -> Option<&str> {
        match self {
            Self::Publisher(id) => Some(id),
            Self::Person(_) | Self::Loopback | Self::Anonymous => None,
        }
    }

    /// Returns the id by which an author with a token has a rate limit of their own; `None`: their address has one.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Publisher(id) | Self::Person(id) => Some(id),
            Self::Loopback | Self::Anonymous => None,
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
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}
