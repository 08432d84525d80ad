//! Being in a room as a value: dropping it is leaving. For who polls, leaving after a moment.
//!
//! [`Presence`] makes them and the connections hold them.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

use super::Presence;
use crate::protocol::name::RoomId;

/// How long somebody whose poll was answered has to send the next one before they have left.
const LINGER: Duration = Duration::from_secs(10);

/// One connection's being in one room.
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

/// A polling person's being in one room.
#[must_use = "dropping the guard is leaving, after a moment"]
pub struct PollGuard(pub(super) Option<PresenceGuard>);

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
            presence.lingering.keep(guard);
        }
    }
}

/// Those who have no connection between two polls: one guard a person and room, until the moment beside it.
#[derive(Default)]
pub(super) struct Lingering(Mutex<HashMap<(RoomId, String), (Instant, PresenceGuard)>>);

impl Lingering {
    /// [`Lingering::sweep`] ends it.
    fn keep(&self, guard: PresenceGuard) {
        let place = (guard.room.clone(), guard.user_id.clone());
        let earlier = self.lock().insert(place, (Instant::now() + LINGER, guard));
        // Outside of the lock: a guard's end takes the other lock and tells the room.
        drop(earlier);
    }

    /// Lets those go whose time is over.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let gone: Vec<_> = self.lock().extract_if(|_, (until, _)| *until <= now).collect();
        drop(gone);
    }

    /// Lets all go.
    pub(super) fn clear(&self) {
        let gone = std::mem::take(&mut *self.lock());
        drop(gone);
    }

    /// Makes it everybody's time.
    #[cfg(test)]
    pub(super) fn expire(&self) {
        self.lock().values_mut().for_each(|(until, _)| *until = Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(RoomId, String), (Instant, PresenceGuard)>> {
        self.0.lock()
    }
}
