//! The signs of typing in one room: when they may be told, and how long they last. Pure, as the room that keeps them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Of one person's signs of typing in a room, those that come faster to this node are dropped.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long after the last sign of it somebody counts as typing.
const LASTS: Duration = Duration::from_secs(4);

/// The last sign of one person.
pub(super) struct Sign {
    /// The time that was told of it, in milliseconds since the Unix epoch: names it on every node. How long it lasts is
    /// measured from when it came here, so that nodes need not have the same time.
    pub(super) at: i64,
    until: Instant,
    /// When the last one was given at this node.
    given: Option<Instant>,
}

/// See the module. By the ids of those who gave them.
#[derive(Default)]
pub(super) struct TypingIndicators(BTreeMap<String, Sign>);

impl TypingIndicators {
    /// Takes a sign that was given at this node, and returns the time to tell; `None`: it came too soon to be told.
    pub(super) fn give(&mut self, user_id: &str, now_ms: i64, now: Instant) -> Option<i64> {
        let known = self.0.get(user_id);
        let given = known.and_then(|sign| sign.given);
        if given.is_some_and(|given| now.duration_since(given) < INTERVAL) {
            return None;
        }
        // Another node's clock may be ahead: this sign is later than that one all the same.
        let at = known.map_or(now_ms, |known| now_ms.max(known.at.saturating_add(1)));
        self.set(user_id, Sign { at, until: now + LASTS, given: Some(now) }, now);
        Some(at)
    }

    /// Takes a sign that another node told; `None`: it is known already, or is older than what is known.
    pub(super) fn hear(&mut self, user_id: &str, at: i64, now: Instant) -> Option<()> {
        let known = self.0.get(user_id);
        if known.is_some_and(|known| known.until > now && known.at >= at) {
            return None;
        }
        let given = known.and_then(|sign| sign.given);
        self.set(user_id, Sign { at, until: now + LASTS, given }, now);
        Some(())
    }

    fn set(&mut self, user_id: &str, sign: Sign, now: Instant) {
        self.0.retain(|_, other| other.until > now);
        self.0.insert(user_id.to_owned(), sign);
    }

    /// Forgets who is not in any more.
    pub(super) fn forget(&mut self, user_id: &str) {
        self.0.remove(user_id);
    }

    /// Those that still count.
    pub(super) fn lasting(&self, now: Instant) -> impl Iterator<Item = (&str, &Sign)> {
        self.0.iter().filter(move |(_, sign)| sign.until > now).map(|(id, sign)| (id.as_str(), sign))
    }
}
