//! Guards: values that hold a user in a room. Dropping one leaves the room: at once for a connection, after a while for
//! a poll.
//!
//! [`Presence`] makes them and the connections hold them. No lock of this file may be held while a guard is dropped.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

use super::Presence;
use crate::protocol::name::RoomId;

/// The time that a user has after the answer to a poll to send the next one, before they leave the room.
const LINGER: Duration = Duration::from_secs(10);

/// The presence of one connection in one room.
#[must_use = "dropping the guard is leaving"]
pub struct PresenceGuard {
    pub(super) presence: Arc<Presence>,
    pub(super) room: RoomId,
    pub(super) user_id: String,
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.presence.leave(&self.room, &self.user_id);
    }
}

/// The presence of a polling user in one room, which lasts for a while after the guard is dropped: for the next poll.
#[must_use = "dropping the guard is leaving, after a moment"]
pub struct PollGuard(pub(super) Option<PresenceGuard>);

impl PollGuard {
    /// Leaves the room at once.
    pub fn leave(mut self) {
        drop(self.0.take());
    }
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        if let Some(guard) = self.0.take() {
            let presence = guard.presence.clone();
            presence.lingering.keep(guard);
        }
    }
}

/// The users between two polls, who have no connection: one guard for each user and room, and when it expires.
#[derive(Default)]
pub(super) struct Lingering(Mutex<HashMap<(RoomId, String), (Instant, PresenceGuard)>>);

impl Lingering {
    /// Keeps a guard until [`Lingering::sweep`] finds it expired.
    fn keep(&self, guard: PresenceGuard) {
        let key = (guard.room.clone(), guard.user_id.clone());
        let earlier = self.lock().insert(key, (Instant::now() + LINGER, guard));
        // Outside of the lock: dropping a guard takes the lock of the state and notifies the room's readers.
        drop(earlier);
    }

    /// Drops the guards that have expired.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let expired: Vec<_> = self.lock().extract_if(|_, (expires, _)| *expires <= now).collect();
        drop(expired);
    }

    /// Drops all guards.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.lock());
        drop(all);
    }

    /// Makes all guards expire now.
    #[cfg(test)]
    pub(super) fn expire(&self) {
        self.lock().values_mut().for_each(|(expires, _)| *expires = Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(RoomId, String), (Instant, PresenceGuard)>> {
        self.0.lock()
    }
}
