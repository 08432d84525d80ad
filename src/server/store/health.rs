//! Health of a store's writes. Both stores record here whether a write succeeded, and ask here how much their readiness
//! check has to write. This module writes nothing itself, and logs only when the state changes.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

/// Age up to which a successful write proves that the store is writable; equal to how long an answer of `/readyz` is
/// reused.
const PROOF_AGE: Duration = Duration::from_secs(1);

/// Bytes that the probe of a failing store writes. More than a post takes, because a small write may still find the
/// last free space where a post does not.
pub(super) const LARGE_PROBE_BYTES: usize = 64 * 1024;

/// The write that a readiness check has to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing: a write succeeded just now.
    Nothing,
    /// The smallest write that reaches the disk: nothing was written for a while.
    Small,
    /// [`LARGE_PROBE_BYTES`]: the last write failed.
    Large,
}

/// The outcome of a store's latest writes.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_failing: bool,
    written_at: Option<Instant>,
}

impl Health {
    /// Records that a write reached the disk. Returns true if the write before it failed.
    pub(super) fn succeeded(&self) -> bool {
        let mut state = self.lock();
        state.written_at = Some(Instant::now());
        let is_recovered = std::mem::take(&mut state.is_failing);
        drop(state);
        if is_recovered {
            tracing::warn!("the store accepts writes again");
        }
        is_recovered
    }

    /// Records that a write failed, and not because of its content.
    pub(super) fn failed(&self, cause: &dyn Display) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.is_failing, true) {
            drop(state);
            tracing::error!(
                %cause,
                "the store rejects writes: posts are rejected, reads continue, and posts resume by themselves \
                 when the cause is gone"
            );
        }
    }

    /// The write that would show now whether the store is writable.
    pub(super) fn due(&self) -> Due {
        let state = self.lock();
        match state.written_at {
            _ if state.is_failing => Due::Large,
            Some(at) if at.elapsed() < PROOF_AGE => Due::Nothing,
            _ => Due::Small,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_over_only_when_something_was_written() {
        let health = Health::default();
        assert_eq!(health.due(), Due::Small);
        health.succeeded();
        assert_eq!(health.due(), Due::Nothing);
        health.failed(&"full");
        assert_eq!(health.due(), Due::Large);
        health.succeeded();
        assert_eq!(health.due(), Due::Nothing);
    }
}
