//! Whether a store can be written to, as far as its latest writes say. Both stores note here what became of a write,
//! and ask here what their check has to try. It writes nothing itself, and tells the log of changes only.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

/// How long a write proves that the next one can be done: as long as an answer of `/readyz` is good for.
const PROOF_AGE: Duration = Duration::from_secs(1);

/// How much the probe of a store writes that was failing, in bytes: more than a post takes, because a small write may
/// find a last place where a post does not.
pub(super) const LARGE_PROBE_BYTES: usize = 64 * 1024;

/// What a check has to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing: something was just written.
    Nothing,
    /// The least that reaches the disk: nothing was written for a while.
    Small,
    /// As much as [`LARGE_PROBE_BYTES`]: the last write failed.
    Large,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_failing: bool,
    written_at: Option<Instant>,
}

impl Health {
    /// Something reached the disk.
    pub(super) fn succeeded(&self) {
        let mut state = self.lock();
        state.written_at = Some(Instant::now());
        if std::mem::take(&mut state.is_failing) {
            drop(state);
            tracing::warn!("the history can be written to again");
        }
    }

    /// A write failed, and not by the fault of who asked for it.
    pub(super) fn failed(&self, cause: &dyn Display) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.is_failing, true) {
            drop(state);
            tracing::error!(
                %cause,
                "the history cannot be written to: posts are refused, what is there is read, and it goes on by itself \
                 when the cause is gone"
            );
        }
    }

    /// What would show now whether it can be written to.
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
