//! The target behind a webhook's token: a room, or a channel of the feed. `slack` and `senders` ask it before they read a
//! body, so that whoever has no token makes the server read nothing.

use std::net::IpAddr;

use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        auth::{Pattern, SigningSecret, publishers::Publishers},
        authz::{Hook, publishing::Author},
        error::Error,
        state::AppState,
    },
};

/// The target of a webhook.
pub(super) enum HookTarget {
    /// A room.
    Room(Hook),
    /// A channel of the feed, and who publishes there.
    Channel(String, Author),
}

impl HookTarget {
    /// The target of a token, with the secret by which the caller has to check what was sent. `channel`: the one that the
    /// request names, for a publisher of several.
    ///
    /// Errors: [`Code::NoSession`] for an unknown token, [`Code::BadChannel`] for no channel, [`Code::NotAllowed`] for one
    /// that is not the publisher's, and its limit.
    pub(super) async fn of_token(
        state: &AppState,
        token: &str,
        channel: Option<String>,
        address: IpAddr,
    ) -> Result<(Self, Option<SigningSecret>), Error> {
        if !Publishers::is_token(token) {
            let no_hook = || Rejection::new(Code::NoSession, "There is no webhook with this token.");
            let (hook, secret) = state.rights.hook_of(token).await?.ok_or_else(no_hook)?;
            return Ok((Self::Room(hook), secret));
        }
        let channel = match channel {
            Some(channel) => channel,
            None => only_channel(state, token).await?,
        };
        let (publisher, secret) = state.publishers.authorize_webhook(token, &channel).await?;
        let author = Author::Publisher(publisher.id);
        state.limits.publish(author.token(), address).await?;
        Ok((Self::Channel(channel, author), secret))
    }
}

/// The channel of a publisher that has one.
async fn only_channel(state: &AppState, token: &str) -> Result<String, Error> {
    let publisher = state.publishers.of_token(token).await?;
    match &publisher.channels[..] {
        [only] if !only.as_str().contains('*') => Ok(Pattern::as_str(only).to_owned()),
        _ => {
            let message = "This token is for several channels: name one, as /hooks/TOKEN?channel=ops.";
            Err(Rejection::new(Code::BadChannel, message).into())
        }
    }
}
