//! Notifications that are published later. `compat/ntfy` schedules, replaces and cancels them; `due` publishes those whose time
//! has come, on one node at a time.
//!
//! Each is a document until it is published. Whoever publishes one claims it first, publishes it under an idempotency key, and
//! removes it then: a server that ends between two of these steps neither loses nor doubles it. Whoever replaces or cancels
//! one that is claimed completes it first, so that it never comes after what takes its place.

mod due;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::Feed;
use crate::{
    protocol::{
        feed::{Body, Entry},
        name::parse_channel,
        problem::{Code, Rejection},
        publication::Publication,
    },
    server::{
        auth::{Identity, hash, publishers::Publishers, random_token},
        authz::publishing::Author,
        clock::Clock,
        cluster::lease::Lease,
        error::Error,
        store::directory::{DocumentStore, Kind, Mutation, Precondition},
    },
};

/// Shortest delay: a node learns of what another one scheduled within half of it.
pub const DELAY_MIN_MS: i64 = 10_000;
/// Longest delay, as at ntfy: this is no calendar.
pub const DELAY_MAX_MS: i64 = 3 * 86_400_000;
/// Most that wait of one author.
const PER_AUTHOR_MAX: usize = 100;
/// Most that wait of all: they are read together whenever one is due.
const ALL_MAX: usize = 1_000;
/// Most attempts at a change that others disturb.
const ATTEMPTS_MAX: usize = 20;
/// The digits of the hash in an id.
const ID_DIGITS: usize = 11;

/// The notifications that wait for their time in this installation.
pub struct ScheduledNotifications {
    feed: Arc<Feed>,
    publishers: Arc<Publishers>,
    documents: Arc<dyn DocumentStore>,
    clock: Arc<Clock>,
    lease: Lease,
    changed: Notify,
}

/// A notification that waits for its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scheduled {
    /// Its id while it waits. No entry of the feed has such a one.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// The time at which it is published, in milliseconds since the Unix epoch.
    pub due_at: i64,
    body: Body,
    author: String,
    /// The publisher who has to be there still, and to cover the channel, when it is due; `None`: another author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publisher: Option<String>,
    /// The key under which it is published once.
    once: String,
    /// Somebody is publishing it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    claimed: bool,
}

impl Scheduled {
    /// The notification as an entry of its time, which has no offset yet.
    pub fn entry(&self) -> Entry {
        let (body, channel) = (self.body.clone(), self.channel.clone());
        Entry { body, channel, offset: 0, timestamp: self.due_at }
    }
}

impl ScheduledNotifications {
    /// Those in `documents`, which are published to `feed`.
    pub fn new(
        feed: Arc<Feed>,
        publishers: Arc<Publishers>,
        documents: Arc<dyn DocumentStore>,
        clock: Arc<Clock>,
        is_shared: bool,
    ) -> Self {
        let lease = Lease::new("scheduled", documents.clone(), is_shared);
        Self { feed, publishers, documents, clock, lease, changed: Notify::new() }
    }

    /// Schedules a notification, in the place of one with the same key that waits in the channel. One without a key gets its
    /// id as key, so that it can be cancelled. `once` makes it safe to ask again: the first one stays.
    pub async fn schedule(
        &self,
        channel: &str,
        author: &Author,
        publication: &Publication,
        due_at: i64,
        once: Option<&str>,
    ) -> Result<Scheduled, Error> {
        let channel = parse_channel(channel)?;
        let once = once.map_or_else(|| format!("scheduled/{}", random_token()), str::to_owned);
        let id = format!("_{}", &hash(&format!("{channel}/{author}/{once}"))[..ID_DIGITS]);
        let body = with_key(publication.body(), &id);
        let publisher = author.publisher().map(str::to_owned);
        let author = author.to_string();
        let scheduled = Scheduled { id, channel, due_at, body, author, publisher, once, claimed: false };
        let document = id_of(&scheduled.channel, scheduled.body.key().expect("it was given one"));
        for _ in 0..ATTEMPTS_MAX {
            let found = self.documents.read_to_change::<Scheduled>(Kind::Scheduled, &document).await?;
            let unchanged = match found {
                Some((found, _)) if found.once == scheduled.once => return Ok(found),
                Some((found, unchanged)) if found.claimed => {
                    self.complete(&document, &found, unchanged).await?;
                    continue;
                }
                Some((_, unchanged)) => unchanged,
                None => {
                    self.check_room(&scheduled.author).await?;
                    Precondition::Absent
                }
            };
            let put = Mutation::put(Kind::Scheduled, &document, unchanged, &scheduled);
            if self.documents.grant(vec![put]).await?.is_committed() {
                self.changed.notify_one();
                return Ok(scheduled);
            }
        }
        Err(busy().into())
    }

    /// Cancels what waits under a key in a channel. Returns when it is certain that it will not be published any more.
    pub async fn cancel(&self, channel: &str, key: &str) -> Result<(), Error> {
        let document = id_of(channel, key);
        for _ in 0..ATTEMPTS_MAX {
            let found = self.documents.read_to_change::<Scheduled>(Kind::Scheduled, &document).await?;
            let Some((found, unchanged)) = found else { return Ok(()) };
            if found.claimed {
                return self.complete(&document, &found, unchanged).await;
            }
            let remove = Mutation::remove(Kind::Scheduled, &document, unchanged);
            if self.documents.grant(vec![remove]).await?.is_committed() {
                self.changed.notify_one();
                return Ok(());
            }
        }
        Err(busy().into())
    }

    /// Lists the notifications that wait in a channel and that `who` may read, the first to come first.
    pub async fn list(&self, who: Option<&Identity>, channel: &str) -> Result<Vec<Scheduled>, Error> {
        if !self.feed.is_readable(who, channel) {
            return Ok(Vec::new());
        }
        let prefix = id_of(channel, "");
        let found = self.documents.read_all::<Scheduled>(Kind::Scheduled, &prefix).await?;
        Ok(in_order(found.into_iter().map(|(_, scheduled)| scheduled)))
    }

    /// Publishes one that is claimed, and removes it. Whoever does it at the same time does the same.
    async fn complete(
        &self,
        document: &str,
        scheduled: &Scheduled,
        unchanged: Precondition,
    ) -> Result<(), Error> {
        let Scheduled { channel, author, body, once, .. } = scheduled;
        if self.may_be_published(scheduled).await? {
            let publication = Publication::new(body.clone())?;
            self.feed.publish(channel, author, vec![publication], Some(once)).await?;
        } else {
            tracing::info!(channel, "its publisher may not publish any more: a notification is dropped");
        }
        self.documents.grant(vec![Mutation::remove(Kind::Scheduled, document, unchanged)]).await?;
        Ok(())
    }

    async fn may_be_published(&self, scheduled: &Scheduled) -> Result<bool, Error> {
        match &scheduled.publisher {
            Some(id) => self.publishers.covers(id, &scheduled.channel).await,
            None => Ok(true),
        }
    }

    /// Rejects one more beyond the bounds. Some that come at the same moment may pass together.
    async fn check_room(&self, author: &str) -> Result<(), Error> {
        let waiting = self.documents.read_all::<Scheduled>(Kind::Scheduled, "").await?;
        let own = waiting.iter().filter(|(_, scheduled)| scheduled.author == author).count();
        if own < PER_AUTHOR_MAX && waiting.len() < ALL_MAX {
            return Ok(());
        }
        let message = format!(
            "At most {PER_AUTHOR_MAX} notifications of a publisher wait for their time, and {ALL_MAX} of all; \
             wait, or delete some."
        );
        Err(Rejection::new(Code::NotAllowed, message).into())
    }
}

/// The id of the document of what waits under a key. A channel has no slash.
fn id_of(channel: &str, key: &str) -> String {
    format!("{channel}/{key}")
}

fn with_key(body: &Body, own: &str) -> Body {
    let mut body = body.clone();
    if let Body::Notification { key, .. } = &mut body {
        key.get_or_insert_with(|| own.to_owned());
    }
    body
}

fn in_order(scheduled: impl Iterator<Item = Scheduled>) -> Vec<Scheduled> {
    let mut scheduled: Vec<_> = scheduled.collect();
    scheduled.sort_by_key(|one| one.due_at);
    scheduled
}

fn busy() -> Rejection {
    Rejection::new(Code::Unavailable, "This notification is changed by many at the same time. Try again.")
}
