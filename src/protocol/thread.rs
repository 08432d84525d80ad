//! Threads: the messages of a room that have the same `thread`, as they are summed up beside the message with which they
//! begin. Server and browser use it; `app/model/room` keeps the sums up to date.

use serde::{Deserialize, Serialize};

use super::cursor::Offset;

/// A thread as the pages of its room show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadSummary {
    /// The offset of the message with which it begins.
    #[serde(rename = "ref")]
    pub root: Offset,
    /// The answers in it that are not deleted.
    pub count: u64,
    /// The newest of them; absent if there are none, or if it is not known because the newest was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastAnswer>,
    /// The room's head when they were counted: the answers and deletions up to it are in the count.
    #[serde(default)]
    pub as_of: Offset,
}

/// The newest answer of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAnswer {
    /// Its offset in the room.
    pub offset: Offset,
    /// The time at which the server accepted it, in milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The name of its author at that time.
    pub user: String,
}
