//! Encoders of stored entries, one for each kind of topic. `state` brings those of the feed and of the rooms; a topic
//! encodes each entry once by them. The log itself must know no body of an entry.

use crate::server::store::{Record, TopicName};

/// Encodes the JSON of an entry for its readers.
pub(crate) type Encode = fn(&Record) -> String;

/// The encoder of each kind of topic.
#[derive(Clone, Copy, Debug)]
pub struct Encoders {
    /// Encodes the entries of the feed.
    pub feed: Encode,
    /// Encodes the entries of a room.
    pub room: Encode,
}

impl Encoders {
    /// Encodes an entry by its topic.
    pub(super) fn encode(&self, record: &Record) -> String {
        match record.topic {
            TopicName::Feed => (self.feed)(record),
            TopicName::Room(_) => (self.room)(record),
        }
    }

    /// Every entry is its stored body.
    #[cfg(test)]
    pub(crate) fn verbatim() -> Self {
        let body: Encode = |record| record.body.clone();
        Self { feed: body, room: body }
    }
}
