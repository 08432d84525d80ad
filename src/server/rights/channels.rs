//! Whose the feed's channels are to read. A channel is everybody's unless an administrator has said who its readers
//! are. The feed asks for every reader and page; the routes of administrators change it.
//!
//! In memory as well as in the directory, as the rooms are. When the readers of a channel change, whoever follows the
//! feed with other rights than before is let go of before the change is answered, and comes back with its cursor.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    protocol::{
        name::parse_channel,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        error::Error,
        hub::Hub,
        store::{
            Channels, TopicName,
            directory::{Directory, Expect, Kind, Step},
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

/// See the module.
pub struct ChannelRights {
    directory: Arc<dyn Directory>,
    hub: Hub,
    /// By channel.
    limited: RwLock<BTreeMap<String, Vec<User>>>,
    /// Held over the writing of a change, so that memory and directory change in the same order.
    changes: Mutex<()>,
}

impl ChannelRights {
    /// Reads what the directory has.
    pub(super) async fn open(directory: Arc<dyn Directory>, hub: Hub) -> Result<Self, Error> {
        let kept = directory.read_all::<Readers>(Kind::Channel, "").await?.into_iter();
        let limited = RwLock::new(kept.map(|(channel, Readers { readers })| (channel, readers)).collect());
        Ok(Self { directory, hub, limited, changes: Mutex::default() })
    }

    /// What somebody may read of the channels they ask for; `None` is nobody.
    pub fn readable(&self, user_id: Option<&str>, asked: Channels) -> Channels {
        let limited = self.limited.read().unwrap_or_else(PoisonError::into_inner);
        let closed = limited.iter().filter(|(_, readers)| !is_reader(readers, user_id));
        asked.without(closed.map(|(channel, _)| channel.clone()).collect())
    }

    /// The channels that have readers.
    pub fn list(&self) -> Vec<LimitedChannel> {
        let limited = self.limited.read().unwrap_or_else(PoisonError::into_inner);
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
        let _held = self.changes.lock().await;
        let count = self.limited.read().unwrap_or_else(PoisonError::into_inner).len();
        if readers.len() > READERS_MAX || count >= CHANNELS_MAX {
            let message = format!(
                "At most {CHANNELS_MAX} channels have readers of their own, each at most {READERS_MAX}."
            );
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let document = Readers { readers: readers.clone() };
        let step = Step::put(Kind::Channel, &channel, Expect::Anything, &document);
        self.directory.change(vec![step]).await?;
        self.replace(&channel, Some(readers.clone()));
        Ok(LimitedChannel { channel, readers })
    }

    /// The channel is everybody's again. False: it was.
    pub async fn open_to_all(&self, channel: &str) -> Result<bool, Error> {
        let channel = parse_channel(channel)?;
        let _held = self.changes.lock().await;
        let step = Step::remove(Kind::Channel, &channel, Expect::Present);
        let is_changed = self.directory.change(vec![step]).await?;
        self.replace(&channel, None);
        Ok(is_changed)
    }

    /// First the rights, then the readers: who subscribes between the two has the new rights already.
    fn replace(&self, channel: &str, readers: Option<Vec<User>>) {
        let before = {
            let mut limited = self.limited.write().unwrap_or_else(PoisonError::into_inner);
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

fn may_read(readers: Option<&[User]>, user_id: Option<&str>) -> bool {
    readers.is_none_or(|readers| is_reader(readers, user_id))
}

fn is_reader(readers: &[User], user_id: Option<&str>) -> bool {
    user_id.is_some_and(|id| readers.iter().any(|reader| reader.id == id))
}
