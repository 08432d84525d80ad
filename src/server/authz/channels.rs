//! Whose the feed's channels are to read. A channel is everybody's unless an administrator has said who its readers
//! are. The feed asks for every reader and page; the routes of administrators change it.
//!
//! In memory as well as in the directory, as the rooms are. When the readers of a channel change, whoever follows the
//! feed with other rights than before is let go of before the change is answered, on every node that is alive, and
//! comes back with its cursor.

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

/// A channel that not everybody reads.
#[derive(Clone, Debug, Serialize)]
pub struct LimitedChannel {
    /// Its name.
    pub channel: String,
    /// Who reads it.
    pub readers: Vec<User>,
}

/// What the directory has of it.
#[derive(Serialize, Deserialize)]
struct Readers {
    readers: Vec<User>,
}

/// Who reads, by channel.
type Limited = BTreeMap<String, Vec<User>>;

/// See the module.
pub struct ChannelRights {
    directory: Arc<dyn DocumentStore>,
    hub: Hub,
    limited: RwLock<Limited>,
    /// Held from the count of the channels to the writing of one more.
    changes: Mutex<()>,
}

impl ChannelRights {
    /// Reads what the directory has.
    pub(super) async fn open(directory: Arc<dyn DocumentStore>, hub: Hub) -> Result<Self, Error> {
        let limited = RwLock::new(read(&*directory).await?);
        Ok(Self { directory, hub, limited, changes: Mutex::default() })
    }

    /// What somebody may read of the channels they ask for; `None` is nobody.
    pub fn readable(&self, user_id: Option<&str>, asked: Channels) -> Channels {
        let limited = self.limited.read();
        let closed = limited.iter().filter(|(_, readers)| !is_reader(readers, user_id));
        asked.without(closed.map(|(channel, _)| channel.clone()).collect())
    }

    /// The channels that have readers.
    pub fn list(&self) -> Vec<LimitedChannel> {
        let limited = self.limited.read();
        let channels = limited.iter();
        channels
            .map(|(channel, readers)| LimitedChannel { channel: channel.clone(), readers: readers.clone() })
            .collect()
    }

    /// From now on only these read the channel. When this returns nothing of it comes to anybody else.
    pub async fn limit(&self, channel: &str, mut readers: Vec<User>) -> Result<LimitedChannel, Error> {
        let channel = parse_channel(channel)?;
        readers.sort_by(|a, b| a.id.cmp(&b.id));
        readers.dedup_by(|a, b| a.id == b.id);
        let document = Readers { readers };
        let taken = {
            let _held = self.changes.lock().await;
            self.check_counts(document.readers.len())?;
            let step = Mutation::put(Kind::Channel, &channel, Precondition::Anything, &document);
            self.directory.change(vec![step]).await?
        };
        self.directory.wait_for_nodes(taken).await;
        Ok(LimitedChannel { channel, readers: document.readers })
    }

    fn check_counts(&self, readers: usize) -> Result<(), Rejection> {
        let count = self.limited.read().len();
        if readers <= READERS_MAX && count < CHANNELS_MAX {
            return Ok(());
        }
        let message =
            format!("At most {CHANNELS_MAX} channels have readers of their own, each at most {READERS_MAX}.");
        Err(Rejection::new(Code::NotAllowed, message))
    }

    /// The channel is everybody's again. False: it was.
    pub async fn open_to_all(&self, channel: &str) -> Result<bool, Error> {
        let channel = parse_channel(channel)?;
        let step = Mutation::remove(Kind::Channel, &channel, Precondition::Present);
        Ok(self.directory.change(vec![step]).await?.is_taken())
    }

    /// Takes over what was changed, here or on another node.
    pub(super) fn apply(&self, ReplicatedOp { id, act, .. }: &ReplicatedOp) -> Result<(), StoreError> {
        match act {
            Op::Put(body) => self.replace(id, Some(decode::<Readers>(id, body)?.readers)),
            Op::Remove => self.replace(id, None),
            Op::Check | Op::RemoveUnder { .. } => {}
        }
        Ok(())
    }

    /// Takes over all that the directory has.
    pub(super) async fn reload(&self) -> Result<(), StoreError> {
        let mut now = read(&*self.directory).await?;
        for LimitedChannel { channel, .. } in self.list() {
            self.replace(&channel, now.remove(&channel));
        }
        now.into_iter().for_each(|(channel, readers)| self.replace(&channel, Some(readers)));
        Ok(())
    }

    /// First the rights, then the readers: who subscribes between the two has the new rights already.
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

async fn read(directory: &dyn DocumentStore) -> Result<Limited, StoreError> {
    let kept = directory.read_all::<Readers>(Kind::Channel, "").await?.into_iter();
    Ok(kept.map(|(channel, Readers { readers })| (channel, readers)).collect())
}

fn may_read(readers: Option<&[User]>, user_id: Option<&str>) -> bool {
    readers.is_none_or(|readers| is_reader(readers, user_id))
}

fn is_reader(readers: &[User], user_id: Option<&str>) -> bool {
    user_id.is_some_and(|id| readers.iter().any(|reader| reader.id == id))
}
