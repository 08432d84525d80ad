//! The queue of messages of which somebody may get a push, and what `notify` has to know of one. `posting` and `changes` add
//! to it, `notify` takes from it.
//!
//! An entry is a document that is durable before the post is acknowledged, and stays until its pushes are with the push
//! services or given up. So a server that ends in between sends them when it starts again, at whichever node. If it ends
//! between a message and its entry, the client had no answer and sends the post again, which writes the entry, as it does
//! with the mentions. An entry names people and a message, and has nothing of its text.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{
    Chat,
    encoding::{StoredMessage, stored_message},
    marks::mark_of,
};
use crate::{
    protocol::{cursor::Offset, mark::RoomMark, name::RoomId, session::User},
    server::store::{
        StoreError, TopicName,
        directory::{DocumentStore, Kind, Mutation, Precondition, id_prefix_of},
    },
};

/// People whose devices are asked for at the same time.
const AT_ONCE: usize = 16;

/// For so long a node believes whether somebody wants to hear of every message. It learns of its own changes at once.
const WANTS_ALL_FOR: Duration = Duration::from_secs(5);

/// A message of which somebody may get a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedPush {
    /// Its room.
    pub room: RoomId,
    /// Its offset.
    pub offset: Offset,
    /// Its time, in milliseconds since the Unix epoch. Another message at the offset, of a database that was restored, has
    /// another one.
    pub timestamp: i64,
    /// The id of its author.
    pub author: String,
    /// The ids of the people who have a device, of those whom it mentions, and of all whom a direct message is for.
    pub told: Vec<String>,
    /// It is new, and not edited: who wants all messages is told, too.
    pub is_new: bool,
}

/// The part of a message that a push shows.
#[derive(Clone, Debug)]
pub struct PushedMessage {
    /// The name of its room; `None`: it is a direct message.
    pub room: Option<String>,
    /// The name of its author.
    pub author: String,
    /// Its text as it is now.
    pub text: String,
}

/// A person's settings of notifications: the document [`Kind::PushSettings`] as the queue reads it.
#[derive(Deserialize)]
struct WantsAll {
    #[serde(default)]
    every_message: bool,
}

/// The queue, in the document store.
pub struct PushQueue {
    /// `None`: the setting turns pushes off.
    documents: Option<Arc<dyn DocumentStore>>,
    added: Notify,
    /// The beginnings of the document ids of those who want all messages, and when that was read.
    wants_all: Mutex<Option<(Instant, Arc<Vec<String>>)>>,
}

impl PushQueue {
    /// The queue in `documents`; without them nothing is queued.
    pub fn new(documents: Option<Arc<dyn DocumentStore>>) -> Self {
        Self { documents, added: Notify::new(), wants_all: Mutex::default() }
    }

    /// Completes when something was added at this node since the last time.
    pub async fn added(&self) {
        self.added.notified().await;
    }

    /// Forgets what it believes of the settings of people, because one was changed.
    pub fn forget_settings(&self) {
        *self.wants_all.lock() = None;
    }

    /// Adds a message if somebody may get a push. When this returns, it is durable. `rev` is the offset of the edit that
    /// named them, or 0.
    pub(super) async fn add(&self, push: QueuedPush, rev: Offset) -> Result<(), StoreError> {
        let Some(documents) = &self.documents else { return Ok(()) };
        let told = with_device(&**documents, push.told).await?;
        let push = QueuedPush { told, ..push };
        if push.told.is_empty() && !(push.is_new && self.is_wanted(&**documents, &push.author).await?) {
            return Ok(());
        }
        let id = format!("{}/{}/{rev}", push.room, push.offset);
        documents.grant(vec![Mutation::put(Kind::PushQueue, id, Precondition::Anything, &push)]).await?;
        self.added.notify_one();
        Ok(())
    }

    /// Returns true if somebody else than the author wants to hear of every message.
    async fn is_wanted(&self, documents: &dyn DocumentStore, author: &str) -> Result<bool, StoreError> {
        let known = self.wants_all.lock().clone();
        let wants_all = match known.filter(|(at, _)| at.elapsed() < WANTS_ALL_FOR) {
            Some((_, wants_all)) => wants_all,
            None => {
                let read_at = Instant::now();
                let settings = documents.read_all::<WantsAll>(Kind::PushSettings, "").await?.into_iter();
                let wants_all = settings.filter(|(_, settings)| settings.every_message).map(|(id, _)| id);
                let wants_all = Arc::new(wants_all.collect::<Vec<_>>());
                *self.wants_all.lock() = Some((read_at, wants_all.clone()));
                wants_all
            }
        };
        let author = id_prefix_of(author);
        Ok(wants_all.iter().any(|id| *id != author))
    }
}

/// Those who have a device that gets pushes.
async fn with_device(documents: &dyn DocumentStore, people: Vec<String>) -> Result<Vec<String>, StoreError> {
    let found = stream::iter(people).map(|id| async move {
        let devices = documents.list(Kind::PushSubscription, &id_prefix_of(&id)).await?;
        Ok::<_, StoreError>((!devices.is_empty()).then_some(id))
    });
    let found: Vec<_> = found.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

impl Chat {
    /// The queue of pushes.
    pub fn push_queue(&self) -> &Arc<PushQueue> {
        &self.push_queue
    }

    /// Queues a message for those whom it tells.
    pub(super) async fn queue_push(
        &self,
        room: &RoomId,
        (offset, rev): (Offset, Offset),
        timestamp: i64,
        author: &User,
        told: HashSet<String>,
    ) -> Result<(), StoreError> {
        let direct = if rev == 0 { self.direct_members(room) } else { Vec::new() };
        let told = told.into_iter().chain(direct.into_iter().map(|user| user.id));
        let told = told.filter(|id| *id != author.id).collect();
        let (room, author, is_new) = (room.clone(), author.id.clone(), rev == 0);
        self.push_queue.add(QueuedPush { room, offset, timestamp, author, told, is_new }, rev).await
    }

    /// A message as the queue would have it, for nobody yet: the one at `offset`, or the newest one that a room shows. `None`:
    /// it is gone.
    pub async fn push_of(
        &self,
        room: &RoomId,
        offset: Option<Offset>,
    ) -> Result<Option<QueuedPush>, StoreError> {
        let (topic, store) = (TopicName::Room(room.clone()), self.hub.store());
        let offset = match offset {
            Some(offset) => offset,
            None => match store
                .newest_counted(&topic, 1)
                .await?
                .and_then(|newest| newest.entries.first().cloned())
            {
                Some((offset, _)) => offset,
                None => return Ok(None),
            },
        };
        let found =
            store.read_each(&topic, &[offset]).await?.into_iter().find(|record| record.target.is_none());
        Ok(found.map(|record| QueuedPush {
            room: room.clone(),
            offset,
            timestamp: record.timestamp,
            author: record.author,
            told: Vec::new(),
            is_new: true,
        }))
    }

    /// The message as it is now; `None`: it is gone.
    pub async fn pushed_message(&self, push: &QueuedPush) -> Result<Option<PushedMessage>, StoreError> {
        let topic = TopicName::Room(push.room.clone());
        let found = self.hub.store().read_each(&topic, &[push.offset]).await?;
        let found = found.iter().find(|record| record.target.is_none() && record.timestamp == push.timestamp);
        let Some(record) = found else { return Ok(None) };
        let StoredMessage { user, text, deleted, .. } = stored_message(record);
        if deleted {
            return Ok(None);
        }
        if self.is_direct(&push.room).await? {
            return Ok(Some(PushedMessage { room: None, author: user, text }));
        }
        let room = self.hub.store().rooms().await?.into_iter().find(|room| room.id == push.room);
        let room = room.map(|room| self.rights.changed(room));
        Ok(room.map(|room| PushedMessage { room: Some(room.name), author: user, text }))
    }

    /// The mark of a person in a room; `None`: they may not enter it, or have never marked it and it has no direct messages.
    pub async fn mark_in_room(&self, user_id: &str, room: &RoomId) -> Result<Option<RoomMark>, StoreError> {
        let Some(topic) = TopicName::of_user(user_id) else { return Ok(None) };
        if !self.rights.admits(room, user_id) {
            return Ok(None);
        }
        let stored = self.hub.store().state(&topic, room.as_str()).await?;
        if stored.is_none() && !self.is_direct(room).await? {
            return Ok(None);
        }
        let bounds = self.hub.store().bounds(&TopicName::Room(room.clone())).await?;
        Ok(Some(mark_of(room.clone(), stored.as_ref(), &bounds)))
    }

    /// Returns true if a message of this room is for this person whether it names them or not.
    pub fn is_direct_for(&self, room: &RoomId, user_id: &str) -> bool {
        self.direct_members(room).iter().any(|user| user.id == user_id)
    }
}
