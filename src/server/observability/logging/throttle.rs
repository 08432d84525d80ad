//! The throttle of warnings and errors that repeat. Of the events of one callsite it passes the first at once, and of
//! those that follow within a minute the newest, at the minute's end, with the number of those left out. `output` asks
//! about each line, `worker` fetches those that are due. It holds one line per callsite, of which the program has some
//! fifty, and must never hold back a line of another level.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value};
use tracing::callsite::Identifier;

use super::Counts;
use crate::server::config::LogFormat;

/// Least time between two lines of one callsite.
const INTERVAL: Duration = Duration::from_secs(60);

/// The events of the last minute.
pub(super) struct Throttle {
    format: LogFormat,
    counts: &'static Counts,
    callsites: Mutex<HashMap<Identifier, Repeats>>,
}

struct Repeats {
    /// The time at which the next line may be written.
    due: Instant,
    /// Events since the last line.
    held: u64,
    /// The newest of those.
    newest: Vec<u8>,
}

impl Throttle {
    pub(super) fn new(format: LogFormat, counts: &'static Counts) -> Self {
        Self { format, counts, callsites: Mutex::default() }
    }

    /// Returns true if the line is to be written now. Else it is kept until it is due or a newer one replaces it.
    pub(super) fn passes(&self, callsite: Identifier, line: &[u8], now: Instant) -> bool {
        let mut callsites = self.lock();
        match callsites.get_mut(&callsite) {
            Some(repeats) if repeats.held > 0 || now < repeats.due => {
                if repeats.held > 0 {
                    self.counts.count_suppressed();
                }
                repeats.held += 1;
                repeats.newest.clear();
                repeats.newest.extend_from_slice(line);
                false
            }
            _ => {
                callsites.insert(callsite, Repeats { due: now + INTERVAL, held: 0, newest: Vec::new() });
                true
            }
        }
    }

    /// The lines that are due. Callsites that are quiet are forgotten.
    pub(super) fn due(&self, now: Instant) -> Vec<Vec<u8>> {
        self.take(|repeats| repeats.due <= now, now)
    }

    /// All lines that are held, at the end of the program.
    pub(super) fn rest(&self, now: Instant) -> Vec<Vec<u8>> {
        self.take(|_| true, now)
    }

    fn take(&self, is_due: impl Fn(&Repeats) -> bool, now: Instant) -> Vec<Vec<u8>> {
        let (mut callsites, mut lines) = (self.lock(), Vec::new());
        callsites.retain(|_, repeats| {
            if !is_due(repeats) {
                return true;
            }
            if repeats.held == 0 {
                return false;
            }
            lines.push(with_suppressed(&repeats.newest, repeats.held - 1, self.format));
            *repeats = Repeats { due: now + INTERVAL, held: 0, newest: Vec::new() };
            true
        });
        lines
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identifier, Repeats>> {
        self.callsites.lock()
    }
}

/// The line, with the number of those left out.
fn with_suppressed(line: &[u8], suppressed: u64, format: LogFormat) -> Vec<u8> {
    if suppressed == 0 {
        return line.to_vec();
    }
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    match format {
        LogFormat::Text => [text, format!(" suppressed={suppressed}\n").as_bytes()].concat(),
        LogFormat::Json => {
            let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(text) else {
                return line.to_vec();
            };
            members.insert("suppressed".to_owned(), suppressed.into());
            [Value::from(members).to_string().as_bytes(), b"\n"].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use tracing::Callsite;

    use super::*;

    // With a size, so that each has an address of its own, by which callsites are told apart.
    struct FakeCallsite(#[expect(dead_code, reason = "only its size counts")] u8);
    static CALLSITES: [FakeCallsite; 2] = [FakeCallsite(0), FakeCallsite(1)];

    impl Callsite for FakeCallsite {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}

        fn metadata(&self) -> &tracing::Metadata<'_> {
            unreachable!("nobody asks")
        }
    }

    fn throttle(format: LogFormat) -> (Throttle, &'static Counts) {
        let counts: &'static Counts = Box::leak(Box::default());
        (Throttle::new(format, counts), counts)
    }

    fn callsite(n: usize) -> Identifier {
        Identifier(&CALLSITES[n])
    }

    #[test]
    fn the_first_is_written_at_once_and_the_newest_after_a_minute() {
        let (throttle, counts) = throttle(LogFormat::Text);
        let start = Instant::now();
        assert!(throttle.passes(callsite(0), b"1\n", start));
        for line in [b"2\n", b"3\n", b"4\n"] {
            assert!(!throttle.passes(callsite(0), line, start));
        }
        assert_eq!(counts.suppressed.load(Relaxed), 2, "the newest is still to come");
        assert!(throttle.due(start + INTERVAL / 2).is_empty());
        assert_eq!(throttle.due(start + INTERVAL), [b"4 suppressed=2\n"]);
        assert!(!throttle.passes(callsite(0), b"5\n", start + INTERVAL), "one line a minute");
        assert_eq!(throttle.due(start + INTERVAL * 2), [b"5\n"], "nothing was left out");
        assert!(throttle.due(start + INTERVAL * 3).is_empty());
        assert!(throttle.passes(callsite(0), b"6\n", start + INTERVAL * 3), "it had been quiet for a minute");
    }

    #[test]
    fn a_callsite_is_not_held_back_by_another_one() {
        let (throttle, _) = throttle(LogFormat::Text);
        let start = Instant::now();
        assert!(throttle.passes(callsite(0), b"1\n", start));
        assert!(throttle.passes(callsite(1), b"1\n", start));
    }

    #[test]
    fn json_stays_json_and_the_end_tells_the_rest() {
        let (throttle, _) = throttle(LogFormat::Json);
        let start = Instant::now();
        for line in [b"{\"n\":1}\n", b"{\"n\":2}\n", b"{\"n\":3}\n"] {
            throttle.passes(callsite(0), line, start);
        }
        let rest = throttle.rest(start);
        assert_eq!(rest, [b"{\"n\":3,\"suppressed\":1}\n"]);
        serde_json::from_slice::<serde_json::Value>(&rest[0]).expect("JSON");
        assert!(throttle.rest(start).is_empty());
    }
}
