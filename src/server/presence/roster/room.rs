//! One room: the users who are present in it, on any node, and those who are typing. Pure; the roster owns it, and the
//! caller passes the time.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use sha2::{Digest, Sha256};

use super::{
    PeerKey,
    person::{Name, Person},
};
use crate::{
    protocol::session::User,
    server::presence::{
        PresenceEvent,
        typing_indicators::{TypingIndicator, TypingIndicators},
    },
};

/// The users in a room, and its typing indicators.
#[derive(Default)]
pub(super) struct Room {
    /// By user id, so that lists have a stable order.
    people: BTreeMap<String, Person>,
    pub(super) typing: TypingIndicators,
    /// The sum of the hashes of all users: it changes when a user joins, leaves or gets another name, and is the same
    /// on every node that knows the same users.
    checksum: u64,
}

impl Room {
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    pub(super) fn person(&self, user_id: &str) -> Option<&Person> {
        self.people.get(user_id)
    }

    /// Applies `change` to a user, who is added before if they are not present, and removed after if they are present
    /// on no node any more. Returns the event if readers see a difference.
    pub(super) fn update(
        &mut self,
        user_id: &str,
        change: impl FnOnce(&mut Person),
    ) -> Option<(User, PresenceEvent)> {
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
        self.compare(user_id, known.map(|name| name.text), name.map(|name| name.text))
    }

    /// Brings the checksum up to date, and returns the event that leads from one name to the other.
    fn compare(
        &mut self,
        user_id: &str,
        before: Option<Arc<str>>,
        after: Option<Arc<str>>,
    ) -> Option<(User, PresenceEvent)> {
        if before == after {
            return None;
        }
        if let Some(before) = &before {
            self.checksum = self.checksum.wrapping_sub(hash(user_id, before));
        }
        if let Some(after) = &after {
            self.checksum = self.checksum.wrapping_add(hash(user_id, after));
        }
        let event = if after.is_some() { PresenceEvent::Joined } else { PresenceEvent::Left };
        let name = after.or(before)?.to_string();
        Some((User { id: user_id.to_owned(), name }, event))
    }

    /// The user as readers see them; `None`: they are not in the room.
    pub(super) fn user(&self, id: &str) -> Option<User> {
        let name = self.people.get(id)?.name.as_ref()?;
        Some(User { id: id.to_owned(), name: name.text.to_string() })
    }

    /// All users in the room.
    pub(super) fn members(&self) -> impl Iterator<Item = User> {
        self.people.keys().filter_map(|id| self.user(id))
    }

    /// The users who are present on this node, by id.
    pub(super) fn local(&self) -> impl Iterator<Item = (&str, &Name)> {
        self.people.iter().filter_map(|(id, person)| Some((id.as_str(), person.local_name()?)))
    }

    /// The ids of the users whom another node has announced as present.
    pub(super) fn people_at(&self, peer: PeerKey) -> impl Iterator<Item = &str> {
        self.people.iter().filter(move |(_, person)| person.is_at(peer)).map(|(id, _)| id.as_str())
    }

    /// The ids of the users with this name.
    pub(super) fn ids_with_name(&self, name: &str) -> impl Iterator<Item = &str> {
        let has_name = move |person: &Person| person.name.as_ref().is_some_and(|known| &*known.text == name);
        self.people.iter().filter(move |(_, person)| has_name(person)).map(|(id, _)| id.as_str())
    }

    /// The users who are typing.
    pub(super) fn typing_users(&self, now: Instant) -> impl Iterator<Item = User> {
        self.typing.active(now).filter_map(|(id, _)| self.user(id))
    }

    /// A text that names the state that readers see: the same on every node that knows the same.
    pub(super) fn version(&self, now: Instant) -> String {
        let add = |sum: u64, (id, typing): (&str, &TypingIndicator)| {
            sum.wrapping_add(hash(id, &typing.at.to_string()))
        };
        format!("{:x}-{:x}", self.checksum, self.typing.active(now).fold(0, add))
    }
}

/// A hash that is the same in every process, whatever compiler built it.
fn hash(id: &str, text: &str) -> u64 {
    let digest = Sha256::new().chain_update(id).chain_update([0]).chain_update(text).finalize();
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
