//! The server's time. Every part of the server that needs the date or an age asks here.
//!
//! The *wall time* is what the system's clock says now: timestamps that people read have it, and it may jump. The
//! *settled time* is what ages are judged by: a jump forward does not move it until the new wall time has stood for a
//! while ([`settled`] has the rule), so a wrong clock erases no history and ends no session. It is never ahead of the
//! wall time. Order comes from offsets and must never come from either.

mod settled;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};

use self::settled::{ClockEvent, SettledTime};
pub use self::settled::{Leap, Reading, Remembered};

/// The start of 2026, when the program was begun, in milliseconds since the Unix epoch. An earlier timestamp comes from
/// a clock that had not been set yet, such as that of a machine without a battery; the age of its entry is unknown.
pub(super) const EARLIEST_MS: i64 = 1_767_225_600_000;

/// The wall time in milliseconds since the Unix epoch.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The wall time and the settled time of one server.
pub struct Clock {
    read: Box<dyn Fn() -> Reading + Send + Sync>,
    patience: Duration,
    settled: Mutex<SettledTime>,
}

impl Clock {
    /// A clock that reads the system's. It accepts a new wall time after that has stood for `patience`.
    pub fn system(patience: Duration) -> Self {
        let start = Instant::now();
        Self::new(patience, move || {
            let monotonic_ms = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
            Reading { wall_ms: now_ms(), monotonic_ms }
        })
    }

    /// A clock that reads wall and monotonic time by `read`.
    pub fn new(patience: Duration, read: impl Fn() -> Reading + Send + Sync + 'static) -> Self {
        let settled = Mutex::new(SettledTime::new(patience, read()));
        Self { read: Box::new(read), patience, settled }
    }

    /// Takes the timestamp of the newest entry, if there is one, as the reference at the start: a wall time that is far
    /// past it is a leap. So is one that was a leap when the server ended. Call it before the settled time is asked
    /// for.
    pub fn start_from(&self, newest_ms: Option<i64>, remembered: Remembered) {
        let event = self.lock().start_from((self.read)(), newest_ms, remembered);
        if let Some(event) = event {
            self.report(event);
        }
    }

    /// The leap that is not accepted yet, if there is one.
    pub fn leap(&self) -> Option<Leap> {
        self.settled_ms();
        self.lock().leap()
    }

    /// The wall time in milliseconds since the Unix epoch: for timestamps, not for judging age.
    pub fn wall_ms(&self) -> i64 {
        (self.read)().wall_ms
    }

    /// The time that has passed since some moment, in milliseconds: the clock may jump, this does not.
    pub fn monotonic_ms(&self) -> i64 {
        (self.read)().monotonic_ms
    }

    /// The settled time in milliseconds since the Unix epoch, by which age is judged.
    pub fn settled_ms(&self) -> i64 {
        let (now_ms, event) = self.lock().read((self.read)());
        if let Some(event) = event {
            self.report(event);
        }
        now_ms
    }

    fn report(&self, event: ClockEvent) {
        match event {
            ClockEvent::Leapt { ahead_ms } => tracing::warn!(
                "the system's clock is {} ahead of the time that passed since the newest entry or the last reading: \
                 until it agrees again, or has stood there for {}, nothing is removed for its age and no session or \
                 link ends. If the clock is wrong, set it right; if it is right, wait, or restart with a shorter \
                 --clock-patience",
                in_words(ahead_ms),
                in_words(i64::try_from(self.patience.as_millis()).unwrap_or(i64::MAX)),
            ),
            ClockEvent::CameBack => {
                tracing::warn!("the system's clock agrees again: age is judged by it as before")
            }
            ClockEvent::Accepted => tracing::warn!(
                "the system's clock has stood at its new time for {}: age is judged by it from now on",
                in_words(i64::try_from(self.patience.as_millis()).unwrap_or(i64::MAX)),
            ),
        }
    }

    fn lock(&self) -> MutexGuard<'_, SettledTime> {
        self.settled.lock()
    }
}

/// A length of time in its largest unit that is not below 2: `400 d`, `36 h`.
fn in_words(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min")];
    let unit = units.into_iter().find(|(unit, _)| ms >= 2 * unit);
    let (unit, name) = unit.unwrap_or((1_000, "s"));
    format!("{} {name}", ms / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_written_in_its_largest_unit() {
        let written = [400 * 86_400_000, 24 * 3_600_000, 90 * 60_000, 61_000].map(in_words);
        assert_eq!(written, ["400 d", "24 h", "90 min", "61 s"]);
    }
}
