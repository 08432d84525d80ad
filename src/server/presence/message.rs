//! The messages between nodes on the subject `presence`: JSON, and the bounds of what a node accepts.
//!
//! `outbound` writes them and `peers` acts on them. A message from outside may be broken or hostile: nothing may use it
//! before [`NodeMessage::parse`] has checked it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::roster::Name;
use crate::protocol::name::RoomId;

/// The name of the subject.
pub const SUBJECT: &str = "presence";
/// Most other nodes that this node keeps track of: far more than really share one Redis.
pub(super) const NODES_MAX: usize = 64;
/// Most people in one message: about 100 kB, which does not hold up the subject.
pub(super) const PEOPLE_MAX: usize = 1_000;
/// Most parts of a snapshot: a node may have a million people in rooms, and this node holds no more of it.
pub(super) const PARTS_MAX: u32 = 1_000;
/// Longest id or name of a person, in bytes: more than sessions and the tokens of other systems may hold.
const TEXT_MAX_BYTES: usize = 1_024;
/// Longest message, in bytes: as many people as may be in it, with ids and names of the greatest length.
const MESSAGE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// A message from one node to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum NodeMessage {
    /// The people who came to the node and who left it.
    Changes {
        /// Counts up by one with each of these messages.
        number: u64,
        /// By room.
        rooms: BTreeMap<RoomId, RoomChanges>,
    },
    /// A person is typing.
    Typing {
        /// The room in which they type.
        room: RoomId,
        /// The id of the person.
        user: String,
        /// The time by the clock of the sending node, in milliseconds since the Unix epoch.
        at: i64,
    },
    /// The node is alive.
    #[serde(rename = "word")]
    Heartbeat {
        /// The number of the node's last [`NodeMessage::Changes`].
        number: u64,
    },
    /// Asks nodes for a snapshot of the people on them.
    #[serde(rename = "ask")]
    SyncRequest {
        /// The names of the nodes; all nodes if it is empty.
        nodes: Vec<String>,
    },
    /// A part of all the people on the node.
    #[serde(rename = "whole")]
    Snapshot {
        /// The number of the last [`NodeMessage::Changes`] that the snapshot includes.
        number: u64,
        /// The same in all parts of one snapshot, and another one in each snapshot.
        #[serde(rename = "telling")]
        snapshot_id: u64,
        /// The index of the part, from 0.
        part: u32,
        /// The number of parts.
        parts: u32,
        /// By room.
        rooms: BTreeMap<RoomId, Vec<Present>>,
    },
    /// The node stops: no one is on it any more.
    Gone,
}

/// The changes in one room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RoomChanges {
    /// The people who are present now, or have another name.
    #[serde(rename = "came")]
    pub(super) joined: Vec<Present>,
    /// The ids of the people who are not present any more.
    #[serde(rename = "went")]
    pub(super) left: Vec<String>,
}

/// A person who is present: their id, their name, and the time since which they have this name on the node, in
/// milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Present(pub(super) String, String, i64);

impl Present {
    pub(super) fn new(id: &str, name: &Name) -> Self {
        Self(id.to_owned(), name.text.to_string(), name.since)
    }

    pub(super) fn name(&self) -> Name {
        Name { since: self.2, text: self.1.as_str().into() }
    }
}

/// The reason why a node ignores a message.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidMessage {
    /// It is not JSON of this form.
    #[error("not a presence message: {0}")]
    NotAMessage(#[from] serde_json::Error),
    /// It exceeds a bound.
    #[error("there are too many {0}")]
    TooMany(&'static str),
    /// It names something that cannot exist.
    #[error("{0} is invalid")]
    Impossible(&'static str),
}

impl NodeMessage {
    /// Reads and checks a message from another node.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidMessage> {
        if text.len() > MESSAGE_MAX_BYTES {
            return Err(InvalidMessage::TooMany("bytes"));
        }
        let message: Self = serde_json::from_str(text)?;
        match &message {
            Self::Changes { rooms, .. } => {
                let joined = rooms.values().flat_map(|room| &room.joined);
                check_people(joined, rooms.values().flat_map(|room| &room.left))?;
                rooms.keys().try_for_each(check_room)?;
            }
            Self::Typing { room, user, .. } => {
                check_room(room)?;
                check_text(user)?;
            }
            Self::Snapshot { part, parts, rooms, .. } => {
                if *parts > PARTS_MAX || part >= parts {
                    return Err(InvalidMessage::TooMany("parts"));
                }
                check_people(rooms.values().flatten(), [])?;
                rooms.keys().try_for_each(check_room)?;
            }
            Self::SyncRequest { nodes } if nodes.len() > NODES_MAX => {
                return Err(InvalidMessage::TooMany("nodes"));
            }
            Self::SyncRequest { .. } | Self::Heartbeat { .. } | Self::Gone => {}
        }
        Ok(message)
    }

    /// The text that goes over the subject.
    pub(super) fn encode(&self) -> String {
        serde_json::to_string(self).expect("plain data with text as keys")
    }
}

fn check_people<'a>(
    joined: impl IntoIterator<Item = &'a Present>,
    left: impl IntoIterator<Item = &'a String>,
) -> Result<(), InvalidMessage> {
    let mut people = 0;
    for text in joined.into_iter().flat_map(|person| [&person.0, &person.1]) {
        people += 1;
        check_text(text)?;
    }
    people /= 2; // an id and a name each
    for id in left {
        people += 1;
        check_text(id)?;
    }
    if people > PEOPLE_MAX { Err(InvalidMessage::TooMany("people")) } else { Ok(()) }
}

fn check_text(text: &str) -> Result<(), InvalidMessage> {
    let fits = (1..=TEXT_MAX_BYTES).contains(&text.len());
    if fits { Ok(()) } else { Err(InvalidMessage::Impossible("a person")) }
}

fn check_room(room: &RoomId) -> Result<(), InvalidMessage> {
    RoomId::parse(room.as_str()).map(drop).map_err(|_| InvalidMessage::Impossible("a room"))
}
