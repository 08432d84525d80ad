//! The watch over heartbeats, on the node that holds the lease: takes down those whose ping stays away, and tells what another
//! node stored and could not tell. `server` runs it.
//!
//! It notes until when it watched. After a time in which no node could be pinged, those whose ping may have been lost are
//! excused, so that our own downtime raises no alarm.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Heartbeat, Heartbeats};
use crate::server::{
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
/// A look that is so much later than it should have been was not waited for: the process or its machine stood still, and took no
/// ping. A busy machine is not as late.
const LATE: Duration = Duration::from_secs(2);

/// The stored document, in milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct Watched {
    until: i64,
}

/// The watch's own time. Milliseconds since the Unix epoch, but for `passed`.
struct Time {
    /// When this node began to watch: it was there to be pinged from then on.
    started_at: i64,
    /// The last look.
    looked: Option<Look>,
    /// When the time was noted.
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
    /// The time of the look, if pings may have been lost since then: the clock has jumped, the machine slept, or this process
    /// stood still. `now`, `passed` and `moment` are the clocks of the next look.
    fn lost_since(self, now: i64, passed: i64, moment: Instant) -> Option<i64> {
        let jump = (now - self.at) - (passed - self.passed);
        let late = moment.saturating_duration_since(self.next_by);
        (jump > JUMP_MS || late > LATE).then_some(self.at)
    }
}

impl Heartbeats {
    /// Watches until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut time = Time { started_at: self.clock.wall_ms(), looked: None, noted_at: None };
        while !stop.is_cancelled() {
            let wait = self.look(&mut time).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot watch heartbeats; retrying");
                LOOKS_EVERY
            });
            if let Some(look) = &mut time.looked {
                look.next_by = Instant::now() + wait.min(LOOKS_EVERY);
            }
            let wait = async {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep(wait) => {}
                }
            };
            stop.run_until_cancelled(wait).await;
        }
        if time.noted_at.is_some()
            && let Err(error) = self.note_watched().await
        {
            tracing::debug!(%error, "cannot note until when heartbeats were watched");
        }
        self.lease.give_up().await;
    }

    /// Looks once. Returns the time until the next look.
    async fn look(&self, time: &mut Time) -> Result<Duration, Error> {
        if !self.lease.hold().await? {
            (time.looked, time.noted_at) = (None, None);
            return Ok(LOOKS_EVERY);
        }
        let mut heartbeats = self.list().await?;
        if heartbeats.is_empty() {
            time.looked = None;
            // The first one is made at this node, which wakes it, or at another.
            return Ok(if self.lease.is_shared() { LOOKS_EVERY } else { Duration::MAX });
        }
        if self.excuse(&heartbeats, time).await? {
            heartbeats = self.list().await?;
        }
        let (at, passed) = (self.clock.wall_ms(), self.clock.monotonic_ms());
        time.looked = Some(Look { at, passed, next_by: Instant::now() });
        let mut next = None;
        for heartbeat in &heartbeats {
            let deadline = self.attend(heartbeat).await?;
            next = next.into_iter().chain(deadline).min();
        }
        if time.noted_at.is_none_or(|at| at.elapsed() >= NOTED_EVERY) {
            self.note_watched().await?;
            time.noted_at = Some(Instant::now());
        }
        let until = next.map(|at| u64::try_from(at - self.clock.wall_ms()).unwrap_or_default());
        Ok(until.map_or(LOOKS_EVERY, |ms| Duration::from_millis(ms + 1).min(LOOKS_EVERY)))
    }

    /// Takes one down if its ping stays away, and tells what was not told. Returns its deadline.
    async fn attend(&self, heartbeat: &Heartbeat) -> Result<Option<i64>, Error> {
        self.tell(heartbeat).await?;
        let deadline = heartbeat.deadline();
        let now = self.clock.wall_ms();
        if deadline.is_none_or(|at| at > now) {
            return Ok(deadline);
        }
        let is_overdue = |known: &Heartbeat| known.deadline().is_some_and(|at| at <= now);
        let change = |known: &Heartbeat| if is_overdue(known) { known.overdue(now) } else { known.clone() };
        self.change(&heartbeat.name, change).await?;
        Ok(None)
    }

    /// Excuses those whose ping may be among what was lost while nobody could ping, or in a time that only the clock passed.
    /// Returns true if there was such a time.
    async fn excuse(&self, heartbeats: &[Heartbeat], time: &Time) -> Result<bool, Error> {
        let now = self.clock.wall_ms();
        let Some(from) = self.gap(time, now).await? else { return Ok(false) };
        for heartbeat in heartbeats.iter().filter(|heartbeat| heartbeat.excused(from, now).is_some()) {
            tracing::info!(
                name = heartbeat.name,
                "a ping may have been lost while this server was down; waiting for the next one"
            );
            let change = |known: &Heartbeat| known.excused(from, now).unwrap_or_else(|| known.clone());
            self.change(&heartbeat.name, change).await?;
        }
        Ok(true)
    }

    /// The beginning of a time until now in which no ping could come.
    async fn gap(&self, time: &Time, now: i64) -> Result<Option<i64>, StoreError> {
        if let Some(look) = time.looked {
            return Ok(look.lost_since(now, self.clock.monotonic_ms(), Instant::now()));
        }
        let watched = self.documents.read::<Watched>(Kind::HeartbeatWatch, ID).await?;
        // Whoever was there while another node did not watch could be pinged.
        Ok(watched.map(|watched| watched.until).filter(|until| *until < time.started_at))
    }

    async fn note_watched(&self) -> Result<(), StoreError> {
        let watched = Watched { until: self.clock.wall_ms() };
        let put = Mutation::put(Kind::HeartbeatWatch, ID, Precondition::Anything, &watched);
        self.documents.grant(vec![put]).await.map(drop)
    }
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
            let moment = next_by + Duration::from_millis(late_ms);
            assert_eq!(look.lost_since(now, passed, moment), is_lost.then_some(1_000_000), "{now} {late_ms}");
        }
    }
}
