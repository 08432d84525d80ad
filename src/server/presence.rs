//! Who is in a room now, and who is typing there. Being in is a guard value; dropping it is leaving.
//!
//! The chat calls it and says what to tell the others: a person may be in with several connections, and only the
//! first and the last of them are news. Between two polls a person has no connection: their guard lingers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::clock::now_ms;
use crate::protocol::{name::RoomId, session::User};

/// Of one person's signs of typing in a room, those that come faster are dropped.
const TYPING_INTERVAL_MS: i64 = 1_000;
/// How long after the last sign of it somebody counts as typing.
const TYPING_LASTS_MS: i64 = 4_000;
/// How long somebody whose poll was answered has to send the next one before they have left.
const LINGER: Duration = Duration::from_secs(10);

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
    /// When the last sign of typing was told, in milliseconds since the Unix epoch.
    typed: Option<i64>,
}

/// The people of one room by their ids, so that lists are in a stable order.
type Seats = BTreeMap<String, Seat>;

/// Who is in which room.
pub struct Presence {
    tell: Tell,
    rooms: Mutex<HashMap<RoomId, Seats>>,
    /// One guard a person and room, until the moment beside it.
    lingering: Mutex<HashMap<(RoomId, String), (Instant, PresenceGuard)>>,
}

impl Presence {
    /// `tell` is called for every change.
    pub fn new(tell: impl Fn(&RoomId, &User, Change) + Send + Sync + 'static) -> Self {
        Self { tell: Box::new(tell), rooms: Mutex::default(), lingering: Mutex::default() }
    }

    /// Lets somebody in until the guard is dropped.
    pub fn enter(self: &Arc<Self>, room: &RoomId, user: &User) -> PresenceGuard {
        let mut rooms = self.lock();
        let seats = rooms.entry(room.clone()).or_default();
        let seat = seats.entry(user.id.clone()).or_insert_with(|| Seat {
            user: user.clone(),
            connections: 0,
            typed: None,
        });
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

    /// Notes a sign of typing. `None`: the person is not in the room. `Some(false)`: it came too soon to be told.
    pub fn note_typing(&self, room: &RoomId, user_id: &str) -> Option<bool> {
        let mut rooms = self.lock();
        let seat = rooms.get_mut(room)?.get_mut(user_id)?;
        let now = now_ms();
        // A clock that was set back must not silence anybody: the distance counts, in either direction.
        let is_told = seat.typed.is_none_or(|at| (now - at).abs() >= TYPING_INTERVAL_MS);
        if is_told {
            seat.typed = Some(now);
        }
        Some(is_told)
    }

    /// Who has been typing in the last seconds, and when their last sign was told.
    pub fn typing(&self, room: &RoomId) -> Vec<(User, i64)> {
        let now = now_ms();
        let rooms = self.lock();
        let seats = rooms.get(room).into_iter().flat_map(BTreeMap::values);
        seats
            .filter_map(|seat| Some((seat.user.clone(), seat.typed?)))
            .filter(|(_, at)| (now - at).abs() < TYPING_LASTS_MS)
            .collect()
    }

    /// Keeps somebody in for a moment after their poll was answered. [`Presence::sweep`] ends it.
    pub fn linger(&self, guard: PresenceGuard) {
        let place = (guard.room.clone(), guard.user_id.clone());
        let earlier = self.lingering().insert(place, (Instant::now() + LINGER, guard));
        // Outside of the lock: a guard's end takes the other lock and tells the room.
        drop(earlier);
    }

    /// Lets those go who lingered long enough. To be called about every second.
    pub fn sweep(&self) {
        let now = Instant::now();
        let gone: Vec<_> = self.lingering().extract_if(|_, (until, _)| *until <= now).collect();
        drop(gone);
    }

    fn lingering(&self) -> MutexGuard<'_, HashMap<(RoomId, String), (Instant, PresenceGuard)>> {
        self.lingering.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn who_polls_stays_between_two_polls_and_goes_in_time() {
        let (presence, told) = presence();
        let room = RoomId::parse("general").expect("fine");
        for _ in 0..3 {
            presence.linger(presence.enter(&room, &user("1", "alice")));
            presence.sweep();
        }
        assert_eq!(presence.members(&room), [user("1", "alice")]);
        presence.lingering().values_mut().for_each(|(until, _)| *until = Instant::now());
        presence.sweep();
        assert!(presence.members(&room).is_empty());
        assert_eq!(told.lock().expect("whole").len(), 2, "one coming, one going");
    }

    #[test]
    fn signs_of_typing_are_told_once_in_a_while_and_only_of_who_is_there() {
        let (presence, _) = presence();
        let room = RoomId::parse("general").expect("fine");
        assert_eq!(presence.note_typing(&room, "1"), None);
        let _guard = presence.enter(&room, &user("1", "alice"));
        assert!(presence.typing(&room).is_empty());
        assert_eq!(presence.note_typing(&room, "1"), Some(true));
        assert_eq!(presence.note_typing(&room, "1"), Some(false));
        assert_eq!(presence.typing(&room).len(), 1);
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
