//! What people may do: who may enter which room, and who says so. The chat asks at every join, post, poll and page.
//! Which channels they may read is in `channels`.
//!
//! Rooms are public, or their owner's to invite to. What is written here is in memory as well, because it is asked at
//! every message; every change goes to the directory first, and comes back from there by `applying`, as those of other
//! nodes do. Whoever loses a right stops receiving before the change is answered, on every node that is alive.

mod change_listener;
mod channels;
mod room_reservations;
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

pub use self::channels::{ChannelRights, LimitedChannel};
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

/// Most members of a room: its list is sent whole.
const MEMBERS_MAX: usize = 1_000;

/// What the directory has of a room. A room without it is public, and nobody's.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ownership {
    owner: User,
    is_private: bool,
    /// When it became somebody's, in milliseconds since the Unix epoch; 0: before that was noted.
    #[serde(default)]
    claimed_at: i64,
    /// The form that it was made by, if it was one: sent again it makes nothing. Hashed, because it is no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    submission: Option<String>,
}

/// What the directory has of a member.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Membership {
    name: String,
}

/// Whose a room is and who may enter.
#[derive(Clone, Debug)]
struct RoomRights {
    ownership: Ownership,
    /// Names by ids. The owner is among them.
    members: BTreeMap<String, String>,
}

/// See the module.
pub struct Rights {
    directory: Arc<dyn DocumentStore>,
    following: Arc<DirectoryReplica>,
    hub: Hub,
    nobody_reads: bool,
    channels: ChannelRights,
    rooms: RwLock<HashMap<RoomId, RoomRights>>,
    /// Held from the look at the members to the writing of one more, so that they are counted right.
    changes: Mutex<()>,
    /// See `claims`.
    claim_age: Duration,
}

impl Rights {
    /// Reads what the directory has. `nobody_reads`: readers need not be somebody.
    pub async fn open(
        following: &Arc<DirectoryReplica>,
        hub: Hub,
        nobody_reads: bool,
    ) -> Result<Self, Error> {
        let directory: Arc<dyn DocumentStore> = following.clone();
        let channels = ChannelRights::open(directory.clone(), hub.clone()).await?;
        let rooms = RwLock::new(read_rooms(&*directory).await?);
        let (changes, claim_age) = (Mutex::default(), room_reservations::age(following.is_shared()));
        Ok(Self {
            directory,
            following: following.clone(),
            hub,
            nobody_reads,
            channels,
            rooms,
            changes,
            claim_age,
        })
    }

    /// Who may read which channel.
    pub fn channels(&self) -> &ChannelRights {
        &self.channels
    }

    /// Whether they may read at all. Somebody may; nobody where the server says so.
    pub fn check_reader(&self, who: Option<&Identity>) -> Result<(), Rejection> {
        if who.is_some() || self.nobody_reads {
            return Ok(());
        }
        Err(Rejection::new(Code::NoSession, "There is no valid session: sign in first."))
    }

    /// Whether they may enter the room. Who may not is not told that it exists.
    pub fn check_entry(&self, room: &RoomId, who: Option<&Identity>) -> Result<(), Rejection> {
        self.check_reader(who)?;
        if self.may_enter(room, who) {
            return Ok(());
        }
        Err(unknown_room())
    }

    /// See [`Rights::check_entry`].
    pub fn may_enter(&self, room: &RoomId, who: Option<&Identity>) -> bool {
        if let Some(patterns) = who.and_then(|identity| identity.rooms.as_ref()) {
            return covers(patterns, &normalized_name(room.as_str()));
        }
        let user_id = who.map(|identity| identity.user.id.as_str());
        change_listener::is_open_to(self.lock_rooms().get(room), user_id)
    }

    /// Whether only members may enter it.
    pub fn is_private(&self, room: &RoomId) -> bool {
        self.look(room, |rights| rights.ownership.is_private).unwrap_or(false)
    }

    /// Whether the room is theirs.
    pub fn owns(&self, room: &RoomId, who: &Identity) -> bool {
        self.look(room, |rights| rights.ownership.owner.id == who.user.id).unwrap_or(false)
    }

    /// Whether it was made by this form, of somebody's who is its owner.
    pub fn was_made_by(&self, room: &RoomId, who: &Identity, submission: Option<&Submission>) -> bool {
        let digits = submission.map(Submission::digits);
        digits.is_some()
            && self.owns(room, who)
            && self.look(room, |rights| rights.ownership.submission.as_deref() == digits).unwrap_or(false)
    }

    /// The members of a room whose owner keeps a list, the owner first. For those who may enter.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        let list = |rights: &RoomRights| {
            let owner = rights.ownership.owner.clone();
            let others = rights.members.iter().filter(|(id, _)| **id != owner.id);
            let others: Vec<_> =
                others.map(|(id, name)| User { id: id.clone(), name: name.clone() }).collect();
            [vec![owner], others].concat()
        };
        self.look(room, list).unwrap_or_default()
    }

    /// Lets somebody in, by the room's owner.
    pub async fn add_member(&self, room: &RoomId, by: &Identity, user: &User) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        self.check_owner(room, by)?;
        // Another node may let somebody in now: it is a few more then.
        if self.members(room).len() >= MEMBERS_MAX {
            let message = format!("A room has at most {MEMBERS_MAX} members.");
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let member = Membership { name: user.name.clone() };
        let steps = vec![
            Mutation::keep(Kind::Room, room.as_str(), Precondition::Present),
            Mutation::put(Kind::Member, place(room, &user.id), Precondition::Anything, &member),
        ];
        let is_there = self.directory.change(steps).await?.is_taken();
        // Another node took the room's claim back.
        if is_there { Ok(()) } else { Err(unknown_room().into()) }
    }

    /// Takes somebody's right to enter, by the room's owner or by themselves. When this returns nothing that is said
    /// in a private room comes to them any more, on any transport and from any node that is alive.
    pub async fn remove_member(&self, room: &RoomId, by: &Identity, user_id: &str) -> Result<(), Error> {
        if by.user.id != user_id {
            self.check_owner(room, by)?;
        }
        if self.look(room, |rights| rights.ownership.owner.id == user_id).unwrap_or(false) {
            return Err(Rejection::new(Code::NotAllowed, "The owner of a room stays its member.").into());
        }
        // Of who is no member there is nothing to tell the other nodes, however often it is asked for.
        let step = Mutation::remove(Kind::Member, place(room, user_id), Precondition::Present);
        let taken = self.directory.change(vec![step]).await?;
        self.directory.wait_for_nodes(taken).await;
        Ok(())
    }

    /// Goes by all that any node has changed until now. To be called before something that was just found in the store
    /// is taken for everybody's.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        if self.following.is_shared() { self.following.catch_up().await } else { Ok(()) }
    }

    /// Whether the room is theirs to change.
    pub fn check_owner(&self, room: &RoomId, who: &Identity) -> Result<(), Rejection> {
        self.check_entry(room, Some(who))?;
        if self.owns(room, who) {
            return Ok(());
        }
        Err(Rejection::new(Code::NotAllowed, "Only the owner of the room may do this."))
    }

    fn look<T>(&self, room: &RoomId, look: impl FnOnce(&RoomRights) -> T) -> Option<T> {
        self.lock_rooms().get(room).map(look)
    }
}

/// The rooms that are somebody's, as the directory has them.
async fn read_rooms(directory: &dyn DocumentStore) -> Result<HashMap<RoomId, RoomRights>, StoreError> {
    let mut rooms = HashMap::new();
    for (room, ownership) in directory.read_all::<Ownership>(Kind::Room, "").await? {
        let prefix = format!("{room}/");
        let members = directory.read_all::<Membership>(Kind::Member, &prefix).await?.into_iter();
        let members = members.map(|(id, member)| (id[prefix.len()..].to_owned(), member.name)).collect();
        rooms.insert(room_of(&room)?, RoomRights { ownership, members });
    }
    Ok(rooms)
}

fn room_of(id: &str) -> Result<RoomId, StoreError> {
    RoomId::parse(id).map_err(|_| StoreError::Damaged(format!("there is a room {id:?}")))
}

fn place(room: &RoomId, user_id: &str) -> String {
    format!("{room}/{user_id}")
}

fn unknown_room() -> Rejection {
    Rejection::new(Code::UnknownRoom, "There is no such room, or it is not open to you.")
}
