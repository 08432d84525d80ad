//! Encoders of stored entries, one for each kind of topic. `state` brings those of the feed and of the rooms; a topic
//! encodes each entry once by them. The log itself must know no body of an entry.

use super::EntryChange;
use crate::server::store::{Document, Record, TopicName};

/// Encodes the JSON of an entry for its readers.
pub(crate) type Encode = fn(&Record) -> String;

/// Says what a search finds of an entry; `None`: it is not found.
pub(crate) type Describe = fn(&Record) -> Option<Document>;

/// The encoder of each kind of topic.
#[derive(Clone, Copy, Debug)]
pub struct Encoders {
    /// Encodes the entries of the feed.
    pub feed: Encode,
    /// Encodes the entries of a room.
    pub room: Encode,
    /// Encodes the entries of a user's log.
    pub user: Encode,
    /// Returns true if this change of a room erases the entry that it changes: nothing of that entry, and of its other
    /// changes, may stay in memory.
    pub erases: fn(&Record) -> bool,
    /// Returns the search document of an entry of the feed.
    pub feed_document: Describe,
    /// Returns the search document of an entry of a room.
    pub room_document: Describe,
}

impl Encoders {
    /// Encodes an entry by its topic.
    pub(super) fn encode(&self, record: &Record) -> String {
        match record.topic {
            TopicName::Feed => (self.feed)(record),
            TopicName::Room(_) => (self.room)(record),
            TopicName::User(_) => (self.user)(record),
        }
    }

    /// Returns the search document of an entry, by its topic. Entries of a user's log have none.
    pub(super) fn document(&self, record: &Record) -> Option<Document> {
        match record.topic {
            TopicName::Feed => (self.feed_document)(record),
            TopicName::Room(_) => (self.room_document)(record),
            TopicName::User(_) => None,
        }
    }

    /// The change that an entry is, if it is one.
    pub(super) fn change_of(&self, record: &Record) -> Option<EntryChange> {
        record.target.map(|target| EntryChange { target, erases: (self.erases)(record) })
    }

    /// Every entry is its stored body, and a change whose body is "erase" erases.
    #[cfg(test)]
    pub(crate) fn verbatim() -> Self {
        let body: Encode = |record| record.body.clone();
        let erases = |record: &Record| record.body == "erase";
        Self { feed: body, room: body, user: body, erases, feed_document: |_| None, room_document: |_| None }
    }
}
