//! What nodes say to each other on the line `presence`: JSON, and the bounds of what is taken from it.
//!
//! `outbound` writes it and `peers` act on it. Whatever is read here may be broken or hostile: it passes [`Message::parse`]
//! or is nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::Name;
use crate::protocol::name::RoomId;

/// The line's name.
pub const SUBJECT: &str = "presence";
/// Most other nodes that are listened to: far more than share one Redis in earnest.
pub(super) const NODES_MAX: usize = 64;
/// Most people in one message: about 100 kB, which no line is blocked by.
pub(super) const PEOPLE_MAX: usize = 1_000;
/// Most parts of a roster, so that a node may have a million places of people in rooms, and no more is held of it.
pub(super) const PARTS_MAX: u32 = 1_000;
/// Longest id or name of a person, in bytes: more than sessions and other systems' tokens may hold.
const TEXT_MAX_BYTES: usize = 1_024;
/// Longest message, in bytes: as many people as may be in it, with ids and names of the longest.
const MESSAGE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// What a node says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum Message {
    /// Who came to it and who went from it.
    Changes {
        /// Counts up by one with each of these.
        number: u64,
        /// By room.
        rooms: BTreeMap<RoomId, Changed>,
    },
    /// A sign of typing.
    Typing {
        /// Where.
        room: RoomId,
        /// The id of who types.
        user: String,
        /// When, by the clock of the node that says it, in milliseconds since the Unix epoch.
        at: i64,
    },
    /// It is there, and this is the number of its last changes.
    #[serde(rename = "word")]
    Heartbeat {
        /// See [`Message::Changes`].
        number: u64,
    },
    /// These nodes, or all of them when none is named, shall say who is in on them.
    #[serde(rename = "ask")]
    SyncRequest {
        /// Their names.
        nodes: Vec<String>,
    },
    /// A part of everybody who is in on it.
    #[serde(rename = "whole")]
    Snapshot {
        /// The number of the last changes that are in it.
        number: u64,
        /// The same in all parts, and another one each time everybody is told.
        #[serde(rename = "telling")]
        snapshot_id: u64,
        /// From 0.
        part: u32,
        /// How many there are.
        parts: u32,
        /// By room.
        rooms: BTreeMap<RoomId, Vec<Present>>,
    },
    /// It ends: nobody is in on it any more.
    Gone,
}

/// What changed in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changed {
    /// Who is in now, or has another name.
    pub(super) came: Vec<Present>,
    /// The ids of those who are not in any more.
    pub(super) went: Vec<String>,
}

/// Somebody who is in: their id, their name, and since when they have that name there, in milliseconds since the Unix
/// epoch.
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

/// Why something that was heard is ignored.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// It cannot be read.
    #[error("it is not a message: {0}")]
    NotAMessage(#[from] serde_json::Error),
    /// A bound is exceeded.
    #[error("there are too many {0}")]
    TooMany(&'static str),
    /// What it names cannot be.
    #[error("what it names as {0} cannot be one")]
    Impossible(&'static str),
}

impl Message {
    /// Reads what another node said.
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        if text.len() > MESSAGE_MAX_BYTES {
            return Err(Unusable::TooMany("bytes"));
        }
        let message: Self = serde_json::from_str(text)?;
        match &message {
            Self::Changes { rooms, .. } => {
                let came = rooms.values().flat_map(|room| &room.came);
                check_people(came, rooms.values().flat_map(|room| &room.went))?;
                rooms.keys().try_for_each(check_room)?;
            }
            Self::Typing { room, user, .. } => {
                check_room(room)?;
                check_text(user)?;
            }
            Self::Snapshot { part, parts, rooms, .. } => {
                if *parts > PARTS_MAX || part >= parts {
                    return Err(Unusable::TooMany("parts"));
                }
                check_people(rooms.values().flatten(), [])?;
                rooms.keys().try_for_each(check_room)?;
            }
            Self::SyncRequest { nodes } if nodes.len() > NODES_MAX => return Err(Unusable::TooMany("nodes")),
            Self::SyncRequest { .. } | Self::Heartbeat { .. } | Self::Gone => {}
        }
        Ok(message)
    }

    /// What goes over the line.
    pub(super) fn encode(&self) -> String {
        serde_json::to_string(self).expect("plain data with text as keys")
    }
}

fn check_people<'a>(
    came: impl IntoIterator<Item = &'a Present>,
    went: impl IntoIterator<Item = &'a String>,
) -> Result<(), Unusable> {
    let mut people = 0;
    for text in came.into_iter().flat_map(|person| [&person.0, &person.1]) {
        people += 1;
        check_text(text)?;
    }
    people /= 2; // an id and a name each
    for id in went {
        people += 1;
        check_text(id)?;
    }
    if people > PEOPLE_MAX { Err(Unusable::TooMany("people")) } else { Ok(()) }
}

fn check_text(text: &str) -> Result<(), Unusable> {
    let fits = (1..=TEXT_MAX_BYTES).contains(&text.len());
    if fits { Ok(()) } else { Err(Unusable::Impossible("a person")) }
}

fn check_room(room: &RoomId) -> Result<(), Unusable> {
    RoomId::parse(room.as_str()).map(drop).map_err(|_| Unusable::Impossible("a room"))
}
