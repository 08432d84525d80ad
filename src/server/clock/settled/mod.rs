//! The settled time, as a pure rule over pairs of readings. [`Clock`](super::Clock) is the caller; nothing here may
//! read a clock.
//!
//! The difference between wall time and monotonic time changes only when somebody moves the wall clock (or the machine
//! slept). While it does not grow, the settled time is the wall time. When it grows, that is a leap: the settled time
//! goes on by monotonic time, until the wall comes back or has stood at its new time for the patience. A wall that goes
//! back is followed at once, because an entry that is judged too young is only kept longer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Most by which the wall may run ahead of monotonic time without being a leap, in milliseconds: more than the steps by
/// which a synchronized clock is corrected, and no more than trimming is exact to (`--trim-interval`).
const TOLERANCE_MS: i64 = 60_000;
/// Most by which the wall may be past the newest entry at the start, in milliseconds. A server that runs writes values
/// all the time, so this is how long it may have been off: a night. After a longer time trimming only waits for the
/// patience, while a wrong clock that was accepted would have erased everything.
const START_TOLERANCE_MS: i64 = 24 * 3_600_000;

/// Both clocks at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Wall time, in milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// Monotonic time, in milliseconds since any fixed moment.
    pub monotonic_ms: i64,
}

impl Reading {
    fn difference_ms(self) -> i64 {
        self.wall_ms.saturating_sub(self.monotonic_ms)
    }
}

/// A change of the wall clock, of which the operator is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClockEvent {
    /// The wall has jumped ahead of the settled time.
    Leapt {
        /// By so many milliseconds.
        ahead_ms: i64,
    },
    /// The wall is again where it was expected.
    CameBack,
    /// The wall has stood at its new time for the patience.
    Accepted,
}

/// The state of the rule: the accepted difference, and a leap that is not accepted yet.
#[derive(Debug)]
pub(super) struct SettledTime {
    patience_ms: i64,
    /// The accepted difference of wall and monotonic time.
    accepted_ms: i64,
    ahead: Option<Ahead>,
}

/// A wall time that is not accepted yet.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    /// Its difference to monotonic time.
    difference_ms: i64,
    /// The monotonic time since which it stands there.
    since_ms: i64,
}

/// A leap in times that mean something after a restart: both are of the moment at which it was noticed, in milliseconds
/// since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leap {
    /// The wall time.
    pub wall_ms: i64,
    /// The settled time.
    pub settled_ms: i64,
}

/// The state of the clock that was stored before a start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The settled time, at most a minute before the end.
    pub settled_ms: Option<i64>,
    /// The leap that was not accepted at the end.
    pub leap: Option<Leap>,
}

impl SettledTime {
    /// Accepts the first reading.
    pub(super) fn new(patience: Duration, first: Reading) -> Self {
        let patience_ms = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        Self { patience_ms, accepted_ms: first.difference_ms(), ahead: None }
    }

    /// Starts from the stored state or, without one, from the newest entry, instead of a wall that is far past it. A
    /// timestamp after the wall says nothing: the settled time is never ahead of the wall. Continues a stored leap as
    /// if the wall had stood there all the time, unless the wall is before it now. Returns the event of which the
    /// operator is told now; a new leap is reported at the next reading.
    pub(super) fn start_from(
        &mut self,
        now: Reading,
        newest_ms: Option<i64>,
        Remembered { settled_ms, leap }: Remembered,
    ) -> Option<ClockEvent> {
        let (behind, leap) = match leap {
            Some(leap) if now.wall_ms < leap.wall_ms => (Some(leap.settled_ms), None),
            leap => (None, leap),
        };
        // Timestamps from the leap are as much too late as the leap was.
        let excess_ms = leap.map_or(0, |leap| leap.wall_ms.saturating_sub(leap.settled_ms));
        let by_wall =
            settled_ms.or(behind).map(|settled_ms| settled_ms.saturating_add(excess_ms)).or(newest_ms);
        let reference_ms = by_wall.into_iter().chain(leap.map(|leap| leap.wall_ms)).max()?;
        let is_far = now.wall_ms.saturating_sub(reference_ms) > START_TOLERANCE_MS;
        let seen_ms = if is_far { reference_ms } else { now.wall_ms };
        self.accepted_ms = seen_ms.saturating_sub(excess_ms).saturating_sub(now.monotonic_ms);
        let leap = leap.filter(|_| !is_far)?;
        let since_ms = now.monotonic_ms.saturating_sub(now.wall_ms.saturating_sub(leap.wall_ms));
        self.ahead = Some(Ahead { difference_ms: now.difference_ms(), since_ms });
        Some(ClockEvent::Leapt { ahead_ms: excess_ms })
    }

    /// The leap that is not accepted yet.
    pub(super) fn leap(&self) -> Option<Leap> {
        self.ahead.map(|ahead| Leap {
            wall_ms: ahead.difference_ms.saturating_add(ahead.since_ms),
            settled_ms: self.accepted_ms.saturating_add(ahead.since_ms),
        })
    }

    /// The settled time in milliseconds, and the event since the last reading, if there is one.
    pub(super) fn read(&mut self, now: Reading) -> (i64, Option<ClockEvent>) {
        let difference_ms = now.difference_ms();
        let ahead_ms = difference_ms.saturating_sub(self.accepted_ms);
        if ahead_ms <= TOLERANCE_MS {
            self.accepted_ms = self.accepted_ms.min(difference_ms);
            return (now.wall_ms, self.ahead.take().map(|_| ClockEvent::CameBack));
        }
        let settled_ms = self.accepted_ms.saturating_add(now.monotonic_ms);
        let is_same = |ahead: &Ahead| ahead.difference_ms.abs_diff(difference_ms) <= TOLERANCE_MS as u64;
        let Some(ahead) = self.ahead.filter(is_same) else {
            self.ahead = Some(Ahead { difference_ms, since_ms: now.monotonic_ms });
            return (settled_ms, Some(ClockEvent::Leapt { ahead_ms }));
        };
        if now.monotonic_ms.saturating_sub(ahead.since_ms) < self.patience_ms {
            return (settled_ms, None);
        }
        (self.accepted_ms, self.ahead) = (difference_ms, None);
        (now.wall_ms, Some(ClockEvent::Accepted))
    }
}

#[cfg(test)]
mod tests;
