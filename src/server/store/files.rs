//! The records of files: what `server::files` stores about each, and what the stores check when one is added. The content
//! is elsewhere, under its hash; here it is a name.
//!
//! A hash that loses its last record is noted in the transaction that takes the record away, so that a crash leaves no
//! content that nobody removes.

use super::{StoreError, TopicName};
use crate::protocol::{
    cursor::Offset,
    problem::{Code, Rejection},
};

/// A file that somebody uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Random, so that nobody guesses one.
    pub id: String,
    /// The SHA-256 of the content, in hexadecimal digits.
    pub hash: String,
    /// The log of the room to which it was uploaded.
    pub topic: TopicName,
    /// The entry that it belongs to; `None`: no entry names it yet.
    pub offset: Option<Offset>,
    /// Id of the user who uploaded it.
    pub owner: String,
    /// The name, as it was cleaned.
    pub name: String,
    /// The media type of the content.
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The width of a picture as it is shown, in pixels.
    pub width: Option<u32>,
    /// Its height.
    pub height: Option<u32>,
    /// The time of the upload, in milliseconds since the Unix epoch.
    pub created: i64,
}

/// The disk space that the files may take, in bytes. A file that has no room left is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileQuota {
    /// The files that one person uploaded at or after `since_ms`, together.
    pub per_person: u64,
    /// The beginning of that time, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// All files of one room together.
    pub per_room: u64,
}

/// The outcome of [`super::Store::add_file`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAddition {
    /// It is stored.
    Added,
    /// The person has uploaded as much as they may for now.
    PersonFull,
    /// The room has as many bytes of files as it may.
    RoomFull,
    /// There is no such log.
    NoTopic,
}

/// The rejection of an entry that names a file which is not its author's, not of its log, or another entry's already.
pub(super) fn not_theirs() -> StoreError {
    let message =
        "A file of the message is not there, or is part of another message already: upload it again.";
    StoreError::Rejected(Rejection::new(Code::NotFound, message))
}

impl FileQuota {
    /// Judges whether a file of this size has room beside what is stored already.
    pub(super) fn judge(&self, size: u64, of_person: u64, of_room: u64) -> FileAddition {
        if of_person.saturating_add(size) > self.per_person {
            FileAddition::PersonFull
        } else if of_room.saturating_add(size) > self.per_room {
            FileAddition::RoomFull
        } else {
            FileAddition::Added
        }
    }
}
