//! Authorization: membership and ownership of rooms, and in `channels` the readers of channels. Chat asks at every
//! join, post, poll and page; the routes of owners and administrators change it.
//!
//! A room is public, or private: then only members enter, whom its owner invites. A room of direct messages (`direct`) is
//! private, has no owner, and has the members with whom it was made. The rights are in memory too, because
//! every message asks for them. Every change goes to the document store first and comes back from there through
//! `change_listener`, as the changes of other nodes do; no method may write the memory itself. A user who loses a right
//! stops receiving at every live node before the change is answered.

mod actions;
mod blocks;
mod change_listener;
mod channel_readers;
mod direct;
mod discussions;
mod hooks;
mod moderation;
pub mod publishing;
mod reports;
mod room_reservations;
mod room_settings;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use self::{
    actions::{Action, Deed},
    channel_readers::{ChannelReaders, LimitedChannel},
    direct::DIRECT_MAX,
    discussions::{Discussion, Subject},
    hooks::Hook,
    moderation::Mute,
    reports::{Report, ReportedMessage},
    room_settings::RoomSettings,
};
use self::{blocks::Blocks, direct::DirectRooms};
use super::{
    auth::{Identity, Submission, covers},
    cluster::directory_replica::DirectoryReplica,
    error::Error,
    log::hub::Hub,
    store::{
        StoreError,
        directory::{DocumentStore, Kind, Mutation, Precondition},
        normalized_name::normalized_name,
    },
};
use crate::protocol::{
    name::RoomId,
    problem::{Code, Rejection},
    session::User,
};

/// Most members of a room: the list is sent whole.
const MEMBERS_MAX: usize = 1_000;

/// The stored document of a room. A room without one is public and has no owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ownership {
    owner: User,
    is_private: bool,
    /// The time of its reservation, in milliseconds since the Unix epoch; 0: it is from before this was stored.
    #[serde(default, rename = "claimed_at")]
    reserved_at: i64,
    /// The form that created it, if one did: the same form sent again creates nothing. It is hashed, because it is no
    /// name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    submission: Option<String>,
    /// It has direct messages: its members are fixed, and nobody owns it.
    #[serde(default, rename = "direct", skip_serializing_if = "std::ops::Not::not")]
    is_direct: bool,
}

/// The stored document of a member.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Membership {
    name: String,
}

/// The owner and the members of a room.
#[derive(Clone, Debug)]
struct RoomRights {
    ownership: Ownership,
    /// Names by user id. The owner is among them.
    members: BTreeMap<String, String>,
}

/// The rights of this installation, as this node holds them in memory.
pub struct Rights {
    documents: Arc<dyn DocumentStore>,
    replica: Arc<DirectoryReplica>,
    hub: Hub,
    anonymous_may_read: bool,
    channels: ChannelReaders,
    rooms: RwLock<HashMap<RoomId, RoomRights>>,
    /// Of the rooms in which something was changed.
    settings: RwLock<HashMap<RoomId, RoomSettings>>,
    /// Of the rooms with moderators or muted users.
    moderation: RwLock<HashMap<RoomId, moderation::Moderation>>,
    direct: DirectRooms,
    blocks: Blocks,
    /// Held from the count of the members to the write of one more, so that the count is right.
    changes: Mutex<()>,
    /// Age of a reservation without a room at which it counts as lost.
    reservation_age: Duration,
}

impl Rights {
    /// Reads the stored rights. `anonymous_may_read`: readers need no session.
    pub async fn open(
        replica: &Arc<DirectoryReplica>,
        hub: Hub,
        anonymous_may_read: bool,
    ) -> Result<Self, Error> {
        let documents: Arc<dyn DocumentStore> = replica.clone();
        let channels = ChannelReaders::open(documents.clone(), hub.clone()).await?;
        let rooms = read_rooms(&*documents).await?;
        let direct = DirectRooms::default();
        direct.replace(&rooms);
        let blocks = Blocks::open(&*documents).await?;
        let rooms = RwLock::new(rooms);
        let settings = RwLock::new(room_settings::read_all(&*documents).await?);
        let moderation = RwLock::new(moderation::read_all(&*documents).await?);
        Ok(Self {
            documents,
            replica: replica.clone(),
            hub,
            anonymous_may_read,
            channels,
            rooms,
            settings,
            moderation,
            direct,
            blocks,
            changes: Mutex::default(),
            reservation_age: room_reservations::min_age(replica.is_shared()),
        })
    }

    /// The readers of channels.
    pub fn channels(&self) -> &ChannelReaders {
        &self.channels
    }

    /// Rejects an anonymous reader with [`Code::NoSession`], unless the settings let anonymous users read.
    pub fn check_reader(&self, who: Option<&Identity>) -> Result<(), Rejection> {
        if who.is_some() || self.anonymous_may_read {
            return Ok(());
        }
        Err(Rejection::new(Code::NoSession, "You are not signed in. Sign in first."))
    }

    /// Rejects a user who may not enter the room, in the words for a room that does not exist: the rejection must not
    /// reveal that it does.
    pub fn check_entry(&self, room: &RoomId, who: Option<&Identity>) -> Result<(), Rejection> {
        self.check_reader(who)?;
        match self.is_open(room, who) {
            false => Err(unknown_room()),
            true if self.is_removed(room) => Err(room_settings::room_removed()),
            true => Ok(()),
        }
    }

    /// Returns true if the user may enter the room: it is there, and open to them.
    pub fn may_enter(&self, room: &RoomId, who: Option<&Identity>) -> bool {
        self.is_open(room, who) && !self.is_removed(room)
    }

    /// Returns true if the room is open to the user. A token that is limited to some rooms decides alone, but opens no
    /// direct messages of others.
    fn is_open(&self, room: &RoomId, who: Option<&Identity>) -> bool {
        let patterns = who.and_then(|identity| identity.rooms.as_ref());
        let is_covered = patterns.map(|patterns| covers(patterns, &normalized_name(room.as_str())));
        if is_covered == Some(false) || (is_covered == Some(true) && !self.is_direct(room)) {
            return is_covered == Some(true);
        }
        let user_id = who.map(|identity| identity.user.id.as_str());
        change_listener::is_open_to(self.lock_rooms().get(room), user_id)
    }

    /// Returns true if a user of whom only the id is known may enter the room: it is public, or they are a member.
    pub fn admits(&self, room: &RoomId, user_id: &str) -> bool {
        !self.is_removed(room) && change_listener::is_open_to(self.lock_rooms().get(room), Some(user_id))
    }

    /// Returns true if only members may enter the room.
    pub fn is_private(&self, room: &RoomId) -> bool {
        self.read(room, |rights| rights.ownership.is_private).unwrap_or(false)
    }

    /// Returns true if the user owns the room.
    pub fn owns(&self, room: &RoomId, who: &Identity) -> bool {
        self.read(room, |rights| rights.ownership.owner.id == who.user.id).unwrap_or(false)
    }

    /// Returns true if the user with this id owns the room.
    pub fn is_owned_by(&self, room: &RoomId, user_id: &str) -> bool {
        self.read(room, |rights| rights.ownership.owner.id == user_id).unwrap_or(false)
    }

    /// Returns true if the user owns the room and created it by this form.
    pub fn was_made_by(&self, room: &RoomId, who: &Identity, submission: Option<&Submission>) -> bool {
        let digits = submission.map(Submission::digits);
        digits.is_some()
            && self.owns(room, who)
            && self.read(room, |rights| rights.ownership.submission.as_deref() == digits).unwrap_or(false)
    }

    /// The members of a room that has an owner, the owner first. The caller has checked that the asking user may enter.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        let list = |rights: &RoomRights| {
            let owner = rights.ownership.owner.clone();
            let others = rights.members.iter().filter(|(id, _)| **id != owner.id);
            let others: Vec<_> =
                others.map(|(id, name)| User { id: id.clone(), name: name.clone() }).collect();
            let owner = if rights.ownership.is_direct { vec![] } else { vec![owner] };
            [owner, others].concat()
        };
        self.read(room, list).unwrap_or_default()
    }

    /// Adds a member, at the request `by` the room's owner.
    pub async fn add_member(&self, room: &RoomId, by: &Identity, user: &User) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        self.check_owner(room, by)?;
        // Other nodes may add members at the same time: then there are a few more.
        if self.members(room).len() >= MEMBERS_MAX {
            let message = format!("A room has at most {MEMBERS_MAX} members.");
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let member = Membership { name: user.name.clone() };
        let mutations = vec![
            Mutation::check(Kind::Room, room.as_str(), Precondition::Present),
            Mutation::put(Kind::Member, member_key(room, &user.id), Precondition::Anything, &member),
            Action::in_room(&by.into(), Deed::AddMember, room).to(user).written(),
        ];
        let is_added = self.documents.grant(mutations).await?.is_committed();
        // If not, another node cancelled the reservation of the room.
        if is_added { Ok(()) } else { Err(unknown_room().into()) }
    }

    /// Removes a member, at the request `by` the room's owner or the member. When this returns, no message of a private
    /// room reaches that user any more, on any transport and from any live node.
    pub async fn remove_member(&self, room: &RoomId, by: &Identity, user_id: &str) -> Result<(), Error> {
        if by.user.id != user_id || self.is_direct(room) {
            self.check_owner(room, by)?;
        }
        if self.read(room, |rights| rights.ownership.owner.id == user_id).unwrap_or(false) {
            return Err(
                Rejection::new(Code::NotAllowed, "The owner of a room cannot be removed from it.").into()
            );
        }
        // Removing a user who is no member changes nothing: no request for it, however often, reaches the other nodes.
        let remove = Mutation::remove(Kind::Member, member_key(room, user_id), Precondition::Present);
        let mut mutations = vec![remove];
        let name = self.read(room, |rights| rights.members.get(user_id).cloned()).flatten();
        if by.user.id != user_id {
            let user = User { id: user_id.to_owned(), name: name.unwrap_or_default() };
            mutations.push(Action::in_room(&by.into(), Deed::RemoveMember, room).to(&user).written());
        }
        if self.moderates(room, user_id) {
            // Whoever comes back later is a moderator only if they are named again.
            let key = member_key(room, user_id);
            mutations.push(Mutation::remove(Kind::Moderator, key, Precondition::Anything));
        }
        self.documents.revoke(mutations).await?;
        Ok(())
    }

    /// Applies all changes that any node has made until now. To be called before a room that was just found in the
    /// store counts as public.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        if self.replica.is_shared() { self.replica.catch_up().await } else { Ok(()) }
    }

    /// Rejects a user who does not own the room.
    pub fn check_owner(&self, room: &RoomId, who: &Identity) -> Result<(), Rejection> {
        self.check_entry(room, Some(who))?;
        if self.owns(room, who) {
            return Ok(());
        }
        Err(Rejection::new(Code::NotAllowed, "Only the room's owner may do this."))
    }

    /// Reads from the rights of a room; `None` if it has no owner.
    fn read<T>(&self, room: &RoomId, read: impl FnOnce(&RoomRights) -> T) -> Option<T> {
        self.lock_rooms().get(room).map(read)
    }
}

/// The stored rights of all rooms that have an owner.
async fn read_rooms(documents: &dyn DocumentStore) -> Result<HashMap<RoomId, RoomRights>, StoreError> {
    let mut rooms = HashMap::new();
    for (room, ownership) in documents.read_all::<Ownership>(Kind::Room, "").await? {
        let prefix = format!("{room}/");
        let members = documents.read_all::<Membership>(Kind::Member, &prefix).await?.into_iter();
        let members = members.map(|(id, member)| (id[prefix.len()..].to_owned(), member.name)).collect();
        rooms.insert(room_of(&room)?, RoomRights { ownership, members });
    }
    Ok(rooms)
}

fn room_of(id: &str) -> Result<RoomId, StoreError> {
    RoomId::parse(id).map_err(|_| StoreError::Damaged(format!("there is a room {id:?}")))
}

/// The id of a member's document.
fn member_key(room: &RoomId, user_id: &str) -> String {
    format!("{room}/{user_id}")
}

fn unknown_room() -> Rejection {
    Rejection::new(Code::UnknownRoom, "This room does not exist, or you are not a member of it.")
}
