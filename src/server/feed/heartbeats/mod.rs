//! Heartbeats: a job pings an address while it is well, and a channel of the feed tells when the ping stays away, and when it
//! comes again. The routes and the page manage and ping them; `server` runs the watch.
//!
//! * `schedule`: when the next ping is expected
//! * `heartbeat`: the state of one and how it changes, without a clock or a store
//! * `watch`: finds those whose ping stays away, on one node at a time
//!
//! A change of state is stored first and told then, under a key that stores nothing twice: a server that ends between the
//! two tells it later, and two nodes tell it once.

mod heartbeat;
mod schedule;
mod watch;

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use self::{
    heartbeat::{Heartbeat, Ping, Status},
    schedule::{MAX_SECONDS, Schedule},
};
use super::Feed;
use crate::{
    protocol::{
        name::parse_channel,
        problem::{Code, Rejection},
        publication::Publication,
    },
    server::{
        clock::Clock,
        cluster::lease::Lease,
        error::Error,
        store::{
            StoreError,
            directory::{DocumentStore, Kind, Mutation, Precondition},
        },
    },
};

/// Most heartbeats: the watch reads all of them whenever it looks.
const HEARTBEATS_MAX: usize = 1_000;
/// Longest name, in characters. With the prefix of [`Heartbeat::key`] it is a key of the feed.
const NAME_MAX_CHARACTERS: usize = 50;
/// Most attempts at a change that others disturb.
const ATTEMPTS_MAX: usize = 20;
/// The author of what heartbeats publish.
const AUTHOR: &str = "heartbeats";

/// The heartbeats of this installation.
pub struct Heartbeats {
    feed: Arc<Feed>,
    documents: Arc<dyn DocumentStore>,
    clock: Arc<Clock>,
    lease: Lease,
    changed: Notify,
    /// Those whose ping was refused since the watch last looked: their jobs may be well.
    refused: Mutex<HashSet<String>>,
}

/// The settings of a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatSettings {
    /// The name, by which it is pinged.
    pub name: String,
    /// The channel of the feed that tells of it.
    pub channel: String,
    /// The schedule of the expected pings.
    pub schedule: Schedule,
    /// The time by which a ping may be late, in seconds.
    pub grace: u32,
    /// It is not watched until its next ping.
    pub paused: bool,
}

impl Heartbeats {
    /// The heartbeats in `documents`, which tell of themselves in `feed`.
    pub fn new(
        feed: Arc<Feed>,
        documents: Arc<dyn DocumentStore>,
        clock: Arc<Clock>,
        is_shared: bool,
    ) -> Self {
        let lease = Lease::new("heartbeats", documents.clone(), is_shared);
        Self { feed, documents, clock, lease, changed: Notify::new(), refused: Mutex::default() }
    }

    /// All of them, by name.
    pub async fn list(&self) -> Result<Vec<Heartbeat>, StoreError> {
        let found = self.documents.read_all::<Heartbeat>(Kind::Heartbeat, "").await?;
        Ok(found.into_iter().map(|(_, heartbeat)| heartbeat).collect())
    }

    /// The one with a name.
    pub async fn find(&self, name: &str) -> Result<Option<Heartbeat>, StoreError> {
        self.documents.read(Kind::Heartbeat, name).await
    }

    /// Makes a heartbeat, or changes the settings of the one with this name. Returns it.
    pub async fn set(&self, settings: &HeartbeatSettings) -> Result<Heartbeat, Error> {
        check(settings)?;
        let now = self.clock.wall_ms();
        for _ in 0..ATTEMPTS_MAX {
            let known = self.documents.read_to_change::<Heartbeat>(Kind::Heartbeat, &settings.name).await?;
            let (heartbeat, unchanged) = match known {
                Some((known, unchanged)) => (known.with(settings, now), unchanged),
                None => {
                    if self.list().await?.len() >= HEARTBEATS_MAX {
                        let message =
                            format!("This server has at most {HEARTBEATS_MAX} heartbeats; remove one first.");
                        return Err(Rejection::new(Code::NotAllowed, message).into());
                    }
                    (Heartbeat::new(settings, now), Precondition::Absent)
                }
            };
            let put = Mutation::put(Kind::Heartbeat, &settings.name, unchanged, &heartbeat);
            if self.documents.grant(vec![put]).await?.is_committed() {
                self.changed.notify_one();
                return Ok(heartbeat);
            }
        }
        Err(busy().into())
    }

    /// Removes a heartbeat. Returns false if there was none.
    pub async fn remove(&self, name: &str) -> Result<bool, Error> {
        let remove = Mutation::remove(Kind::Heartbeat, name, Precondition::Present);
        Ok(self.documents.grant(vec![remove]).await?.is_committed())
    }

    /// Takes a ping with the end of its text, and tells of it if that changes the state.
    pub async fn ping(&self, name: &str, ping: Ping, text: Option<&str>) -> Result<(), Error> {
        let now = self.clock.wall_ms();
        if ping == Ping::Log {
            return self.note(name, text).await;
        }
        let changed = self.change(name, |heartbeat| heartbeat.pinged(ping, text, now)).await;
        let is_known = changed.inspect_err(|_| self.note_refused([name.to_owned()]))?;
        self.changed.notify_one();
        match is_known {
            true => Ok(()),
            false => Err(Rejection::new(Code::NotFound, "There is no heartbeat with this name.").into()),
        }
    }

    /// Notes whose ping was refused, so that they are not taken down for it. The names are not looked up in a store that fails.
    fn note_refused(&self, names: impl IntoIterator<Item = String>) {
        let mut refused = self.refused.lock();
        let left = HEARTBEATS_MAX.saturating_sub(refused.len());
        refused.extend(names.into_iter().take(left));
    }

    /// Publishes a text of a job, which changes no state.
    async fn note(&self, name: &str, text: Option<&str>) -> Result<(), Error> {
        let Some(heartbeat) = self.find(name).await? else {
            return Err(Rejection::new(Code::NotFound, "There is no heartbeat with this name.").into());
        };
        if let Some(publication) = heartbeat.note(text) {
            self.feed.publish(&heartbeat.channel, AUTHOR, vec![publication], None).await?;
        }
        Ok(())
    }

    /// Changes one and tells of it. Returns false if it is gone.
    async fn change(&self, name: &str, change: impl Fn(&Heartbeat) -> Heartbeat) -> Result<bool, Error> {
        for _ in 0..ATTEMPTS_MAX {
            let known = self.documents.read_to_change::<Heartbeat>(Kind::Heartbeat, name).await?;
            let Some((known, unchanged)) = known else { return Ok(false) };
            // News that another node stored and could not tell come first.
            self.publish(&known).await?;
            let changed = change(&known.told());
            let put = Mutation::put(Kind::Heartbeat, name, unchanged, &changed);
            if self.documents.grant(vec![put]).await?.is_committed() {
                self.tell(&changed).await?;
                return Ok(true);
            }
        }
        Err(busy().into())
    }

    /// Publishes what is to be told of one, and notes that it was.
    async fn tell(&self, heartbeat: &Heartbeat) -> Result<(), Error> {
        if !self.publish(heartbeat).await? {
            return Ok(());
        }
        let name = &heartbeat.name;
        let known = self.documents.read_to_change::<Heartbeat>(Kind::Heartbeat, name).await?;
        // If it has changed meanwhile, whoever changed it has told this before.
        if let Some((known, unchanged)) = known
            && known == *heartbeat
        {
            let put = Mutation::put(Kind::Heartbeat, name, unchanged, &heartbeat.told());
            self.documents.grant(vec![put]).await?;
        }
        Ok(())
    }

    /// Returns true if there was something to tell.
    async fn publish(&self, heartbeat: &Heartbeat) -> Result<bool, Error> {
        let Some((key, publication)) = heartbeat.news() else { return Ok(false) };
        self.feed.publish(&heartbeat.channel, AUTHOR, vec![publication], Some(&key)).await?;
        Ok(true)
    }
}

fn check(settings: &HeartbeatSettings) -> Result<(), Rejection> {
    let bad = |message: String| Rejection::new(Code::BadRequest, message);
    let HeartbeatSettings { name, channel, grace, .. } = settings;
    let is_fine = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.is_empty() || name.len() > NAME_MAX_CHARACTERS || !name.chars().all(is_fine) {
        return Err(bad(format!(
            "The name of a heartbeat has 1 to {NAME_MAX_CHARACTERS} of the characters A-Z a-z 0-9 . - _"
        )));
    }
    parse_channel(channel)?;
    if !(1..=MAX_SECONDS).contains(grace) {
        return Err(bad(format!("The grace of a heartbeat is 1 to {MAX_SECONDS} seconds.")));
    }
    Ok(())
}

fn busy() -> Rejection {
    Rejection::new(Code::Unavailable, "This heartbeat is changed by many at the same time. Try again.")
}

/// A notification of ours, which is within the limits.
fn ours(body: crate::protocol::feed::Body) -> Publication {
    Publication::new(body).expect("its parts are cut to the limits")
}
