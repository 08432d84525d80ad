//! The watch over heartbeats, on the node that holds the lease: takes down those whose ping stays away, and tells what another
//! node stored and could not tell. `server` runs it.
//!
//! It notes until when it watched. After a time in which no node could be pinged, those whose ping may have been lost are
//! excused, so that our own downtime raises no alarm. A time in which no look succeeded is such a time, too: a store that
//! refuses the watch refuses pings.

use std::{collections::HashSet, mem, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Heartbeat, Heartbeats};
use crate::server::{
    clock::Clock,
    error::Error,
    store::{
        StoreError,
        directory::{Kind, Mutation, Precondition},
    },
};

/// The id of the document with the time until which it was watched.
const ID: &str = "watched";
/// Longest time between two looks: one that another node made is found after it.
const LOOKS_EVERY: Duration = Duration::from_secs(2);
/// Time between two notes of the time. What happened since the last one may have been missed.
const NOTED_EVERY: Duration = Duration::from_secs(30);

/// A clock that moves by so much more than the time that passed has jumped, or the machine slept.
const JUMP_MS: i64 = 10_000;
/// A look, or a step of one, that is so much later than it should have been was not waited for: the process or its machine
/// stood still, or the store did, and took no ping. A busy machine is not as late.
const LATE: Duration = Duration::from_secs(2);

/// Time until a look is begun again that found a ping lost while it went on. A store that refuses all is not asked all the time.
const AGAIN: Duration = Duration::from_millis(100);

/// The stored document, in milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct Watched {
    until: i64,
}

/// The watch's own time. Milliseconds since the Unix epoch, but for `passed`.
struct Time {
    /// The time at which this node began to watch: it was there to be pinged from then on.
    started_at: i64,
    /// The last look that succeeded.
    looked: Option<Look>,
    /// A look since then did not: the store refused it, or it stood still in its middle.
    failed: bool,
    /// The instant at which this node last stored [`Watched`].
    noted_at: Option<Instant>,
}

/// A look: the wall clock, the time that had passed since some moment, and when the next look is to be at the latest.
#[derive(Clone, Copy)]
struct Look {
    at: i64,
    passed: i64,
    next_by: Instant,
}

impl Look {
    /// A look at this moment, which is not waited for.
    fn now(clock: &Clock) -> Self {
        Self { at: clock.wall_ms(), passed: clock.monotonic_ms(), next_by: Instant::now() }
    }

    /// The time of this look, if pings may have been lost between it and `next`: the clock has jumped, the machine slept, this
    /// process stood still, or no look succeeded.
    fn lost_until(self, next: Self) -> Option<i64> {
        let jump = (next.at - self.at) - (next.passed - self.passed);
        let late = next.next_by.saturating_duration_since(self.next_by);
        (jump > JUMP_MS || late > LATE).then_some(self.at)
    }
}

impl Time {
    /// The time from which pings may have been lost until this look.
    fn lost_until(&self, next: Look) -> Option<i64> {
        let looked = self.looked?;
        if self.failed { Some(looked.at) } else { looked.lost_until(next) }
    }
}

impl Heartbeats {
    /// Watches until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut time = Time { started_at: self.clock.wall_ms(), looked: None, failed: false, noted_at: None };
        while !stop.is_cancelled() {
            let wait = self.look(&mut time).await.unwrap_or_else(|error| {
                time.failed = true;
                tracing::warn!(%error, "cannot watch heartbeats; retrying");
                LOOKS_EVERY
            });
            let wait = async {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep(wait) => {}
                }
            };
            stop.run_until_cancelled(wait).await;
        }
        let now = Look::now(&self.clock);
        let until = time.lost_until(now).unwrap_or(now.at);
        if time.noted_at.is_some()
            && let Err(error) = self.note_watched(until).await
        {
            tracing::debug!(%error, "cannot note until when heartbeats were watched");
        }
        self.lease.give_up().await;
    }

    /// Looks once. Returns the time until the next look.
    async fn look(&self, time: &mut Time) -> Result<Duration, Error> {
        if !self.lease.hold().await? {
            (time.looked, time.failed, time.noted_at) = (None, false, None);
            self.refused.lock().clear();
            return Ok(LOOKS_EVERY);
        }
        // Clocks are read before the store is asked: a freeze while it answers is found by the next step.
        let begun = Look::now(&self.clock);
        let mut heartbeats = self.list().await?;
        if heartbeats.is_empty() {
            (time.looked, time.failed) = (None, false);
            // The first one is made at this node, which wakes it, or at another.
            return Ok(if self.lease.is_shared() { LOOKS_EVERY } else { Duration::MAX });
        }
        if self.excuse(&heartbeats, time).await? {
            heartbeats = self.list().await?;
        }
        let (mut step, mut next) = (begun, None);
        for heartbeat in &heartbeats {
            let Some(now) = self.step_after(step) else { return Ok(begin_again(time)) };
            let deadline = match self.attend(heartbeat, now.at).await {
                // It is about this one alone: the others must not wait for it.
                Err(Error::Rejected(rejection)) => {
                    tracing::warn!(name = heartbeat.name, %rejection, "cannot tell of a heartbeat; retrying");
                    None
                }
                attended => attended?,
            };
            step = now;
            next = next.into_iter().chain(deadline).min();
        }
        let Some(ended) = self.step_after(step) else { return Ok(begin_again(time)) };
        if time.noted_at.is_none_or(|at| at.elapsed() >= NOTED_EVERY) {
            self.note_watched(ended.at).await?;
            time.noted_at = Some(Instant::now());
        }
        let until = next.map(|at| u64::try_from(at - ended.at).unwrap_or_default());
        let wait = until.map_or(LOOKS_EVERY, |ms| Duration::from_millis(ms + 1).min(LOOKS_EVERY));
        (time.looked, time.failed) = (Some(Look { next_by: ended.next_by + wait, ..ended }), false);
        Ok(wait)
    }

    /// The clocks now; `None`: a ping may have been lost since the last step, and nobody may be taken down before it is excused.
    fn step_after(&self, step: Look) -> Option<Look> {
        let now = Look::now(&self.clock);
        (step.lost_until(now).is_none() && self.refused.lock().is_empty()).then_some(now)
    }

    /// Takes one down if its ping stays away, and tells what was not told. Returns its deadline.
    ///
    /// `now` is the time when nothing was lost yet: a freeze in here takes nobody down.
    async fn attend(&self, heartbeat: &Heartbeat, now: i64) -> Result<Option<i64>, Error> {
        self.tell(heartbeat).await?;
        let deadline = heartbeat.deadline();
        if deadline.is_none_or(|at| at > now) {
            return Ok(deadline);
        }
        let is_overdue = |known: &Heartbeat| known.deadline().is_some_and(|at| at <= now);
        let change = |known: &Heartbeat| if is_overdue(known) { known.overdue(now) } else { known.clone() };
        self.change(&heartbeat.name, change).await?;
        Ok(None)
    }

    /// Excuses those whose ping may be among what was lost while nobody could ping, or in a time that only the clock passed, and
    /// those whose ping was refused. Returns true if there was any of it.
    async fn excuse(&self, heartbeats: &[Heartbeat], time: &Time) -> Result<bool, Error> {
        let gap = self.gap(time).await?;
        let refused = mem::take(&mut *self.refused.lock());
        if gap.is_none() && refused.is_empty() {
            return Ok(false);
        }
        let excused = self.excuse_all(heartbeats, gap, &refused).await;
        if excused.is_err() {
            self.note_refused(refused);
        }
        excused.map(|()| true)
    }

    async fn excuse_all(
        &self,
        heartbeats: &[Heartbeat],
        gap: Option<i64>,
        refused: &HashSet<String>,
    ) -> Result<(), Error> {
        let now = self.clock.wall_ms();
        let excused = |known: &Heartbeat| match refused.contains(&known.name) {
            true => known.refused(now),
            false => known.excused(gap?, now),
        };
        for heartbeat in heartbeats.iter().filter(|heartbeat| excused(heartbeat).is_some()) {
            tracing::info!(
                name = heartbeat.name,
                "a ping may have been lost while this server was down; waiting for the next one"
            );
            self.change(&heartbeat.name, |known| excused(known).unwrap_or_else(|| known.clone())).await?;
        }
        Ok(())
    }

    /// The beginning of a time until now in which no ping could come.
    async fn gap(&self, time: &Time) -> Result<Option<i64>, StoreError> {
        if time.looked.is_some() {
            return Ok(time.lost_until(Look::now(&self.clock)));
        }
        let watched = self.documents.read::<Watched>(Kind::HeartbeatWatch, ID).await?;
        // Whoever was there while another node did not watch could be pinged.
        Ok(watched.map(|watched| watched.until).filter(|until| *until < time.started_at))
    }

    async fn note_watched(&self, until: i64) -> Result<(), StoreError> {
        let put = Mutation::put(Kind::HeartbeatWatch, ID, Precondition::Anything, &Watched { until });
        self.documents.grant(vec![put]).await.map(drop)
    }
}

/// Ends a look that was not whole. Returns the time until the next one.
fn begin_again(time: &mut Time) -> Duration {
    time.failed = true;
    AGAIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_comes_late_or_after_a_jump_of_the_clock_has_lost_pings() {
        let next_by = Instant::now();
        let look = Look { at: 1_000_000, passed: 5_000, next_by };
        for (now, passed, late_ms, is_lost) in [
            (1_002_000, 7_000, 0, false),
            (1_003_900, 8_900, 1_900, false), // a busy machine
            (1_010_000, 15_000, 8_000, true), // it stood still
            (1_013_000, 7_000, 0, true),      // the clock went on alone
            (990_000, 7_000, 0, false),       // it was put back
        ] {
            let next = Look { at: now, passed, next_by: next_by + Duration::from_millis(late_ms) };
            assert_eq!(look.lost_until(next), is_lost.then_some(1_000_000), "{now} {late_ms}");
        }
    }

    #[test]
    fn a_freeze_or_a_failed_look_between_two_steps_has_lost_pings() {
        let begun = Instant::now();
        let step = |ms: i64| Look {
            at: 1_000_000 + ms,
            passed: ms,
            next_by: begun + Duration::from_millis(ms.unsigned_abs()),
        };
        let looked = step(0);
        assert_eq!(looked.lost_until(step(1_900)), None, "a slow store");
        assert_eq!(looked.lost_until(step(2_100)), Some(1_000_000), "nothing waits within a look");
        let mut time = Time { started_at: 0, looked: Some(looked), failed: false, noted_at: None };
        assert_eq!(time.lost_until(step(100)), None);
        begin_again(&mut time);
        assert_eq!(time.lost_until(step(100)), Some(1_000_000), "since the last look that was whole");
    }
}
