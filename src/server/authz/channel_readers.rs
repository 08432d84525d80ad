//! Readers of the feed's channels. Everybody reads a channel, unless an administrator has limited it to some readers.
//! The feed asks for every reader and page; the routes of administrators change it.
//!
//! The readers are in memory and in the document store, as the rights of rooms are, and only `apply` and `reload` may
//! write the memory. When the readers of a channel change, every subscription whose rights differ from before is
//! evicted at every live node before the change is answered, and resumes with its cursor.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::change_listener::decode;
use crate::{
    protocol::{
        name::parse_channel,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        error::Error,
        log::hub::Hub,
        store::{
            Channels, StoreError, TopicName,
            directory::{DocumentStore, Kind, Mutation, Op, Precondition, ReplicatedOp},
        },
    },
};

/// Most readers of a channel, and most channels that have readers: both lists are sent whole.
const READERS_MAX: usize = 1_000;
const CHANNELS_MAX: usize = 1_000;

/// A channel that only some users read.
#[derive(Clone, Debug, Serialize)]
pub struct LimitedChannel {
    /// Its name.
    pub channel: String,
    /// Its readers.
    pub readers: Vec<User>,
}

/// The stored document of a limited channel.
#[derive(Serialize, Deserialize)]
struct Readers {
    readers: Vec<User>,
}

/// The readers of limited channels, by channel.
type Limited = BTreeMap<String, Vec<User>>;

/// The rights to read channels, as this node holds them in memory.
pub struct ChannelReaders {
    documents: Arc<dyn DocumentStore>,
    hub: Hub,
    limited: RwLock<Limited>,
    /// Held from the count of the channels to the write of one more.
    changes: Mutex<()>,
}

impl ChannelReaders {
    /// Reads the stored rights.
    pub(super) async fn open(documents: Arc<dyn DocumentStore>, hub: Hub) -> Result<Self, Error> {
        let limited = RwLock::new(read(&*documents).await?);
        Ok(Self { documents, hub, limited, changes: Mutex::default() })
    }

    /// The readable part of the channels that a user asks for; `None` is an anonymous user.
    pub fn readable(&self, user_id: Option<&str>, asked: Channels) -> Channels {
        let limited = self.limited.read();
        let closed = limited.iter().filter(|(_, readers)| !is_reader(readers, user_id));
        asked.without(closed.map(|(channel, _)| channel.clone()).collect())
    }

    /// Returns true if a user may read a channel.
    pub fn may_read(&self, channel: &str, user_id: &str) -> bool {
        may_read(self.limited.read().get(channel).map(Vec::as_slice), Some(user_id))
    }

    /// The limited channels with their readers.
    pub fn list(&self) -> Vec<LimitedChannel> {
        let limited = self.limited.read();
        let channels = limited.iter();
        channels
            .map(|(channel, readers)| LimitedChannel { channel: channel.clone(), readers: readers.clone() })
            .collect()
    }

    /// Limits a channel to these readers. When this returns, none of its entries reaches another user.
    pub async fn limit(&self, channel: &str, mut readers: Vec<User>) -> Result<LimitedChannel, Error> {
        let channel = parse_channel(channel)?;
        readers.sort_by(|a, b| a.id.cmp(&b.id));
        readers.dedup_by(|a, b| a.id == b.id);
        let document = Readers { readers };
        let lock = self.changes.lock().await;
        self.check_counts(document.readers.len())?;
        let put = Mutation::put(Kind::Channel, &channel, Precondition::Anything, &document);
        self.documents.revoke_and_unlock(vec![put], lock).await?;
        Ok(LimitedChannel { channel, readers: document.readers })
    }

    fn check_counts(&self, readers: usize) -> Result<(), Rejection> {
        let count = self.limited.read().len();
        if readers <= READERS_MAX && count < CHANNELS_MAX {
            return Ok(());
        }
        let message =
            format!("At most {CHANNELS_MAX} channels can be limited, each to at most {READERS_MAX} readers.");
        Err(Rejection::new(Code::NotAllowed, message))
    }

    /// Opens a channel to everybody. Returns false if it was not limited.
    pub async fn open_to_all(&self, channel: &str) -> Result<bool, Error> {
        let channel = parse_channel(channel)?;
        let remove = Mutation::remove(Kind::Channel, &channel, Precondition::Present);
        Ok(self.documents.grant(vec![remove]).await?.is_committed())
    }

    /// Applies a change of a channel's document, made here or at another node.
    pub(super) fn apply(&self, ReplicatedOp { id, op, .. }: &ReplicatedOp) -> Result<(), StoreError> {
        match op {
            Op::Put(body) => self.replace(id, Some(decode::<Readers>(id, body)?.readers)),
            Op::Remove => self.replace(id, None),
            Op::Check | Op::RemoveUnder { .. } => {}
        }
        Ok(())
    }

    /// Replaces the memory by the stored rights.
    pub(super) async fn reload(&self) -> Result<(), StoreError> {
        let mut now = read(&*self.documents).await?;
        for LimitedChannel { channel, .. } in self.list() {
            self.replace(&channel, now.remove(&channel));
        }
        now.into_iter().for_each(|(channel, readers)| self.replace(&channel, Some(readers)));
        Ok(())
    }

    /// Changes the rights first and evicts readers then: a user who subscribes between the two has the new rights
    /// already.
    fn replace(&self, channel: &str, readers: Option<Vec<User>>) {
        let before = {
            let mut limited = self.limited.write();
            match &readers {
                Some(readers) => limited.insert(channel.to_owned(), readers.clone()),
                None => limited.remove(channel),
            }
        };
        self.hub.evict(&TopicName::Feed, |owner| {
            may_read(before.as_deref(), owner) != may_read(readers.as_deref(), owner)
        });
    }
}

async fn read(documents: &dyn DocumentStore) -> Result<Limited, StoreError> {
    let stored = documents.read_all::<Readers>(Kind::Channel, "").await?.into_iter();
    Ok(stored.map(|(channel, Readers { readers })| (channel, readers)).collect())
}

fn may_read(readers: Option<&[User]>, user_id: Option<&str>) -> bool {
    readers.is_none_or(|readers| is_reader(readers, user_id))
}

fn is_reader(readers: &[User], user_id: Option<&str>) -> bool {
    user_id.is_some_and(|id| readers.iter().any(|reader| reader.id == id))
}
