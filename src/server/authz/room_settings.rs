//! The settings of a room, as owners and administrators changed them: its name and topic, and whether it is archived or
//! removed. Chat asks when it lists rooms and before it writes to one, and changes it.
//!
//! They are documents, which every node has in memory, as the other rights. A room's id never changes. Of a removed
//! room only this stays: it must never be made again.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Rights, change_listener::decode, room_of};
use crate::{
    protocol::{
        chat::Room,
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        error::Error,
        store::{
            StoreError, TopicName,
            directory::{DocumentStore, Kind, Mutation, Op, Precondition, ReplicatedOp},
        },
    },
};

/// Attempts to change a room that others change at the same time.
const ATTEMPTS: usize = 5;

/// The stored document of a room that was changed. A room without one is as it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomSettings {
    /// The name. `None`: the one that it was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The room's purpose.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// It can be read, and nobody writes there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// Nothing of it is left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

/// The stored documents of all rooms that were changed.
pub(super) async fn read_all(
    documents: &dyn DocumentStore,
) -> Result<HashMap<RoomId, RoomSettings>, StoreError> {
    let found = documents.read_all::<RoomSettings>(Kind::RoomSettings, "").await?.into_iter();
    found.map(|(room, settings)| Ok((room_of(&room)?, settings))).collect()
}

impl Rights {
    /// Returns true if the room was removed.
    pub fn is_removed(&self, room: &RoomId) -> bool {
        self.settings.read().get(room).is_some_and(|settings| settings.removed)
    }

    /// Returns true if the room is archived.
    pub fn is_archived(&self, room: &RoomId) -> bool {
        self.settings.read().get(room).is_some_and(|settings| settings.archived)
    }

    /// The removed rooms.
    pub fn removed_rooms(&self) -> Vec<RoomId> {
        let settings = self.settings.read();
        settings.iter().filter(|(_, settings)| settings.removed).map(|(room, _)| room.clone()).collect()
    }

    /// The room as it was changed.
    pub fn changed(&self, room: Room) -> Room {
        match self.settings.read().get(&room.id).cloned() {
            None => room,
            Some(RoomSettings { name, topic, archived, .. }) => {
                Room { name: name.unwrap_or(room.name), topic, archived, ..room }
            }
        }
    }

    /// Rejects whoever writes to an archived or removed room.
    pub fn check_open_to_writing(&self, room: &RoomId) -> Result<(), Rejection> {
        match self.settings.read().get(room) {
            Some(RoomSettings { removed: true, .. }) => Err(room_removed()),
            Some(RoomSettings { archived: true, .. }) => {
                let message = "This room is archived: it can be read, and nobody can write in it.";
                Err(Rejection::new(Code::RoomArchived, message))
            }
            _ => Ok(()),
        }
    }

    /// The reason for which a reader was evicted from a room.
    pub fn eviction_from(&self, room: &RoomId) -> Rejection {
        match self.is_removed(room) {
            true => room_removed(),
            false => Rejection::new(Code::UnknownRoom, "You are no longer a member of this room."),
        }
    }

    /// Changes a room. When this returns, every live node has the change. Fails for a room that was removed meanwhile.
    pub async fn change_settings(
        &self,
        room: &RoomId,
        change: impl Fn(&mut RoomSettings),
        beside: impl Fn(&RoomSettings) -> Vec<Mutation>,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let found =
                self.documents.read_to_change::<RoomSettings>(Kind::RoomSettings, room.as_str()).await?;
            let (before, unchanged) = found.unwrap_or((RoomSettings::default(), Precondition::Absent));
            if before.removed {
                return Err(room_removed().into());
            }
            let mut settings = before.clone();
            change(&mut settings);
            if settings == before {
                return Ok(());
            }
            let mut mutations = vec![Mutation::put(Kind::RoomSettings, room.as_str(), unchanged, &settings)];
            mutations.extend(beside(&before));
            // Waits for the nodes also where nothing is taken away: whoever is told of the change finds it everywhere.
            if self.documents.revoke(mutations).await?.is_committed() {
                return Ok(());
            }
        }
        let message = "Others change this room at the same time. Try again.";
        Err(Rejection::new(Code::Unavailable, message).into())
    }

    pub(super) fn apply_settings(
        &self,
        ReplicatedOp { id, op, .. }: &ReplicatedOp,
    ) -> Result<(), StoreError> {
        let room = room_of(id)?;
        match op {
            Op::Put(body) => {
                let settings: RoomSettings = decode(id, body)?;
                let is_removed = settings.removed;
                self.settings.write().insert(room.clone(), settings);
                if is_removed {
                    self.evict_all(room);
                }
            }
            Op::Remove => drop(self.settings.write().remove(&room)),
            Op::Check | Op::RemoveUnder { .. } => {}
        }
        Ok(())
    }

    pub(super) async fn reload_settings(&self) -> Result<(), StoreError> {
        *self.settings.write() = read_all(&*self.documents).await?;
        self.removed_rooms().into_iter().for_each(|room| self.evict_all(room));
        Ok(())
    }

    fn evict_all(&self, room: RoomId) {
        self.hub.evict(&TopicName::Room(room), |_| true);
    }
}

pub(super) fn room_removed() -> Rejection {
    Rejection::new(Code::RoomRemoved, "This room was removed.")
}
