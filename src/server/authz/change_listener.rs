//! Applies changes of rights, made here or at another node, to the rights in memory. The directory replica calls it for
//! each operation, in the order of the change log. It never reads the store but to reload.
//!
//! It changes the rights first and evicts readers then: a user who subscribes between the two has the new rights
//! already.

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
    fn apply(&self, op: &ReplicatedOp) {
        let applied = match op.kind {
            Kind::Room => self.apply_room(op),
            Kind::Member => self.apply_member(op),
            Kind::RoomSettings => self.apply_settings(op),
            Kind::Moderator | Kind::Mute => self.apply_moderation(op),
            Kind::Channel => self.channels.apply(op),
            Kind::Block => self.blocks.apply(op),
            Kind::Account
            | Kind::AccountName
            | Kind::Session
            | Kind::Link
            | Kind::Publisher
            | Kind::Hook
            | Kind::HookThread
            | Kind::HookTemplate
            | Kind::Direct
            | Kind::Submission
            | Kind::Report
            | Kind::Action
            | Kind::Time
            | Kind::Leap
            | Kind::PushKey
            | Kind::PushSubscription
            | Kind::PushEndpoint
            | Kind::PushSettings
            | Kind::PushQueue
            | Kind::Lease
            | Kind::PushRules
            | Kind::PushCursor
            | Kind::PushEvent
            | Kind::Heartbeat
            | Kind::HeartbeatWatch
            | Kind::Scheduled
            | Kind::Outgoing
            | Kind::OutgoingDelivery
            | Kind::Discussion => Ok(()),
        };
        // A damaged document does not stop the operations after it, which may take a right away.
        applied.unwrap_or_else(|error| tracing::error!(%error, "cannot apply a change of rights"));
    }

    async fn reload(&self) -> Result<(), StoreError> {
        self.reload_settings().await?;
        self.reload_moderation().await?;
        let rooms = read_rooms(&*self.documents).await?;
        self.direct.replace(&rooms);
        let before = std::mem::replace(&mut *self.write_rooms(), rooms);
        let mut ids: Vec<RoomId> = before.keys().cloned().collect();
        ids.extend(self.reserved());
        for room in ids {
            self.evict(&room, before.get(&room));
        }
        self.blocks.reload(&*self.documents).await?;
        self.channels.reload().await
    }
}

impl Rights {
    fn apply_room(&self, ReplicatedOp { id, op, .. }: &ReplicatedOp) -> Result<(), StoreError> {
        let room = room_of(id)?;
        let before = match op {
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

    fn apply_member(&self, ReplicatedOp { id, op, .. }: &ReplicatedOp) -> Result<(), StoreError> {
        let (room, user_id) = id.split_once('/').unwrap_or((id, ""));
        let room = room_of(room)?;
        let mut rooms = self.write_rooms();
        // A room without an owner has no members.
        let Some(RoomRights { ownership, members }) = rooms.get_mut(&room) else { return Ok(()) };
        match op {
            Op::Put(body) => {
                members.insert(user_id.to_owned(), decode::<Membership>(id, body)?.name);
                if ownership.is_direct {
                    self.direct.add(&room, user_id);
                }
            }
            Op::Remove => {
                members.remove(user_id);
                if ownership.is_private {
                    drop(rooms);
                    self.hub.evict(&TopicName::Room(room), |owner| owner == Some(user_id));
                }
            }
            // Happens only to a room whose reservation was cancelled, which has no readers.
            Op::RemoveUnder { .. } => members.clear(),
            Op::Check => {}
        }
        Ok(())
    }

    /// Evicts the readers who were allowed to enter before and are not now.
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

/// Returns true if the room is public, or the user (`None`: anonymous) is a member.
pub(super) fn is_open_to(rights: Option<&RoomRights>, user_id: Option<&str>) -> bool {
    let is_member = |members: &BTreeMap<String, String>| user_id.is_some_and(|id| members.contains_key(id));
    rights.is_none_or(|rights| !rights.ownership.is_private || is_member(&rights.members))
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(id: &str, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Damaged(format!("the right {id:?}: {error}")))
}
