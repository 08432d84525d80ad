//! The entries of the queues of pushes. `events` and `chat` write it, `queue` reads it, and each part that sends a push knows
//! by it what the push is of.

use serde::{Deserialize, Serialize};

use super::rules::PersonRules;
use crate::{
    protocol::{
        cursor::Cursor,
        feed::{Body, Entry, Level},
    },
    server::{
        auth,
        chat::QueuedPush,
        store::directory::{Kind, Mutation, Precondition},
    },
};

/// The tag of the word that more events came.
const WORD_TAG: &str = "feed";
/// Hexadecimal digits of the hash of a key: half of it is enough to tell two apart.
const HASH_DIGITS: usize = 32;

/// An entry of a queue.
pub(super) enum Queued {
    /// A message of a room.
    Message(QueuedPush),
    /// An event of the feed.
    Event(QueuedEvent),
}

impl Queued {
    /// Reads a document of a queue.
    pub(super) fn parse(kind: Kind, body: &str) -> serde_json::Result<Self> {
        match kind {
            Kind::PushEvent => serde_json::from_str(body).map(Self::Event),
            _ => serde_json::from_str(body).map(Self::Message),
        }
    }

    /// Returns true if later ones may have the same tag.
    pub(super) fn may_be_replaced(&self) -> bool {
        matches!(self, Self::Event(event) if event.key.is_some())
    }
}

/// An event that is to be pushed, as it stands in the queue. It names people and an entry, and has nothing of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct QueuedEvent {
    /// Its position in the feed.
    pub(super) cursor: Cursor,
    /// Its time, in milliseconds since the Unix epoch.
    pub(super) timestamp: i64,
    pub(super) channel: String,
    pub(super) level: Level,
    /// The key of the event. A later one with the same takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// The ids of the people who have a rule for it, and a device.
    pub(super) told: Vec<String>,
    /// Not the event is pushed, but a word that more came than the limit of pushes lets through: this one, and others.
    #[serde(default)]
    pub(super) is_word: bool,
}

impl QueuedEvent {
    /// The event of an entry, for nobody yet; `None`: entries like it are not pushed.
    pub(super) fn of(entry: &Entry, cursor: Cursor) -> Option<Self> {
        // Values and progress have no level, and come too often.
        let Body::Notification { level, key, .. } = &entry.body else { return None };
        if entry.body.is_deletion() {
            return None;
        }
        Some(Self {
            cursor,
            timestamp: entry.timestamp,
            channel: entry.channel.clone(),
            level: *level,
            key: key.clone(),
            told: Vec::new(),
            is_word: false,
        })
    }

    /// The tag of its notification: always the same for the same event, and for all with the same key in a channel.
    pub(super) fn tag(&self) -> String {
        match &self.key {
            _ if self.is_word => WORD_TAG.to_owned(),
            None => format!("feed/{}", self.cursor),
            // A key can be long.
            Some(key) => format!("feed/{}", &auth::hash(&format!("{}/{key}", self.channel))[..HASH_DIGITS]),
        }
    }

    /// Returns true if it is to wake a device that saves power.
    pub(super) fn is_urgent(&self) -> bool {
        self.level == Level::Error && !self.is_word
    }

    /// Returns true if the rules of a person are for it.
    pub(super) fn is_wanted_by(&self, rules: &PersonRules) -> bool {
        rules.want(&self.channel, self.level, (&self.cursor.epoch, self.cursor.offset))
    }

    /// The document in the queue. Those of events are worked off in their order.
    pub(super) fn queued(&self, id: String) -> Mutation {
        Mutation::put(Kind::PushEvent, id, Precondition::Anything, self)
    }
}
