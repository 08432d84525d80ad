//! Who is in which room, all nodes together: what this node's readers see. Pure; `state` changes it by what happens
//! here and by what is heard.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use super::{
    News,
    name::Name,
    room::{Moved, PeerKey, Room},
    typing_indicators::TypingIndicators,
};
use crate::protocol::{name::RoomId, session::User};

/// See the module. A room without anybody in it is not kept.
#[derive(Default)]
pub(super) struct Rooms {
    rooms: HashMap<RoomId, Room>,
    /// How many places of people in rooms are known of each other node.
    counts: HashMap<PeerKey, usize>,
}

/// Everybody who is in on another node, with what they are called there.
pub(super) type Roster = HashMap<RoomId, HashMap<String, Name>>;

impl Rooms {
    /// A connection of theirs came to this node.
    pub(super) fn enter(&mut self, room: &RoomId, user: &User, now_ms: i64) -> Moved {
        self.rooms.entry(room.clone()).or_default().enter(room, user, now_ms)
    }

    /// A connection of theirs went from this node.
    pub(super) fn leave(&mut self, room: &RoomId, user_id: &str) -> Moved {
        self.within(room, |known| known.leave(room, user_id))
    }

    /// Another node says what somebody is called there, or that they are not there.
    pub(super) fn note(
        &mut self,
        peer: PeerKey,
        room: &RoomId,
        user_id: &str,
        name: Option<Name>,
    ) -> Option<News> {
        let is_there = name.is_some();
        if is_there {
            self.rooms.entry(room.clone()).or_default();
        }
        let (news, was_there) = self.within(room, |known| {
            let was_there = known.is_at(user_id, peer);
            (known.note(room, user_id, peer, name), was_there)
        });
        let count = self.counts.entry(peer).or_default();
        *count = *count + usize::from(is_there) - usize::from(was_there);
        news
    }

    /// How many places of people in rooms are known of the other node.
    pub(super) fn count(&self, peer: PeerKey) -> usize {
        self.counts.get(&peer).copied().unwrap_or(0)
    }

    /// Replaces what is known of the other node, and says what is different.
    pub(super) fn replace(&mut self, peer: PeerKey, roster: Roster) -> Vec<News> {
        let is_in = |room: &RoomId, id: &str| roster.get(room).is_some_and(|people| people.contains_key(id));
        let gone: Vec<_> = self.places_at(peer).filter(|(room, id)| !is_in(room, id)).collect();
        let mut news: Vec<_> = gone.iter().filter_map(|(room, id)| self.note(peer, room, id, None)).collect();
        for (room, people) in roster {
            news.extend(people.into_iter().filter_map(|(id, name)| self.note(peer, &room, &id, Some(name))));
        }
        news
    }

    /// Nobody is in on the other node any more.
    pub(super) fn forget(&mut self, peer: PeerKey) -> Vec<News> {
        let news = self.replace(peer, Roster::new());
        self.counts.remove(&peer);
        news
    }

    fn places_at(&self, peer: PeerKey) -> impl Iterator<Item = (RoomId, String)> {
        self.rooms
            .iter()
            .flat_map(move |(id, room)| room.people_at(peer).map(|user| (id.clone(), user.to_owned())))
    }

    /// Everybody who is in on this node.
    pub(super) fn seats(&self) -> impl Iterator<Item = (&RoomId, &str, &Name)> {
        self.rooms.iter().flat_map(|(id, room)| room.seats().map(move |(user, name)| (id, user, name)))
    }

    /// What somebody is called on this node; `None`: they are not in on it.
    pub(super) fn seat(&self, room: &RoomId, user_id: &str) -> Option<&Name> {
        self.rooms.get(room)?.seat(user_id)
    }

    /// See [`Room::sign`].
    pub(super) fn sign<T>(
        &mut self,
        room: &RoomId,
        user_id: &str,
        take: impl FnOnce(&mut TypingIndicators) -> Option<T>,
    ) -> Option<Option<(T, News)>> {
        self.rooms.get_mut(room)?.sign(room, user_id, take)
    }

    /// Everybody in the room.
    pub(super) fn members(&self, room: &RoomId) -> Vec<User> {
        self.rooms.get(room).into_iter().flat_map(Room::members).collect()
    }

    /// Those who are typing there.
    pub(super) fn typing(&self, room: &RoomId, now: Instant) -> Vec<User> {
        self.rooms.get(room).into_iter().flat_map(|room| room.typing(now)).collect()
    }

    /// See [`Room::version`].
    pub(super) fn version(&self, room: &RoomId, now: Instant) -> String {
        self.rooms.get(room).map_or_else(|| Room::default().version(now), |room| room.version(now))
    }

    /// The one person of this name in any room.
    pub(super) fn find(&self, name: &str) -> Option<User> {
        let found: HashSet<&str> = self.rooms.values().flat_map(|room| room.named(name)).collect();
        let mut found = found.into_iter();
        let id = found.next()?;
        found.next().is_none().then(|| User { id: id.to_owned(), name: name.to_owned() })
    }

    fn within<T: Default>(&mut self, id: &RoomId, act: impl FnOnce(&mut Room) -> T) -> T {
        let Some(room) = self.rooms.get_mut(id) else { return T::default() };
        let result = act(room);
        if room.is_empty() {
            self.rooms.remove(id);
        }
        result
    }
}
