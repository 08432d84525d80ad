//! Programs that may publish to the feed, each with a token that is good for some channels. The routes call it.
//!
//! The token is shown once; the directory has its hash. It is longer than anybody could guess, so a plain hash will do.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{Pattern, Submission, covers, hash, random_token};
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

/// What a publisher's token begins with: it is told from a person's, and found by those who look for lost secrets.
const TOKEN_PREFIX: &str = "idp_";
/// Most publishers: their list is sent whole.
const PUBLISHERS_MAX: usize = 1_000;
/// Most patterns of one.
const PATTERNS_MAX: usize = 100;
/// The last use is written this seldom: it says whether a token is still needed, and is not worth a write each time.
const USE_NOTED_EVERY_MS: i64 = 60_000;

/// A program as administrators see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publisher {
    /// Stands in its token.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may publish to.
    pub channels: Vec<Pattern>,
    /// In milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it published last, to within a minute; `None`: never.
    pub last_used_at: Option<i64>,
}

/// What the directory has of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    publisher: Publisher,
    hash: String,
}

/// See the module.
pub struct Publishers {
    directory: Arc<dyn DocumentStore>,
    /// When each use was written last.
    noted: Mutex<HashMap<String, i64>>,
}

impl Publishers {
    /// The publishers that the directory has.
    pub fn new(directory: Arc<dyn DocumentStore>) -> Self {
        Self { directory, noted: Mutex::default() }
    }

    /// Whether a bearer's token is meant for here.
    pub fn is_token(token: &str) -> bool {
        token.starts_with(TOKEN_PREFIX)
    }

    /// All of them, the newest last.
    pub async fn list(&self) -> Result<Vec<Publisher>, Error> {
        let kept = self.directory.read_all::<Kept>(Kind::Publisher, "").await?.into_iter();
        let mut publishers: Vec<_> = kept.map(|(_, kept)| kept.publisher).collect();
        publishers.sort_by_key(|publisher| publisher.created_at);
        Ok(publishers)
    }

    /// Makes one. The token is given this once.
    pub async fn make(&self, name: &str, channels: Vec<Pattern>) -> Result<(Publisher, String), Error> {
        let (id, secret) = (random_token(), random_token());
        let step = Mutation::keep(Kind::Publisher, &id, Precondition::Absent);
        self.put(name, channels, (&id, &secret), step).await
    }

    /// The same by a form. Sent again it gives the same token, as long as the publisher is there.
    pub async fn make_once(
        &self,
        name: &str,
        channels: Vec<Pattern>,
        submission: &Submission,
    ) -> Result<(Publisher, String), Error> {
        let (id, secret) = submission.halves();
        if let Some(kept) = self.directory.read::<Kept>(Kind::Publisher, id).await? {
            return Ok((kept.publisher, token_of(id, secret)));
        }
        let step = Mutation::put(Kind::Submission, id, Precondition::Absent, &now_ms());
        self.put(name, channels, (id, secret), step).await
    }

    /// Stores one, along with another step.
    async fn put(
        &self,
        name: &str,
        channels: Vec<Pattern>,
        (id, secret): (&str, &str),
        step: Mutation,
    ) -> Result<(Publisher, String), Error> {
        let name = parse_name(name)?;
        if !(1..=PATTERNS_MAX).contains(&channels.len()) {
            let message =
                format!("A publisher is good for 1 to {PATTERNS_MAX} channels or patterns of them.");
            return Err(Rejection::new(Code::BadRequest, message).into());
        }
        if self.list().await?.len() >= PUBLISHERS_MAX {
            let message = format!("This server takes at most {PUBLISHERS_MAX} publishers; remove one first.");
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let token = token_of(id, secret);
        let publisher =
            Publisher { id: id.to_owned(), name, channels, created_at: now_ms(), last_used_at: None };
        let kept = Kept { publisher: publisher.clone(), hash: hash(&token) };
        let put = Mutation::put(Kind::Publisher, id, Precondition::Absent, &kept);
        if self.directory.change(vec![step, put]).await?.is_taken() {
            return Ok((publisher, token));
        }
        // The same form was sent before, or in this moment.
        match self.directory.read::<Kept>(Kind::Publisher, id).await? {
            Some(kept) => Ok((kept.publisher, token)),
            None => {
                let message =
                    "This form was sent before, and the publisher was removed. Open the page again.";
                Err(Rejection::new(Code::BadLink, message).into())
            }
        }
    }

    /// Removes one; its token is good for nothing from then on. False: there was none.
    pub async fn remove(&self, id: &str) -> Result<bool, Error> {
        let removed =
            self.directory.change(vec![Mutation::remove(Kind::Publisher, id, Precondition::Present)]).await?;
        Ok(removed.is_taken())
    }

    /// The program with this token, if it may publish to the channel.
    pub async fn admit(&self, token: &str, channel: &str) -> Result<Publisher, Error> {
        let id = token.strip_prefix(TOKEN_PREFIX).and_then(|rest| rest.split('_').next()).unwrap_or_default();
        let kept = self.directory.read::<Kept>(Kind::Publisher, id).await?;
        let Some(kept) = kept.filter(|kept| kept.hash == hash(token)) else {
            return Err(Rejection::new(Code::NoSession, "The publisher's token is not valid.").into());
        };
        if !covers(&kept.publisher.channels, channel) {
            let message = "The publisher's token is not good for this channel.";
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        self.note_use(&kept).await?;
        Ok(kept.publisher)
    }

    async fn note_use(&self, kept: &Kept) -> Result<(), Error> {
        let (now, id) = (now_ms(), &kept.publisher.id);
        let noted = self.lock_noted().get(id).copied().or(kept.publisher.last_used_at);
        if noted.is_some_and(|noted| (now - noted).abs() < USE_NOTED_EVERY_MS) {
            return Ok(());
        }
        self.lock_noted().insert(id.clone(), now);
        let publisher = Publisher { last_used_at: Some(now), ..kept.publisher.clone() };
        let used = Kept { publisher, hash: kept.hash.clone() };
        // Who was removed in this moment stays removed.
        self.directory.change(vec![Mutation::put(Kind::Publisher, id, Precondition::Present, &used)]).await?;
        Ok(())
    }

    fn lock_noted(&self) -> parking_lot::MutexGuard<'_, HashMap<String, i64>> {
        self.noted.lock()
    }
}

fn token_of(id: &str, secret: &str) -> String {
    format!("{TOKEN_PREFIX}{id}_{secret}")
}
