//! Who is in one room, on whichever node, and who is typing there. Pure: `rooms` keeps it, and the caller brings the
//! time.

use std::{collections::BTreeMap, time::Instant};

use sha2::{Digest, Sha256};

use super::{
    News, PresenceEvent,
    name::Name,
    typing_indicators::{Sign, TypingIndicators},
};
use crate::protocol::{name::RoomId, session::User};

/// Another node, by a number that this one gave it and gives to no other.
pub(super) type PeerKey = u64;

/// See the module.
#[derive(Default)]
pub(super) struct Room {
    /// By their ids, so that lists are in a stable order.
    people: BTreeMap<String, Person>,
    typing: TypingIndicators,
    /// The sum of everybody's hash: changes with whoever comes, goes or is renamed, and is the same wherever the same
    /// people are in.
    sum: u64,
}

#[derive(Default)]
struct Person {
    /// As they are shown; `None` until they are in.
    name: Option<Name>,
    here: Option<LocalPresence>,
    /// What they are called at the other nodes that they are in on.
    elsewhere: Vec<(PeerKey, Name)>,
}

/// Being in on this node.
struct LocalPresence {
    name: Name,
    connections: usize,
}

impl Person {
    fn newest_name(&self) -> Option<&Name> {
        let here = self.here.iter().map(|seat| &seat.name);
        here.chain(self.elsewhere.iter().map(|(_, name)| name)).max()
    }
}

/// What came of somebody's coming to this node, or going from it.
#[derive(Default)]
pub(super) struct Moved {
    /// For those who read here.
    pub(super) news: Option<News>,
    /// For the other nodes: came, went, or has another name here.
    pub(super) is_seat_changed: bool,
}

impl Room {
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Counts a connection to this node.
    pub(super) fn enter(&mut self, id: &RoomId, user: &User, now_ms: i64) -> Moved {
        let mut is_seat_changed = false;
        let news = self.change(id, &user.id, |person| {
            let is_called = |name: &Name| *name.text == *user.name;
            let connections = person.here.as_ref().map_or(0, |seat| seat.connections);
            match &mut person.here {
                // Whoever comes with another name is called by it from now on, here and everywhere.
                Some(seat) if is_called(&seat.name) && person.name.as_ref().is_some_and(is_called) => {
                    seat.connections += 1;
                }
                here => {
                    is_seat_changed = true;
                    let name = Name::new(&user.name, now_ms, person.name.as_ref());
                    *here = Some(LocalPresence { name, connections: connections + 1 });
                }
            }
        });
        Moved { news, is_seat_changed }
    }

    /// Counts a connection off.
    pub(super) fn leave(&mut self, id: &RoomId, user_id: &str) -> Moved {
        let mut is_seat_changed = false;
        let news = self.change(id, user_id, |person| {
            let Some(seat) = &mut person.here else { return };
            seat.connections -= 1;
            is_seat_changed = seat.connections == 0;
            if is_seat_changed {
                person.here = None;
            }
        });
        Moved { news, is_seat_changed }
    }

    /// Takes what another node says of somebody: what they are called there, or that they are not there.
    pub(super) fn note(
        &mut self,
        id: &RoomId,
        user_id: &str,
        peer: PeerKey,
        name: Option<Name>,
    ) -> Option<News> {
        if name.is_none() && !self.is_at(user_id, peer) {
            return None;
        }
        self.change(id, user_id, |person| {
            person.elsewhere.retain(|(other, _)| *other != peer);
            person.elsewhere.extend(name.map(|name| (peer, name)));
        })
    }

    /// Whether the other node has said that they are there.
    pub(super) fn is_at(&self, user_id: &str, peer: PeerKey) -> bool {
        self.people
            .get(user_id)
            .is_some_and(|person| person.elsewhere.iter().any(|(other, _)| *other == peer))
    }

    /// The ids of those whom the other node has said to be there.
    pub(super) fn people_at(&self, peer: PeerKey) -> impl Iterator<Item = &str> {
        let is_there = move |person: &Person| person.elsewhere.iter().any(|(other, _)| *other == peer);
        self.people.iter().filter(move |(_, person)| is_there(person)).map(|(id, _)| id.as_str())
    }

    /// Those who are in on this node, by their ids.
    pub(super) fn seats(&self) -> impl Iterator<Item = (&str, &Name)> {
        self.people.iter().filter_map(|(id, person)| Some((id.as_str(), &person.here.as_ref()?.name)))
    }

    /// What somebody is called on this node.
    pub(super) fn seat(&self, user_id: &str) -> Option<&Name> {
        Some(&self.people.get(user_id)?.here.as_ref()?.name)
    }

    fn change(&mut self, room: &RoomId, user_id: &str, change: impl FnOnce(&mut Person)) -> Option<News> {
        if !self.people.contains_key(user_id) {
            self.people.insert(user_id.to_owned(), Person::default());
        }
        let person = self.people.get_mut(user_id)?;
        change(person);
        let name = person.newest_name().cloned();
        let known = std::mem::replace(&mut person.name, name.clone());
        if name.is_none() {
            self.people.remove(user_id);
            self.typing.forget(user_id);
        }
        let (known, name) = (known.map(|name| name.text), name.map(|name| name.text));
        if known == name {
            return None;
        }
        for gone in known.iter() {
            self.sum = self.sum.wrapping_sub(hash(user_id, gone));
        }
        for new in name.iter() {
            self.sum = self.sum.wrapping_add(hash(user_id, new));
        }
        let change = if name.is_some() { PresenceEvent::Joined } else { PresenceEvent::Left };
        let user = User { id: user_id.to_owned(), name: name.or(known)?.to_string() };
        Some(News { room: room.clone(), user, change })
    }

    /// Takes a sign of typing, see [`TypingIndicators`]. `None`: the person is not in the room.
    pub(super) fn sign<T>(
        &mut self,
        room: &RoomId,
        user_id: &str,
        take: impl FnOnce(&mut TypingIndicators) -> Option<T>,
    ) -> Option<Option<(T, News)>> {
        let user = self.user(user_id)?;
        let news = News { room: room.clone(), user, change: PresenceEvent::Typing };
        Some(take(&mut self.typing).map(|taken| (taken, news)))
    }

    fn user(&self, id: &str) -> Option<User> {
        let name = self.people.get(id)?.name.as_ref()?;
        Some(User { id: id.to_owned(), name: name.text.to_string() })
    }

    /// Everybody.
    pub(super) fn members(&self) -> impl Iterator<Item = User> {
        self.people.keys().filter_map(|id| self.user(id))
    }

    /// Those of this name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &str> {
        let is_called = move |person: &Person| person.name.as_ref().is_some_and(|known| &*known.text == name);
        self.people.iter().filter(move |(_, person)| is_called(person)).map(|(id, _)| id.as_str())
    }

    /// Those who are typing.
    pub(super) fn typing(&self, now: Instant) -> impl Iterator<Item = User> {
        self.typing.lasting(now).filter_map(|(id, _)| self.user(id))
    }

    /// Names what a reader sees: the same on every node that knows the same.
    pub(super) fn version(&self, now: Instant) -> String {
        let add = |sum: u64, (id, sign): (&str, &Sign)| sum.wrapping_add(hash(id, &sign.at.to_string()));
        format!("{:x}-{:x}", self.sum, self.typing.lasting(now).fold(0, add))
    }
}

/// The same in every process, whatever built it.
fn hash(id: &str, what: &str) -> u64 {
    let digest = Sha256::new().chain_update(id).chain_update([0]).chain_update(what).finalize();
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
