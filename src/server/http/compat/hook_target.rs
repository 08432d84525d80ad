//! The target behind a webhook's token: a room, or a channel of the feed. The doors ask it before they read a body, so that
//! whoever has no token makes the server read nothing.

use std::net::IpAddr;

use crate::{
    protocol::{
        cursor::Offset,
        problem::{Code, Rejection},
        publication::Publication,
    },
    server::{
        auth::{
            Pattern, SigningSecret,
            publishers::{Publisher, Publishers},
        },
        authz::{Hook, publishing::Author},
        chat::HookMessage,
        error::Error,
        state::AppState,
    },
};

/// The target of a webhook.
pub(super) enum HookTarget {
    /// A room.
    Room(Hook),
    /// A channel of the feed, and who publishes there.
    Channel(String, Publisher),
}

/// A message or an event that was stored.
pub(super) struct Delivered {
    /// Its offset in the room or in the feed.
    pub(super) offset: Offset,
    /// The time at which it was accepted, in milliseconds since the Unix epoch.
    pub(super) timestamp: i64,
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
        let author = Author::Publisher(publisher.id.clone());
        state.limits.publish(author.token(), address).await?;
        Ok((Self::Channel(channel, publisher), secret))
    }
}

impl HookTarget {
    /// The id of the webhook or of the publisher.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Room(hook) => &hook.id,
            Self::Channel(_, publisher) => &publisher.id,
        }
    }

    /// The name of the webhook or of the publisher.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Room(hook) => &hook.name,
            Self::Channel(_, publisher) => &publisher.name,
        }
    }

    /// Posts a message or publishes an event, whichever the target takes. `key` makes it safe to do it again.
    pub(super) async fn deliver(
        &self,
        state: &AppState,
        key: Option<String>,
        message: impl FnOnce(Option<String>) -> Result<HookMessage, Rejection>,
        publication: impl FnOnce() -> Result<Publication, Rejection>,
    ) -> Result<Delivered, Error> {
        match self {
            Self::Room(hook) => {
                let (message, _) = state.chat.post_by_hook(hook, message(key)?).await?;
                Ok(Delivered { offset: message.offset, timestamp: message.timestamp })
            }
            Self::Channel(channel, publisher) => {
                let author = Author::Publisher(publisher.id.clone());
                let publications = vec![publication()?];
                let published =
                    state.feed.publish(channel, &author.to_string(), publications, key.as_deref()).await?;
                let entry = published.0.first().expect("one was published");
                Ok(Delivered { offset: entry.offset, timestamp: entry.timestamp })
            }
        }
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

/// An unknown token is an unknown address: the sender has nothing to sign in with.
pub(super) fn unknown_as_not_found(error: Error) -> Error {
    match error {
        Error::Rejected(rejection) if rejection.code == Code::NoSession => {
            Rejection::new(Code::NotFound, "There is no webhook at this address.").into()
        }
        other => other,
    }
}
