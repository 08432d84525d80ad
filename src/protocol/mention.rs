//! Mentions: the people and groups whom a message names. The server finds them when a message is posted or edited; browsers
//! read them with the message.

use serde::{Deserialize, Serialize};

/// The most people whom a message mentions by name.
pub const MENTIONED_MAX: usize = 50;

/// The people who are present in the room.
pub const GROUP_HERE: &str = "here";

/// All people of the room.
pub const GROUP_ROOM: &str = "room";

/// A group that a message mentions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMention {
    /// [`GROUP_HERE`] or [`GROUP_ROOM`].
    pub name: String,
    /// The number of people who were told; 0: nobody, because there was nobody else, there were too many, or the author may not.
    pub told: u64,
}
