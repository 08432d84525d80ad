//! Moderators of rooms, and people who may not write in a room for a time or until that is taken back. Chat asks before
//! everything that somebody writes, and changes both.
//!
//! They are documents, which every node has in memory, as the other rights. A mute that has ended stays until it is
//! replaced or taken back: whether it holds is compared with the clock each time, so a clock that jumps ends none for good.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{MEMBERS_MAX, Membership, Rights, change_listener::decode, member_key, room_of};
use crate::{
    protocol::{
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        error::Error,
        store::{
            StoreError,
            directory::{DocumentStore, Kind, Mutation, Op, Precondition, ReplicatedOp},
        },
    },
};

/// The stored document of a mute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// The name of the muted user.
    pub name: String,
    /// Its end, in milliseconds since the Unix epoch. `None`: when it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

impl Mute {
    fn holds(&self, now_ms: i64) -> bool {
        self.until.is_none_or(|until| now_ms < until)
    }
}

/// The moderators and the muted users of a room, by user id.
#[derive(Clone, Debug, Default)]
pub(super) struct Moderation {
    moderators: BTreeMap<String, String>,
    mutes: BTreeMap<String, Mute>,
}

/// The stored moderation of all rooms.
pub(super) async fn read_all(
    documents: &dyn DocumentStore,
) -> Result<HashMap<RoomId, Moderation>, StoreError> {
    let mut rooms: HashMap<RoomId, Moderation> = HashMap::new();
    for (id, Membership { name }) in documents.read_all(Kind::Moderator, "").await? {
        let (room, user_id) = parts_of(&id)?;
        rooms.entry(room).or_default().moderators.insert(user_id, name);
    }
    for (id, mute) in documents.read_all::<Mute>(Kind::Mute, "").await? {
        let (room, user_id) = parts_of(&id)?;
        rooms.entry(room).or_default().mutes.insert(user_id, mute);
    }
    Ok(rooms)
}

/// The room and the user of a document's id.
fn parts_of(id: &str) -> Result<(RoomId, String), StoreError> {
    let (room, user_id) = id.split_once('/').unwrap_or((id, ""));
    Ok((room_of(room)?, user_id.to_owned()))
}

impl Rights {
    /// Returns true if the user is a moderator of the room.
    pub fn moderates(&self, room: &RoomId, user_id: &str) -> bool {
        self.moderation.read().get(room).is_some_and(|room| room.moderators.contains_key(user_id))
    }

    /// The moderators of a room, in the order of their ids.
    pub fn moderators(&self, room: &RoomId) -> Vec<User> {
        let moderation = self.moderation.read();
        let moderators = moderation.get(room).into_iter().flat_map(|room| &room.moderators);
        moderators.map(|(id, name)| User { id: id.clone(), name: name.clone() }).collect()
    }

    /// The users who may not write in a room now, in the order of their ids.
    pub fn muted(&self, room: &RoomId, now_ms: i64) -> Vec<(User, Mute)> {
        let moderation = self.moderation.read();
        let mutes = moderation.get(room).into_iter().flat_map(|room| &room.mutes);
        let mutes = mutes.filter(|(_, mute)| mute.holds(now_ms));
        mutes.map(|(id, mute)| (User { id: id.clone(), name: mute.name.clone() }, mute.clone())).collect()
    }

    /// The mute of a user in a room, if it holds now.
    pub fn mute_of(&self, room: &RoomId, user_id: &str, now_ms: i64) -> Option<Mute> {
        let moderation = self.moderation.read();
        moderation.get(room)?.mutes.get(user_id).filter(|mute| mute.holds(now_ms)).cloned()
    }

    /// Rejects a user who may not write in the room now.
    pub fn check_not_muted(&self, room: &RoomId, user_id: &str, now_ms: i64) -> Result<(), Rejection> {
        let Some(mute) = self.mute_of(room, user_id, now_ms) else { return Ok(()) };
        let rejection = Rejection::new(Code::Muted, "You may not write in this room for now.");
        Err(match mute.until {
            None => rejection,
            Some(until) => {
                let left = u64::try_from(until.saturating_sub(now_ms)).unwrap_or_default();
                rejection.retry_after(std::time::Duration::from_millis(left))
            }
        })
    }

    /// Names a moderator.
    pub async fn add_moderator(&self, room: &RoomId, user: &User, beside: Mutation) -> Result<(), Error> {
        if self.moderators(room).len() >= MEMBERS_MAX {
            let message = format!("A room has at most {MEMBERS_MAX} moderators.");
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let document = Membership { name: user.name.clone() };
        let put =
            Mutation::put(Kind::Moderator, member_key(room, &user.id), Precondition::Anything, &document);
        self.documents.revoke(vec![put, beside]).await?;
        Ok(())
    }

    /// Takes the rights of a moderator away. Nothing happens if they are none.
    pub async fn remove_moderator(
        &self,
        room: &RoomId,
        user_id: &str,
        beside: Mutation,
    ) -> Result<(), Error> {
        let remove = Mutation::remove(Kind::Moderator, member_key(room, user_id), Precondition::Present);
        self.documents.revoke(vec![remove, beside]).await?;
        Ok(())
    }

    /// Mutes a user. When this returns, nothing of theirs is taken in the room any more, at any live node.
    pub async fn mute(
        &self,
        room: &RoomId,
        user_id: &str,
        mute: &Mute,
        beside: Mutation,
    ) -> Result<(), Error> {
        let put = Mutation::put(Kind::Mute, member_key(room, user_id), Precondition::Anything, mute);
        self.documents.revoke(vec![put, beside]).await?;
        Ok(())
    }

    /// Takes a mute back. Nothing happens if there is none.
    pub async fn unmute(&self, room: &RoomId, user_id: &str, beside: Mutation) -> Result<(), Error> {
        let remove = Mutation::remove(Kind::Mute, member_key(room, user_id), Precondition::Present);
        self.documents.revoke(vec![remove, beside]).await?;
        Ok(())
    }

    pub(super) fn apply_moderation(
        &self,
        ReplicatedOp { kind, id, op }: &ReplicatedOp,
    ) -> Result<(), StoreError> {
        let (room, user_id) = parts_of(id)?;
        let mut moderation = self.moderation.write();
        let known = moderation.entry(room).or_default();
        match (kind, op) {
            (Kind::Moderator, Op::Put(body)) => {
                known.moderators.insert(user_id, decode::<Membership>(id, body)?.name);
            }
            (Kind::Moderator, Op::Remove) => drop(known.moderators.remove(&user_id)),
            (Kind::Moderator, Op::RemoveUnder { .. }) => known.moderators.clear(),
            (_, Op::Put(body)) => drop(known.mutes.insert(user_id, decode(id, body)?)),
            (_, Op::Remove) => drop(known.mutes.remove(&user_id)),
            (_, Op::RemoveUnder { .. }) => known.mutes.clear(),
            (_, Op::Check) => {}
        }
        Ok(())
    }

    pub(super) async fn reload_moderation(&self) -> Result<(), StoreError> {
        *self.moderation.write() = read_all(&*self.documents).await?;
        Ok(())
    }
}
