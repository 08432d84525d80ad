//! The server's time. Everything on the server that needs the time asks here.
//!
//! The *wall time* is what the system's clock says now: it dates what people read, and it may jump. The *settled time*
//! judges age: a jump forward does not move it until the new wall time has stood for a while (see [`settled`]), so a
//! wrong clock erases no history and ends no session. It is never ahead of the wall time. Order comes from offsets,
//! never from either.

mod settled;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};

pub use self::settled::{Leap, Reading, Remembered};
use self::settled::{SettledTime, Turn};

/// The start of 2026, when the program was begun. What is dated earlier was dated by a clock that had not been set yet,
/// such as that of a machine without a battery, and nobody knows its age.
pub(super) const EARLIEST_MS: i64 = 1_767_225_600_000;

/// The wall time in milliseconds since the Unix epoch.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// One server's time. See the module.
pub struct Clock {
    read: Box<dyn Fn() -> Reading + Send + Sync>,
    patience: Duration,
    settled: Mutex<SettledTime>,
}

impl Clock {
    /// The system's clocks. A new wall time is believed after it has stood for `patience`.
    pub fn system(patience: Duration) -> Self {
        let start = Instant::now();
        Self::new(patience, move || {
            let monotonic_ms = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
            Reading { wall_ms: now_ms(), monotonic_ms }
        })
    }

    /// Clocks that are read by `read`.
    pub fn new(patience: Duration, read: impl Fn() -> Reading + Send + Sync + 'static) -> Self {
        let settled = Mutex::new(SettledTime::new(patience, read()));
        Self { read: Box::new(read), patience, settled }
    }

    /// Takes the newest entry of the history, if there is one, as the reference for the start: a wall time that is far
    /// past it is a leap. So is one that was a leap when the server ended. Call it before the settled time is asked for.
    pub fn start_from(&self, newest_ms: Option<i64>, remembered: Remembered) {
        let turn = self.lock().start_from((self.read)(), newest_ms, remembered);
        if let Some(turn) = turn {
            self.report(turn);
        }
    }

    /// The leap that is not believed yet, if there is one.
    pub fn leap(&self) -> Option<Leap> {
        self.settled_ms();
        self.lock().leap()
    }

    /// What the system's clock says, in milliseconds since the Unix epoch: for dating, not for judging age.
    pub fn wall_ms(&self) -> i64 {
        (self.read)().wall_ms
    }

    /// The time by which age is judged, in milliseconds since the Unix epoch.
    pub fn settled_ms(&self) -> i64 {
        let (now_ms, turn) = self.lock().read((self.read)());
        if let Some(turn) = turn {
            self.report(turn);
        }
        now_ms
    }

    fn report(&self, turn: Turn) {
        match turn {
            Turn::Leapt { ahead_ms } => tracing::warn!(
                "the system's clock is {} ahead of the time that passed since the newest entry or the last reading: \
                 until it agrees again, or has stood there for {}, nothing is removed for its age and no session or \
                 link ends. If the clock is wrong, set it right; if it is right, wait, or restart with a shorter \
                 --clock-patience",
                in_words(ahead_ms),
                in_words(i64::try_from(self.patience.as_millis()).unwrap_or(i64::MAX)),
            ),
            Turn::CameBack => {
                tracing::warn!("the system's clock agrees again: age is judged by it as before")
            }
            Turn::Believed => tracing::warn!(
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
