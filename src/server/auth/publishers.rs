//! Publishers: programs that may publish to the feed, each with a token for some channels. The routes call it.
//!
//! The token is shown once and never stored; the document store has its hash. A token is too long to be guessed, so a
//! plain hash is enough.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{Pattern, SigningSecret, Submission, covers, hash, random_token, template_removal};
use crate::{
    protocol::{
        name::parse_name,
        problem::{Code, Rejection},
    },
    server::{
        clock::now_ms,
        error::Error,
        store::directory::{DocumentStore, Kind, Mutation, Precondition},
    },
};

/// Prefix of a publisher's token. It tells the token from a person's, and scanners for leaked secrets find it.
const TOKEN_PREFIX: &str = "idp_";
/// Most publishers: their list is sent whole.
const PUBLISHERS_MAX: usize = 1_000;
/// Most patterns of one publisher.
const PATTERNS_MAX: usize = 100;
/// Shortest time between two writes of the last use: it tells whether a token is still needed, which is not worth a
/// write at each use.
const USE_NOTED_EVERY_MS: i64 = 60_000;

/// A publisher as administrators see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publisher {
    /// Its id, which is a part of its token.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// The channels it may publish to.
    pub channels: Vec<Pattern>,
    /// The time of its creation, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// The time of its last publishing, in milliseconds since the Unix epoch, to within a minute; `None`: never.
    pub last_used_at: Option<i64>,
    /// It publishes only by webhooks that are signed with its secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
}

/// The stored document of a publisher.
#[derive(Serialize, Deserialize)]
struct StoredPublisher {
    #[serde(flatten)]
    publisher: Publisher,
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SigningSecret>,
}

/// The publishers of this installation, in the document store.
pub struct Publishers {
    documents: Arc<dyn DocumentStore>,
    /// The time of the last use that was written, by publisher, in milliseconds since the Unix epoch.
    noted: Mutex<HashMap<String, i64>>,
}

impl Publishers {
    /// The publishers in `documents`.
    pub fn new(documents: Arc<dyn DocumentStore>) -> Self {
        Self { documents, noted: Mutex::default() }
    }

    /// Returns true if a bearer token has the form of a publisher's.
    pub fn is_token(token: &str) -> bool {
        token.starts_with(TOKEN_PREFIX)
    }

    /// All publishers, the newest last.
    pub async fn list(&self) -> Result<Vec<Publisher>, Error> {
        let stored = self.documents.read_all::<StoredPublisher>(Kind::Publisher, "").await?.into_iter();
        let mut publishers: Vec<_> = stored.map(|(_, stored)| stored.publisher).collect();
        publishers.sort_by_key(|publisher| publisher.created_at);
        Ok(publishers)
    }

    /// Creates a publisher and returns it with its token, which cannot be read again.
    pub async fn make(
        &self,
        name: &str,
        channels: Vec<Pattern>,
        signed_with: Option<SigningSecret>,
    ) -> Result<(Publisher, String), Error> {
        let (id, secret) = (random_token(), random_token());
        let mutation = Mutation::check(Kind::Publisher, &id, Precondition::Absent);
        self.put(name, channels, (&id, &secret, signed_with), mutation).await
    }

    /// Creates a publisher by a form. The same form sent again returns the same token, as long as the publisher is
    /// there.
    pub async fn make_once(
        &self,
        name: &str,
        channels: Vec<Pattern>,
        signed_with: Option<SigningSecret>,
        submission: &Submission,
    ) -> Result<(Publisher, String), Error> {
        let (id, secret) = submission.halves();
        if let Some(stored) = self.documents.read::<StoredPublisher>(Kind::Publisher, id).await? {
            return Ok((stored.publisher, token_of(id, secret)));
        }
        let mutation = Mutation::put(Kind::Submission, id, Precondition::Absent, &now_ms());
        self.put(name, channels, (id, secret, signed_with), mutation).await
    }

    /// Stores a publisher, and `mutation` in the same transaction.
    async fn put(
        &self,
        name: &str,
        channels: Vec<Pattern>,
        (id, secret, signed_with): (&str, &str, Option<SigningSecret>),
        mutation: Mutation,
    ) -> Result<(Publisher, String), Error> {
        let name = parse_name(name)?;
        if !(1..=PATTERNS_MAX).contains(&channels.len()) {
            let message = format!("A publisher has 1 to {PATTERNS_MAX} channels or patterns.");
            return Err(Rejection::new(Code::BadRequest, message).into());
        }
        if self.list().await?.len() >= PUBLISHERS_MAX {
            let message = format!(
                "This server has reached its limit of {PUBLISHERS_MAX} publishers; remove one first."
            );
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let token = token_of(id, secret);
        let publisher = Publisher {
            id: id.to_owned(),
            name,
            channels,
            created_at: now_ms(),
            last_used_at: None,
            signed: signed_with.is_some(),
        };
        let stored =
            StoredPublisher { publisher: publisher.clone(), hash: hash(&token), secret: signed_with };
        let put = Mutation::put(Kind::Publisher, id, Precondition::Absent, &stored);
        if self.documents.grant(vec![mutation, put]).await?.is_committed() {
            return Ok((publisher, token));
        }
        // The same form was sent before, or at the same moment.
        match self.documents.read::<StoredPublisher>(Kind::Publisher, id).await? {
            Some(stored) => Ok((stored.publisher, token)),
            None => {
                let message = "This form was already sent, and the publisher has been removed since. Open the page again.";
                Err(Rejection::new(Code::BadLink, message).into())
            }
        }
    }

    /// Removes a publisher; its token is invalid from then on. Returns false if there was none.
    pub async fn remove(&self, id: &str) -> Result<bool, Error> {
        let remove = Mutation::remove(Kind::Publisher, id, Precondition::Present);
        let removed = self.documents.revoke(vec![remove, template_removal(id)]).await?;
        Ok(removed.is_committed())
    }

    /// The publisher with this token. Rejects an invalid token ([`Code::NoSession`]).
    pub async fn of_token(&self, token: &str) -> Result<Publisher, Error> {
        Ok(self.stored_of(token).await?.publisher)
    }

    async fn stored_of(&self, token: &str) -> Result<StoredPublisher, Error> {
        let id = token.strip_prefix(TOKEN_PREFIX).and_then(|rest| rest.split('_').next()).unwrap_or_default();
        let stored = self.documents.read::<StoredPublisher>(Kind::Publisher, id).await?;
        let not_valid = || Rejection::new(Code::NoSession, "The publisher's token is not valid.");
        Ok(stored.filter(|stored| stored.hash == hash(token)).ok_or_else(not_valid)?)
    }

    /// The publisher with this token. Rejects an invalid token ([`Code::NoSession`]), one that is not for the channel
    /// ([`Code::NotAllowed`]), and one that publishes by signed webhooks only.
    pub async fn authorize(&self, token: &str, channel: &str) -> Result<Publisher, Error> {
        match self.authorize_webhook(token, channel).await? {
            (publisher, None) => Ok(publisher),
            (_, Some(_)) => {
                let message =
                    "This publisher has a secret, so it publishes only by signed webhooks: /hooks/TOKEN/…";
                Err(Rejection::new(Code::NotAllowed, message).into())
            }
        }
    }

    /// The same for a webhook, with the secret by which the caller has to check what was sent.
    pub async fn authorize_webhook(
        &self,
        token: &str,
        channel: &str,
    ) -> Result<(Publisher, Option<SigningSecret>), Error> {
        let stored = self.stored_of(token).await?;
        if !covers(&stored.publisher.channels, channel) {
            let message = "The publisher's token does not cover this channel.";
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        self.note_use(&stored).await?;
        Ok((stored.publisher, stored.secret))
    }

    /// Returns true if there is a publisher with this id, and it may publish to a channel.
    pub async fn covers(&self, id: &str, channel: &str) -> Result<bool, Error> {
        let stored = self.documents.read::<StoredPublisher>(Kind::Publisher, id).await?;
        Ok(stored.is_some_and(|stored| covers(&stored.publisher.channels, channel)))
    }

    async fn note_use(&self, stored: &StoredPublisher) -> Result<(), Error> {
        let (now, id) = (now_ms(), &stored.publisher.id);
        let noted = self.lock_noted().get(id).copied().or(stored.publisher.last_used_at);
        if noted.is_some_and(|noted| (now - noted).abs() < USE_NOTED_EVERY_MS) {
            return Ok(());
        }
        self.lock_noted().insert(id.clone(), now);
        let publisher = Publisher { last_used_at: Some(now), ..stored.publisher.clone() };
        let used = StoredPublisher { publisher, hash: stored.hash.clone(), secret: stored.secret.clone() };
        // A publisher that is removed at the same moment stays removed.
        self.documents.grant(vec![Mutation::put(Kind::Publisher, id, Precondition::Present, &used)]).await?;
        Ok(())
    }

    fn lock_noted(&self) -> parking_lot::MutexGuard<'_, HashMap<String, i64>> {
        self.noted.lock()
    }
}

fn token_of(id: &str, secret: &str) -> String {
    format!("{TOKEN_PREFIX}{id}_{secret}")
}
