//! The roster: the users who are present in each room, on all nodes together. It is what the readers of this node see.
//!
//! Pure. `state` changes it by connections to this node, `peers` by messages from other nodes, and both pass on the
//! events that it returns. It never sends anything, and never reads a clock.

mod person;
mod room;

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

pub(super) use self::person::Name;
use self::{person::Person, room::Room};
use super::{PresenceEvent, RoomEvent, typing_indicators::TypingIndicators};
use crate::protocol::{name::RoomId, session::User};

/// Another node, by a number that this node gave it and gives to no other.
pub(super) type PeerKey = u64;

/// All users who are present on one other node, by room and id, with their names there.
pub(super) type PeerRoster = HashMap<RoomId, HashMap<String, Name>>;

/// The users in every room. It holds no room that is empty.
#[derive(Default)]
pub(super) struct Roster {
    rooms: HashMap<RoomId, Room>,
    /// The number of users of each other node, once for each room that they are in.
    counts: HashMap<PeerKey, usize>,
}

/// The result of a connection to this node that came or went.
#[derive(Default)]
pub(super) struct LocalChange {
    /// For the readers of this node.
    pub(super) event: Option<RoomEvent>,
    /// True if the other nodes must learn of it: the user came to this node, left it, or has another name on it.
    pub(super) is_news_to_peers: bool,
}

impl Roster {
    /// Counts a connection of a user to this node.
    pub(super) fn add_connection(&mut self, room: &RoomId, user: &User, now_ms: i64) -> LocalChange {
        let mut is_news_to_peers = false;
        let add = |person: &mut Person| is_news_to_peers = person.add_connection(&user.name, now_ms);
        LocalChange { event: self.update(room, &user.id, add), is_news_to_peers }
    }

    /// Counts a connection of a user to this node as closed.
    pub(super) fn remove_connection(&mut self, room: &RoomId, user_id: &str) -> LocalChange {
        let mut is_news_to_peers = false;
        let remove = |person: &mut Person| is_news_to_peers = person.remove_connection();
        LocalChange { event: self.update(room, user_id, remove), is_news_to_peers }
    }

    /// Stores the name of a user on another node; `None`: they are not present there.
    pub(super) fn set_remote(
        &mut self,
        peer: PeerKey,
        room: &RoomId,
        user_id: &str,
        name: Option<Name>,
    ) -> Option<RoomEvent> {
        let (was_there, is_there) = (self.is_at(room, user_id, peer), name.is_some());
        let count = self.counts.entry(peer).or_default();
        *count = *count + usize::from(is_there) - usize::from(was_there);
        if !was_there && !is_there {
            return None;
        }
        self.update(room, user_id, |person| person.set_remote(peer, name))
    }

    fn is_at(&self, room: &RoomId, user_id: &str, peer: PeerKey) -> bool {
        self.person(room, user_id).is_some_and(|person| person.is_at(peer))
    }

    fn person(&self, room: &RoomId, user_id: &str) -> Option<&Person> {
        self.rooms.get(room)?.person(user_id)
    }

    fn update(&mut self, id: &RoomId, user_id: &str, change: impl FnOnce(&mut Person)) -> Option<RoomEvent> {
        let room = self.rooms.entry(id.clone()).or_default();
        let updated = room.update(user_id, change);
        if room.is_empty() {
            self.rooms.remove(id);
        }
        updated.map(|(user, event)| RoomEvent { room: id.clone(), user, event })
    }

    /// The number of users of another node, once for each room that they are in.
    pub(super) fn count(&self, peer: PeerKey) -> usize {
        self.counts.get(&peer).copied().unwrap_or(0)
    }

    /// Replaces the users of another node, and returns the events for what is different.
    pub(super) fn replace_peer(&mut self, peer: PeerKey, new: PeerRoster) -> Vec<RoomEvent> {
        let is_in = |room: &RoomId, id: &str| new.get(room).is_some_and(|people| people.contains_key(id));
        let gone: Vec<_> = self.people_at(peer).filter(|(room, id)| !is_in(room, id)).collect();
        let left = gone.iter().filter_map(|(room, id)| self.set_remote(peer, room, id, None));
        let mut events: Vec<_> = left.collect();
        for (room, people) in new {
            let set = |(id, name): (String, Name)| self.set_remote(peer, &room, &id, Some(name));
            events.extend(people.into_iter().filter_map(set));
        }
        events
    }

    /// Removes another node with its users.
    pub(super) fn remove_peer(&mut self, peer: PeerKey) -> Vec<RoomEvent> {
        let events = self.replace_peer(peer, PeerRoster::new());
        self.counts.remove(&peer);
        events
    }

    fn people_at(&self, peer: PeerKey) -> impl Iterator<Item = (RoomId, String)> {
        self.rooms
            .iter()
            .flat_map(move |(id, room)| room.people_at(peer).map(|user| (id.clone(), user.to_owned())))
    }

    /// All users who are present on this node.
    pub(super) fn local(&self) -> impl Iterator<Item = (&RoomId, &str, &Name)> {
        self.rooms.iter().flat_map(|(id, room)| room.local().map(move |(user, name)| (id, user, name)))
    }

    /// The name of a user on this node; `None`: they are not present on it.
    pub(super) fn local_name(&self, room: &RoomId, user_id: &str) -> Option<&Name> {
        self.person(room, user_id)?.local_name()
    }

    /// Updates the typing indicators of a room by `record`. `None`: the user is not in the room. `Some(None)`: `record`
    /// returned `None`, and there is nothing to announce.
    pub(super) fn record_typing<T>(
        &mut self,
        room: &RoomId,
        user_id: &str,
        record: impl FnOnce(&mut TypingIndicators) -> Option<T>,
    ) -> Option<Option<(T, RoomEvent)>> {
        let known = self.rooms.get_mut(room)?;
        let user = known.user(user_id)?;
        let event = RoomEvent { room: room.clone(), user, event: PresenceEvent::Typing };
        Some(record(&mut known.typing).map(|recorded| (recorded, event)))
    }

    /// All users in the room, in the order of their ids.
    pub(super) fn members(&self, room: &RoomId) -> Vec<User> {
        self.rooms.get(room).into_iter().flat_map(Room::members).collect()
    }

    /// The ids of all users.
    pub(super) fn ids(&self) -> HashSet<String> {
        self.rooms.values().flat_map(Room::members).map(|user| user.id).collect()
    }

    /// The users who are typing in the room, in the order of their ids.
    pub(super) fn typing(&self, room: &RoomId, now: Instant) -> Vec<User> {
        self.rooms.get(room).into_iter().flat_map(|room| room.typing_users(now)).collect()
    }

    /// A text that names the state of a room, its users and typing indicators: the same on every node that knows the
    /// same.
    pub(super) fn version(&self, room: &RoomId, now: Instant) -> String {
        self.rooms.get(room).map_or_else(|| Room::default().version(now), |room| room.version(now))
    }

    /// The rooms in which a user is, with their name in each.
    pub(super) fn of_user(&self, user_id: &str) -> Vec<(RoomId, User)> {
        let rooms = self.rooms.iter();
        rooms.filter_map(|(id, room)| Some((id.clone(), room.user(user_id)?))).collect()
    }

    /// The user with this name in any room; `None` unless there is exactly one.
    pub(super) fn find(&self, name: &str) -> Option<User> {
        let found: HashSet<&str> = self.rooms.values().flat_map(|room| room.ids_with_name(name)).collect();
        let mut found = found.into_iter();
        let id = found.next()?;
        found.next().is_none().then(|| User { id: id.to_owned(), name: name.to_owned() })
    }
}
