//! The typing indicators of one room: how often a user may renew one, and how long it lasts. Pure; the roster's room
//! owns them, and the caller passes the time.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The shortest time between two indicators of one user in a room on this node. Those that come sooner are dropped.
const INTERVAL: Duration = Duration::from_secs(1);
/// The time for which a user counts as typing after the last indicator.
const LIFETIME: Duration = Duration::from_secs(4);

/// The last indicator of one user.
pub(super) struct TypingIndicator {
    /// The time in the announcement, in milliseconds since the Unix epoch. It names the indicator on every node; the
    /// lifetime counts from the arrival here, so that the clocks of the nodes may differ.
    pub(super) at: i64,
    expires: Instant,
    /// The time of the last one that the user sent to this node.
    last_local: Option<Instant>,
}

/// The typing indicators of a room, by user id.
#[derive(Default)]
pub(super) struct TypingIndicators(BTreeMap<String, TypingIndicator>);

impl TypingIndicators {
    /// Records an indicator that the user sent to this node, and returns the time to announce; `None`: it came too
    /// soon after the last one.
    pub(super) fn record_local(&mut self, user_id: &str, now_ms: i64, now: Instant) -> Option<i64> {
        let known = self.0.get(user_id);
        let last = known.and_then(|typing| typing.last_local);
        if last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            return None;
        }
        // The clock of another node may be ahead: this indicator is newer than the known one all the same.
        let at = known.map_or(now_ms, |known| now_ms.max(known.at.saturating_add(1)));
        self.set(user_id, TypingIndicator { at, expires: now + LIFETIME, last_local: Some(now) }, now);
        Some(at)
    }

    /// Records an indicator that another node announced; `None`: it is known already, or older than the known one.
    pub(super) fn record_remote(&mut self, user_id: &str, at: i64, now: Instant) -> Option<()> {
        let known = self.0.get(user_id);
        if known.is_some_and(|known| known.expires > now && known.at >= at) {
            return None;
        }
        let last_local = known.and_then(|typing| typing.last_local);
        self.set(user_id, TypingIndicator { at, expires: now + LIFETIME, last_local }, now);
        Some(())
    }

    fn set(&mut self, user_id: &str, typing: TypingIndicator, now: Instant) {
        self.0.retain(|_, other| other.expires > now);
        self.0.insert(user_id.to_owned(), typing);
    }

    /// Removes the indicator of a user who left the room.
    pub(super) fn forget(&mut self, user_id: &str) {
        self.0.remove(user_id);
    }

    /// The indicators that have not expired.
    pub(super) fn active(&self, now: Instant) -> impl Iterator<Item = (&str, &TypingIndicator)> {
        self.0
            .iter()
            .filter(move |(_, typing)| typing.expires > now)
            .map(|(id, typing)| (id.as_str(), typing))
    }
}
