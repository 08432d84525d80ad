//! A cache of the rooms that were seen in the store, found by their id in whatever form it is written. It saves the
//! chat a query at every post. An id is never given again, so entries never expire;
//! the rights know what was removed.

use std::collections::{HashMap, HashSet};

use parking_lot::{Mutex, MutexGuard};

use super::room_id::id_key;
use crate::protocol::{chat::Room, name::RoomId};

/// The rooms that were seen in the store.
#[derive(Default)]
pub(super) struct KnownRooms(Mutex<Known>);

#[derive(Default)]
struct Known {
    ids: HashSet<RoomId>,
    /// By [`id_key`]. Only old rooms share a key; then it is the first of them.
    by_key: HashMap<String, RoomId>,
}

impl KnownRooms {
    /// The known room with exactly this id, or else with this id in another form.
    pub(super) fn find(&self, id: &RoomId) -> Option<RoomId> {
        let known = self.lock();
        let exact = known.ids.contains(id).then(|| id.clone());
        exact.or_else(|| known.by_key.get(&id_key(id.as_str())).cloned())
    }

    /// Returns true if all of these rooms are known.
    pub(super) fn has_all(&self, rooms: &[Room]) -> bool {
        let known = self.lock();
        rooms.iter().all(|room| known.ids.contains(&room.id))
    }

    /// Adds rooms.
    pub(super) fn note(&self, rooms: &[Room]) {
        let mut known = self.lock();
        for Room { id, .. } in rooms {
            known.ids.insert(id.clone());
            known.by_key.entry(id_key(id.as_str())).or_insert_with(|| id.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }
}
