//! Takes over what was changed in the directory, here or on another node. Called by the following, in order.
//!
//! First the rights, then the readers: who subscribes between the two has the new rights already.

use std::collections::{BTreeMap, HashMap};

use parking_lot::{RwLockReadGuard, RwLockWriteGuard};

use super::{Membership, Ownership, Rights, RoomRights, read_rooms, room_of};
use crate::{
    protocol::name::RoomId,
    server::{
        cluster::directory_replica::ChangeListener,
        store::{
            StoreError, TopicName,
            directory::{Kind, Op, ReplicatedOp},
        },
    },
};

#[async_trait::async_trait]
impl ChangeListener for Rights {
    fn apply(&self, step: &ReplicatedOp) {
        let applied = match step.kind {
            Kind::Room => self.apply_room(step),
            Kind::Member => self.apply_member(step),
            Kind::Channel => self.channels.apply(step),
            Kind::Account
            | Kind::AccountName
            | Kind::Session
            | Kind::Link
            | Kind::Publisher
            | Kind::Submission
            | Kind::Time
            | Kind::Leap => Ok(()),
        };
        // It does not stop what comes after it, which may take a right away.
        applied.unwrap_or_else(|error| tracing::error!(%error, "a change of rights cannot be applied"));
    }

    async fn reload(&self) -> Result<(), StoreError> {
        let rooms = read_rooms(&*self.directory).await?;
        let before = std::mem::replace(&mut *self.write_rooms(), rooms);
        let mut ids: Vec<RoomId> = before.keys().cloned().collect();
        ids.extend(self.claimed());
        for room in ids {
            self.evict(&room, before.get(&room));
        }
        self.channels.reload().await
    }
}

impl Rights {
    fn apply_room(&self, ReplicatedOp { id, act, .. }: &ReplicatedOp) -> Result<(), StoreError> {
        let room = room_of(id)?;
        let before = match act {
            Op::Put(body) => {
                let ownership: Ownership = decode(id, body)?;
                let mut rooms = self.write_rooms();
                let before = rooms.remove(&room);
                let members = before.as_ref().map(|rights| rights.members.clone()).unwrap_or_default();
                rooms.insert(room.clone(), RoomRights { ownership, members });
                before
            }
            Op::Remove => self.write_rooms().remove(&room),
            Op::Check | Op::RemoveUnder { .. } => return Ok(()),
        };
        self.evict(&room, before.as_ref());
        Ok(())
    }

    fn apply_member(&self, ReplicatedOp { id, act, .. }: &ReplicatedOp) -> Result<(), StoreError> {
        let (room, user_id) = id.split_once('/').unwrap_or((id, ""));
        let room = room_of(room)?;
        let mut rooms = self.write_rooms();
        // The members of a room that is nobody's are nobody.
        let Some(RoomRights { ownership, members }) = rooms.get_mut(&room) else { return Ok(()) };
        match act {
            Op::Put(body) => {
                members.insert(user_id.to_owned(), decode::<Membership>(id, body)?.name);
            }
            Op::Remove => {
                members.remove(user_id);
                if ownership.is_private {
                    drop(rooms);
                    self.hub.evict(&TopicName::Room(room), |owner| owner == Some(user_id));
                }
            }
            // Only of a room that was taken back, which nobody reads.
            Op::RemoveUnder { .. } => members.clear(),
            Op::Check => {}
        }
        Ok(())
    }

    /// Ends the reading of those who might enter before and may not now.
    fn evict(&self, room: &RoomId, before: Option<&RoomRights>) {
        let now = self.lock_rooms().get(room).cloned();
        self.hub.evict(&TopicName::Room(room.clone()), |owner| {
            is_open_to(before, owner) && !is_open_to(now.as_ref(), owner)
        });
    }

    pub(super) fn lock_rooms(&self) -> RwLockReadGuard<'_, HashMap<RoomId, RoomRights>> {
        self.rooms.read()
    }

    fn write_rooms(&self) -> RwLockWriteGuard<'_, HashMap<RoomId, RoomRights>> {
        self.rooms.write()
    }
}

/// Whether the room is open to somebody by what its owner says.
pub(super) fn is_open_to(rights: Option<&RoomRights>, user_id: Option<&str>) -> bool {
    let is_member = |members: &BTreeMap<String, String>| user_id.is_some_and(|id| members.contains_key(id));
    rights.is_none_or(|rights| !rights.ownership.is_private || is_member(&rights.members))
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(id: &str, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Damaged(format!("the right {id:?}: {error}")))
}
