//! What people may do: who may enter which room, and who says so. The chat asks at every join, post, poll and page.
//! Which channels they may read is in `channels`.
//!
//! Rooms are public, or their owner's to invite to. What is written here is in memory as well, because it is asked at
//! every message; every change goes through here, to the directory first. Whoever loses a right stops receiving before
//! the change is answered.

mod channels;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use self::channels::{ChannelRights, LimitedChannel};
use super::{
    auth::{Identity, covers},
    error::Error,
    hub::Hub,
    store::{
        TopicName,
        directory::{Directory, Expect, Kind, Step},
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
    directory: Arc<dyn Directory>,
    hub: Hub,
    nobody_reads: bool,
    channels: ChannelRights,
    rooms: RwLock<HashMap<RoomId, RoomRights>>,
    /// Held from the look at a room to the writing of its change.
    changes: Mutex<()>,
}

impl Rights {
    /// Reads what the directory has. `nobody_reads`: readers need not be somebody.
    pub async fn open(directory: Arc<dyn Directory>, hub: Hub, nobody_reads: bool) -> Result<Self, Error> {
        let mut rooms = HashMap::new();
        for (room, ownership) in directory.read_all::<Ownership>(Kind::Room, "").await? {
            let prefix = format!("{room}/");
            let members = directory.read_all::<Membership>(Kind::Member, &prefix).await?.into_iter();
            let members = members.map(|(id, member)| (id[prefix.len()..].to_owned(), member.name)).collect();
            rooms.insert(RoomId::parse(&room)?, RoomRights { ownership, members });
        }
        let channels = ChannelRights::open(directory.clone(), hub.clone()).await?;
        let (rooms, changes) = (RwLock::new(rooms), Mutex::default());
        Ok(Self { directory, hub, nobody_reads, channels, rooms, changes })
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
        Err(Rejection::new(Code::UnknownRoom, "There is no such room, or it is not open to you."))
    }

    /// See [`Rights::check_entry`].
    pub fn may_enter(&self, room: &RoomId, who: Option<&Identity>) -> bool {
        if let Some(patterns) = who.and_then(|identity| identity.rooms.as_ref()) {
            return covers(patterns, room.as_str());
        }
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let Some(rights) = rooms.get(room) else { return true };
        let is_member = |identity: &Identity| rights.members.contains_key(&identity.user.id);
        !rights.ownership.is_private || who.is_some_and(is_member)
    }

    /// Whether only members may enter it.
    pub fn is_private(&self, room: &RoomId) -> bool {
        self.look(room, |rights| rights.ownership.is_private).unwrap_or(false)
    }

    /// Whether the room is theirs.
    pub fn owns(&self, room: &RoomId, who: &Identity) -> bool {
        self.look(room, |rights| rights.ownership.owner.id == who.user.id).unwrap_or(false)
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

    /// The rooms that are somebody's.
    pub fn claimed(&self) -> Vec<RoomId> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Says whose a new room is. To be called before the room is made: there is no moment in which it is everybody's.
    /// False: somebody has it already.
    pub async fn claim(&self, room: &RoomId, owner: &User, is_private: bool) -> Result<bool, Error> {
        let _held = self.changes.lock().await;
        let ownership = Ownership { owner: owner.clone(), is_private };
        let member = Membership { name: owner.name.clone() };
        let steps = vec![
            Step::put(Kind::Room, room.as_str(), Expect::Absent, &ownership),
            Step::put(Kind::Member, place(room, &owner.id), Expect::Anything, &member),
        ];
        if !self.directory.change(steps).await? {
            return Ok(false);
        }
        let members = BTreeMap::from([(owner.id.clone(), owner.name.clone())]);
        self.write(|rooms| rooms.insert(room.clone(), RoomRights { ownership, members }));
        Ok(true)
    }

    /// Takes a claim back: the room could not be made.
    pub async fn disclaim(&self, room: &RoomId) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        let members = self.members(room);
        let mut steps = vec![Step::remove(Kind::Room, room.as_str(), Expect::Anything)];
        steps.extend(
            members.iter().map(|user| Step::remove(Kind::Member, place(room, &user.id), Expect::Anything)),
        );
        self.directory.change(steps).await?;
        self.write(|rooms| rooms.remove(room));
        Ok(())
    }

    /// Lets somebody in, by the room's owner.
    pub async fn add_member(&self, room: &RoomId, by: &Identity, user: &User) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        self.check_owner(room, by)?;
        if self.members(room).len() >= MEMBERS_MAX {
            let message = format!("A room has at most {MEMBERS_MAX} members.");
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let member = Membership { name: user.name.clone() };
        let step = Step::put(Kind::Member, place(room, &user.id), Expect::Anything, &member);
        self.directory.change(vec![step]).await?;
        self.change_members(room, |members| members.insert(user.id.clone(), user.name.clone()));
        Ok(())
    }

    /// Takes somebody's right to enter, by the room's owner or by themselves. When this returns nothing that is said
    /// in a private room comes to them any more, on any transport.
    pub async fn remove_member(&self, room: &RoomId, by: &Identity, user_id: &str) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        if by.user.id != user_id {
            self.check_owner(room, by)?;
        }
        if self.look(room, |rights| rights.ownership.owner.id == user_id).unwrap_or(false) {
            return Err(Rejection::new(Code::NotAllowed, "The owner of a room stays its member.").into());
        }
        self.directory
            .change(vec![Step::remove(Kind::Member, place(room, user_id), Expect::Anything)])
            .await?;
        self.change_members(room, |members| members.remove(user_id));
        if self.is_private(room) {
            self.hub.evict(&TopicName::Room(room.clone()), |owner| owner == Some(user_id));
        }
        Ok(())
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
        self.rooms.read().unwrap_or_else(PoisonError::into_inner).get(room).map(look)
    }

    fn change_members<T>(&self, room: &RoomId, change: impl FnOnce(&mut BTreeMap<String, String>) -> T) {
        self.write(|rooms| rooms.get_mut(room).map(|rights| change(&mut rights.members)));
    }

    fn write<T>(&self, change: impl FnOnce(&mut HashMap<RoomId, RoomRights>) -> T) {
        change(&mut self.rooms.write().unwrap_or_else(PoisonError::into_inner));
    }
}

fn place(room: &RoomId, user_id: &str) -> String {
    format!("{room}/{user_id}")
}
