//! Who is in a room now. Being in is a guard value; dropping it is leaving.
//!
//! The chat calls it and says what to tell the others: a person may be in with several connections, and only the
//! first and the last of them are news.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::protocol::{name::RoomId, session::User};

/// What there is to tell when somebody comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Came, or has another name now.
    Joined,
    /// Went with the last connection.
    Left,
}

/// Called under the lock, so that a coming and a going of the same moment are told in the order in which they
/// happened. It must be quick and must not come back here.
type Tell = Box<dyn Fn(&RoomId, &User, Change) + Send + Sync>;

struct Seat {
    user: User,
    connections: usize,
}

/// The people of one room by their ids, so that lists are in a stable order.
type Seats = BTreeMap<String, Seat>;

/// Who is in which room.
pub struct Presence {
    tell: Tell,
    rooms: Mutex<HashMap<RoomId, Seats>>,
}

impl Presence {
    /// `tell` is called for every change.
    pub fn new(tell: impl Fn(&RoomId, &User, Change) + Send + Sync + 'static) -> Self {
        Self { tell: Box::new(tell), rooms: Mutex::default() }
    }

    /// Lets somebody in until the guard is dropped.
    pub fn enter(self: &Arc<Self>, room: &RoomId, user: &User) -> PresenceGuard {
        let mut rooms = self.lock();
        let seats = rooms.entry(room.clone()).or_default();
        let seat =
            seats.entry(user.id.clone()).or_insert_with(|| Seat { user: user.clone(), connections: 0 });
        let renamed = seat.user.name != user.name;
        seat.user.name.clone_from(&user.name);
        seat.connections += 1;
        if seat.connections == 1 || renamed {
            (self.tell)(room, user, Change::Joined);
        }
        PresenceGuard { presence: self.clone(), room: room.clone(), user_id: user.id.clone() }
    }

    /// Everybody in the room.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        self.lock()
            .get(room)
            .into_iter()
            .flat_map(|seats| seats.values().map(|seat| seat.user.clone()))
            .collect()
    }

    fn leave(&self, room: &RoomId, user_id: &str) {
        let mut rooms = self.lock();
        let Some(seats) = rooms.get_mut(room) else { return };
        let Some(seat) = seats.get_mut(user_id) else { return };
        seat.connections -= 1;
        if seat.connections > 0 {
            return;
        }
        if let Some(seat) = seats.remove(user_id) {
            (self.tell)(room, &seat.user, Change::Left);
        }
        if seats.is_empty() {
            rooms.remove(room);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, Seats>> {
        // No change here can be left half-made by a panic.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's being in one room.
#[must_use = "dropping the guard is leaving"]
pub struct PresenceGuard {
    presence: Arc<Presence>,
    room: RoomId,
    user_id: String,
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.presence.leave(&self.room, &self.user_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = Arc<Mutex<Vec<(String, Change)>>>;

    fn presence() -> (Arc<Presence>, Told) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = told.clone();
        let tell = move |_: &RoomId, user: &User, change| {
            log.lock().expect("whole").push((user.name.clone(), change))
        };
        (Arc::new(Presence::new(tell)), told)
    }

    fn user(id: &str, name: &str) -> User {
        User { id: id.into(), name: name.into() }
    }

    #[test]
    fn a_person_with_two_windows_comes_and_goes_once() {
        let (presence, told) = presence();
        let room = RoomId::parse("general").expect("fine");
        let first = presence.enter(&room, &user("1", "alice"));
        let second = presence.enter(&room, &user("1", "alice"));
        drop(first);
        assert_eq!(presence.members(&room), [user("1", "alice")]);
        drop(second);
        assert!(presence.members(&room).is_empty());
        let told = told.lock().expect("whole");
        assert_eq!(*told, [("alice".into(), Change::Joined), ("alice".into(), Change::Left)]);
    }

    #[test]
    fn a_new_name_is_news() {
        let (presence, told) = presence();
        let room = RoomId::parse("general").expect("fine");
        let _first = presence.enter(&room, &user("1", "alice"));
        let _second = presence.enter(&room, &user("1", "Alice"));
        assert_eq!(presence.members(&room), [user("1", "Alice")]);
        assert_eq!(told.lock().expect("whole").last(), Some(&("Alice".into(), Change::Joined)));
    }
}
