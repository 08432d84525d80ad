//! The records that link an event of the feed to the thread of a room about it: documents that no node has in memory. `chat`
//! writes one before it posts the message with which the thread begins, so that of two people who begin at once one finds
//! what the other has begun. The module knows no rights: whoever reads a record must ask who may enter the room.

use serde::{Deserialize, Serialize};

use super::Rights;
use crate::{
    protocol::{cursor::Offset, name::RoomId, session::User},
    server::{
        auth::hash,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition},
        },
    },
};

/// Most discussions about the events of one channel. Beyond it the oldest is found from its room only.
const DISCUSSIONS_MAX: usize = 1_000;

/// The event that is talked about. Events with one key are states of the same thing, and have one discussion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its channel.
    pub channel: String,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Its offset.
    pub offset: Offset,
}

impl Subject {
    /// The beginning of the ids of its discussions. A key may be long, and have any characters.
    fn prefix(&self) -> String {
        let what = match &self.key {
            Some(key) => ("key", key.clone()),
            None => ("offset", self.offset.to_string()),
        };
        let what = serde_json::to_string(&what).expect("texts are JSON");
        format!("{}/{}/", self.channel, hash(&what))
    }
}

/// A thread about an event, or the message with which it will begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discussion {
    /// The channel of the event.
    pub channel: String,
    /// The offset of the event that was quoted.
    pub offset: Offset,
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The room.
    pub room: RoomId,
    /// The user who began it.
    pub by: User,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The client id of its first message.
    pub id: String,
    /// The text of its first message, until that is posted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The offset of its first message; `None`: it is not posted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Offset>,
}

impl Rights {
    /// The discussion of an event in a room, with the precondition that it is still the same.
    pub async fn discussion(
        &self,
        subject: &Subject,
        room: &RoomId,
    ) -> Result<Option<(Discussion, Precondition)>, StoreError> {
        self.documents.read_to_change(Kind::Discussion, &format!("{}{room}", subject.prefix())).await
    }

    /// The discussions of an event in all rooms.
    pub async fn discussions(&self, subject: &Subject) -> Result<Vec<Discussion>, StoreError> {
        let found = self.documents.read_all(Kind::Discussion, &subject.prefix()).await?;
        Ok(found.into_iter().map(|(_, discussion)| discussion).collect())
    }

    /// Writes a discussion, if the document is in this state. Returns false if it is not.
    pub async fn write_discussion(
        &self,
        subject: &Subject,
        discussion: &Discussion,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        let id = format!("{}{}", subject.prefix(), discussion.room);
        let forgotten = match precondition {
            Precondition::Absent => self.oldest_beyond(&subject.channel).await?,
            _ => None,
        };
        let put = Mutation::put(Kind::Discussion, id, precondition, discussion);
        Ok(self.documents.grant(forgotten.into_iter().chain([put]).collect()).await?.is_committed())
    }

    /// The removal that makes room for one more discussion about events of a channel.
    async fn oldest_beyond(&self, channel: &str) -> Result<Option<Mutation>, StoreError> {
        let known: Vec<(String, Discussion)> =
            self.documents.read_all(Kind::Discussion, &format!("{channel}/")).await?;
        let oldest =
            known.iter().min_by_key(|(_, known)| known.at).filter(|_| known.len() >= DISCUSSIONS_MAX);
        Ok(oldest.map(|(id, _)| Mutation::remove(Kind::Discussion, id, Precondition::Anything)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(channel: &str, key: Option<&str>, offset: Offset) -> Subject {
        Subject { channel: channel.into(), key: key.map(str::to_owned), offset }
    }

    #[test]
    fn events_with_one_key_have_one_discussion_and_no_others() {
        let of = |channel, key, offset| subject(channel, key, offset).prefix();
        assert_eq!(of("ops", Some("disk"), 1), of("ops", Some("disk"), 9));
        for other in [of("ops", Some("cpu"), 1), of("db", Some("disk"), 1), of("ops", None, 1)] {
            assert_ne!(of("ops", Some("disk"), 1), other);
        }
        assert_ne!(of("ops", None, 1), of("ops", None, 2));
        assert_ne!(of("ops", Some("1"), 2), of("ops", None, 1), "a key that looks like an offset");
    }
}
