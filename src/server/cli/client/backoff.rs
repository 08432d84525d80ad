//! The waits between attempts to reach a server: each twice as long as the one before, up to a bound, and spread by
//! chance so that the clients of a server that was away do not come back together. It never sleeps by itself.

use std::time::Duration;

/// The first wait: a restart of the server is noticed at once.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait: a server that is back is found within it.
const LONGEST: Duration = Duration::from_secs(10);

/// The waits of one thing that is tried again.
#[derive(Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Forgets the failures: something succeeded.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure, at least as long as the server asks for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let whole = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = u64::try_from(whole.as_millis() / 2).expect("it is bounded");
        let spread = Duration::from_millis(half + getrandom::u64().unwrap_or(0) % (half + 1));
        asked.map_or(spread, |asked| asked.max(spread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        for whole_ms in [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            let wait = backoff.next(None).as_millis();
            assert!((whole_ms / 2..=whole_ms).contains(&wait), "{wait} of {whole_ms}");
        }
        assert_eq!(backoff.next(Some(Duration::from_secs(60))), Duration::from_secs(60));
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }
}
