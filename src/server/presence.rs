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

/// A room with somebody in it.
#[derive(Default)]
struct Seats {
    /// By their ids, so that lists are in a stable order.
    people: BTreeMap<String, Seat>,
    /// Changes with everything that a reader of this room could see change.
    version: u64,
}

/// What is guarded by one lock.
#[derive(Default)]
struct Rooms {
    seats: HashMap<RoomId, Seats>,
    /// The last version that was given out, to any room: none comes twice.
    last_version: u64,
}

impl Rooms {
    fn change(&mut self, room: &RoomId) {
        self.last_version += 1;
        if let Some(seats) = self.seats.get_mut(room) {
            seats.version = self.last_version;
        }
    }
}

/// Who is in which room.
pub struct Presence {
    tell: Tell,
    /// Tells the versions of this process from those of the one before.
    process: u64,
    rooms: Mutex<Rooms>,
    /// One guard a person and room, until the moment beside it.
    lingering: Mutex<HashMap<(RoomId, String), (Instant, PresenceGuard)>>,
}

impl Presence {
    /// `tell` is called for every change.
    pub fn new(tell: impl Fn(&RoomId, &User, Change) + Send + Sync + 'static) -> Self {
        let process = getrandom::u64().unwrap_or(0);
        Self { tell: Box::new(tell), process, rooms: Mutex::default(), lingering: Mutex::default() }
    }

    /// Lets somebody in until the guard is dropped.
    pub fn enter(self: &Arc<Self>, room: &RoomId, user: &User) -> PresenceGuard {
        let mut rooms = self.lock();
        let people = &mut rooms.seats.entry(room.clone()).or_default().people;
        let seat = people.entry(user.id.clone()).or_insert_with(|| Seat {
            user: user.clone(),
            connections: 0,
            typed: None,
        });
        let renamed = seat.user.name != user.name;
        seat.user.name.clone_from(&user.name);
        seat.connections += 1;
        if seat.connections == 1 || renamed {
            rooms.change(room);
            (self.tell)(room, user, Change::Joined);
        }
        PresenceGuard { presence: self.clone(), room: room.clone(), user_id: user.id.clone() }
    }

    /// The one person of this name in any room.
    pub fn find(&self, name: &str) -> Option<User> {
        let rooms = self.lock();
        let people = rooms.seats.values().flat_map(|seats| seats.people.values());
        let mut found = people.map(|seat| &seat.user).filter(|user| user.name == name);
        let first = found.next()?;
        found.all(|other| other.id == first.id).then(|| first.clone())
    }

    /// Everybody in the room.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        let rooms = self.lock();
        let people = rooms.seats.get(room).into_iter().flat_map(|seats| seats.people.values());
        people.map(|seat| seat.user.clone()).collect()
    }

    /// Names the state of a room: who is there and who was told to be typing. Cheap.
    pub fn version(&self, room: &RoomId) -> String {
        let version = self.lock().seats.get(room).map_or(0, |seats| seats.version);
        format!("{:x}-{version}", self.process)
    }

    /// Notes a sign of typing. `None`: the person is not in the room. `Some(false)`: it came too soon to be told.
    pub fn note_typing(&self, room: &RoomId, user_id: &str) -> Option<bool> {
        let mut rooms = self.lock();
        let seat = rooms.seats.get_mut(room)?.people.get_mut(user_id)?;
        let now = now_ms();
        // A clock that was set back must not silence anybody: the distance counts, in either direction.
        let is_told = seat.typed.is_none_or(|at| (now - at).abs() >= TYPING_INTERVAL_MS);
        if is_told {
            seat.typed = Some(now);
            rooms.change(room);
        }
        Some(is_told)
    }

    /// Who has been typing in the last seconds.
    pub fn typing(&self, room: &RoomId) -> Vec<User> {
        let now = now_ms();
        let rooms = self.lock();
        let people = rooms.seats.get(room).into_iter().flat_map(|seats| seats.people.values());
        let is_typing = |seat: &&Seat| seat.typed.is_some_and(|at| (now - at).abs() < TYPING_LASTS_MS);
        people.filter(is_typing).map(|seat| seat.user.clone()).collect()
    }

    /// Lets somebody in who polls: when the guard is dropped they stay for a moment, for their next poll.
    pub fn enter_for_poll(self: &Arc<Self>, room: &RoomId, user: &User) -> PollGuard {
        PollGuard(Some(self.enter(room, user)))
    }

    /// [`Presence::sweep`] ends it.
    fn linger(&self, guard: PresenceGuard) {
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

    /// Lets all go who linger: the server ends.
    pub fn clear(&self) {
        let gone = std::mem::take(&mut *self.lingering());
        drop(gone);
    }

    fn lingering(&self) -> MutexGuard<'_, HashMap<(RoomId, String), (Instant, PresenceGuard)>> {
        self.lingering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, room: &RoomId, user_id: &str) {
        let mut rooms = self.lock();
        let Some(seats) = rooms.seats.get_mut(room) else { return };
        let Some(seat) = seats.people.get_mut(user_id) else { return };
        seat.connections -= 1;
        if seat.connections > 0 {
            return;
        }
        let gone = seats.people.remove(user_id);
        if seats.people.is_empty() {
            rooms.seats.remove(room);
        }
        rooms.change(room);
        if let Some(seat) = gone {
            (self.tell)(room, &seat.user, Change::Left);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rooms> {
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

/// A polling person's being in one room.
#[must_use = "dropping the guard is leaving, after a moment"]
pub struct PollGuard(Option<PresenceGuard>);

impl PollGuard {
    /// Leaves at once.
    pub fn leave(mut self) {
        drop(self.0.take());
    }
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        if let Some(guard) = self.0.take() {
            let presence = guard.presence.clone();
            presence.linger(guard);
        }
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
            drop(presence.enter_for_poll(&room, &user("1", "alice")));
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
        assert_eq!(presence.typing(&room), [user("1", "alice")]);
    }

    #[test]
    fn every_change_of_a_room_has_a_version_of_its_own() {
        let (presence, _) = presence();
        let room = RoomId::parse("general").expect("fine");
        let mut versions = vec![presence.version(&room)];
        let guard = presence.enter(&room, &user("1", "alice"));
        versions.push(presence.version(&room));
        presence.note_typing(&room, "1");
        versions.push(presence.version(&room));
        drop(guard);
        assert_eq!(presence.version(&room), versions[0], "nobody is nobody");
        let _guard = presence.enter(&room, &user("1", "alice"));
        versions.push(presence.version(&room));
        let mut distinct = versions.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), versions.len(), "{versions:?}");
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
