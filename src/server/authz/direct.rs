//! Rooms of direct messages: private rooms of two to [`DIRECT_MAX`] people, whom nobody adds or removes. The chat opens them.
//!
//! Such a room is its document and those of its members, written in one transaction with the document that leads from
//! its people to it; it is in no list of rooms. Its id is random: nobody finds it who was not told. The same people
//! always have the same room: the document of the people is written only if there is none, so of two who begin at the
//! same moment, on whatever nodes, the later one finds the room of the other.

use std::collections::{BTreeSet, HashMap};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use super::{Membership, Ownership, Rights, RoomRights, member_key, room_of};
use crate::{
    protocol::{
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        auth::{hash, random_token},
        clock::now_ms,
        error::Error,
        store::directory::{Kind, Mutation, Precondition},
    },
};

/// Most people in a room of direct messages, with the one who opens it: beyond it a room with a name serves better.
pub const DIRECT_MAX: usize = 20;

/// The beginning of the id of such a room. The rest is a random token.
const PREFIX: &str = "d-";

/// Attempts to open a room while others open the same one.
const ATTEMPTS: usize = 5;

/// The stored document that leads from people to their room.
#[derive(Debug, Serialize, Deserialize)]
struct DirectRoom {
    room: String,
}

/// The rooms of direct messages by the ids of their members.
#[derive(Default)]
pub(super) struct DirectRooms(RwLock<HashMap<String, BTreeSet<RoomId>>>);

impl DirectRooms {
    /// Puts in all of them.
    pub(super) fn replace(&self, rooms: &HashMap<RoomId, RoomRights>) {
        let mut by_member: HashMap<String, BTreeSet<RoomId>> = HashMap::new();
        for (room, rights) in rooms.iter().filter(|(_, rights)| rights.ownership.is_direct) {
            for member in rights.members.keys() {
                by_member.entry(member.clone()).or_default().insert(room.clone());
            }
        }
        *self.0.write() = by_member;
    }

    /// Adds a member of a room.
    pub(super) fn add(&self, room: &RoomId, user_id: &str) {
        self.0.write().entry(user_id.to_owned()).or_default().insert(room.clone());
    }
}

impl Rights {
    /// Returns true if the room has direct messages.
    pub fn is_direct(&self, room: &RoomId) -> bool {
        self.read(room, |rights| rights.ownership.is_direct).unwrap_or(false)
    }

    /// Returns true if the id has the form of a room of direct messages. There need not be one.
    pub fn looks_direct(room: &RoomId) -> bool {
        room.as_str().starts_with(PREFIX)
    }

    /// The rooms of direct messages of a user, those first that were opened first.
    pub fn direct_rooms(&self, user_id: &str) -> Vec<RoomId> {
        let rooms: Vec<_> = self.direct.0.read().get(user_id).into_iter().flatten().cloned().collect();
        let known = self.lock_rooms();
        let opened = |room: &RoomId| known.get(room).map_or(0, |rights| rights.ownership.reserved_at);
        let mut rooms: Vec<_> = rooms.into_iter().map(|room| (opened(&room), room)).collect();
        rooms.sort();
        rooms.into_iter().map(|(_, room)| room).collect()
    }

    /// The name of `other` in a private room, or one of direct messages, of which both are members. `None`: there is none.
    pub fn name_in_shared_room(&self, one: &str, other: &str) -> Option<String> {
        let rooms = self.lock_rooms();
        let private = rooms.values().filter(|rights| rights.ownership.is_private);
        let mut shared = private.filter(|rights| rights.members.contains_key(one));
        shared.find_map(|rights| rights.members.get(other).cloned())
    }

    /// The room of exactly these people, if it was opened.
    pub async fn find_direct(&self, people: &[User]) -> Result<Option<RoomId>, Error> {
        let Some(known) = self.documents.read::<DirectRoom>(Kind::Direct, &key_of(people)).await? else {
            return Ok(None);
        };
        let room = room_of(&known.room)?;
        if !self.is_direct(&room) {
            // Another node has just opened it.
            self.catch_up().await?;
        }
        Ok(Some(room).filter(|room| self.is_direct(room)))
    }

    /// Opens the room of these people, of whom there are at least two. Returns it, and false if there was one.
    pub async fn open_direct(&self, people: &[User]) -> Result<(RoomId, bool), Error> {
        let key = key_of(people);
        for _ in 0..ATTEMPTS {
            if let Some(room) = self.find_direct(people).await? {
                return Ok((room, false));
            }
            // A room that lost its document keeps its id, and so its history.
            let known = self.documents.read_to_change::<DirectRoom>(Kind::Direct, &key).await?;
            let (room, unchanged) = match known {
                Some((known, unchanged)) => (room_of(&known.room)?, unchanged),
                None => (room_of(&format!("{PREFIX}{}", random_token()))?, Precondition::Absent),
            };
            // Nobody could enter it before, so no right is taken from anybody.
            let outcome = self.documents.grant(mutations(&key, unchanged, &room, people)).await?;
            if outcome.is_committed() {
                return Ok((room, true));
            }
        }
        Err(Rejection::new(Code::Unavailable, "Others are opening the same conversation. Try again.").into())
    }
}

fn mutations(key: &str, unchanged: Precondition, room: &RoomId, people: &[User]) -> Vec<Mutation> {
    let nobody = User { id: String::new(), name: String::new() };
    let ownership = Ownership {
        owner: nobody,
        is_private: true,
        reserved_at: now_ms(),
        submission: None,
        is_direct: true,
    };
    let direct = DirectRoom { room: room.to_string() };
    let member = |user: &User| {
        let membership = Membership { name: user.name.clone() };
        Mutation::put(Kind::Member, member_key(room, &user.id), Precondition::Anything, &membership)
    };
    let mut mutations = vec![
        Mutation::put(Kind::Direct, key, unchanged, &direct),
        Mutation::put(Kind::Room, room.as_str(), Precondition::Absent, &ownership),
    ];
    mutations.extend(people.iter().map(member));
    mutations
}

/// The id of the document of these people, in whatever order they are named.
fn key_of(people: &[User]) -> String {
    let ids: BTreeSet<_> = people.iter().map(|user| user.id.as_str()).collect();
    hash(&serde_json::to_string(&ids).expect("texts are serialized"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_people_have_one_key_in_any_order_and_no_others_have_it() {
        let people = |ids: &[&str]| {
            let user = |id: &&str| User { id: (*id).to_owned(), name: "any".to_owned() };
            key_of(&ids.iter().map(user).collect::<Vec<_>>())
        };
        assert_eq!(people(&["a", "b"]), people(&["b", "a"]));
        for others in [&["a", "b", "c"][..], &["a,b"], &["a\",\"b"], &["ab"], &["a"]] {
            assert_ne!(people(&["a", "b"]), people(others), "{others:?}");
        }
    }
}
