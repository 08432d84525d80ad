//! Publishes scheduled notifications when their time has come, on the node that holds the lease. `server` runs it. It waits until
//! the next one is due, and for nothing if there is none and this node is alone.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Scheduled, ScheduledNotifications, id_of, in_order};
use crate::server::{
    error::Error,
    store::directory::{Kind, Mutation, Precondition},
};

/// Longest time between two looks where there are other nodes: the lease is renewed, and what they scheduled is found, before it
/// can be due.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
/// Longest wait for one that is due: the wall clock may be put forward.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The wait after a fault.
const RETRY_AFTER: Duration = Duration::from_secs(2);

impl ScheduledNotifications {
    /// Publishes what is due until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = self.look().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot publish what was scheduled; retrying");
                RETRY_AFTER
            });
            let wait = async {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep(wait) => {}
                }
            };
            stop.run_until_cancelled(wait).await;
        }
        self.lease.give_up().await;
    }

    /// Looks now, as after a change.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Publishes what is due. Returns the time until the next look.
    async fn look(&self) -> Result<Duration, Error> {
        if !self.lease.hold().await? {
            return Ok(LOOKS_EVERY);
        }
        let waiting = self.documents.read_all::<Scheduled>(Kind::Scheduled, "").await?;
        let now = self.clock.wall_ms();
        let (due, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|(_, one)| one).partition(|one| one.claimed || one.due_at <= now);
        for scheduled in in_order(due.into_iter()) {
            self.publish(&scheduled, now).await?;
        }
        let next = later.iter().map(|one| one.due_at).min();
        let until = next.map(|at| Duration::from_millis(u64::try_from(at - now).unwrap_or_default()));
        Ok(match until.map(|until| until.min(WAIT_MAX)) {
            Some(until) if self.lease.is_shared() => until.min(LOOKS_EVERY),
            None if self.lease.is_shared() => LOOKS_EVERY,
            Some(until) => until,
            None => Duration::MAX,
        })
    }

    /// Claims one that is due, if it is as it was found, and publishes it.
    async fn publish(&self, found: &Scheduled, now: i64) -> Result<(), Error> {
        let document = id_of(&found.channel, found.body.key().unwrap_or_default());
        let known = self.documents.read_to_change::<Scheduled>(Kind::Scheduled, &document).await?;
        let Some((known, unchanged)) = known else { return Ok(()) };
        if known.claimed {
            return self.finish(&document, &known, unchanged).await;
        }
        let claimed = Scheduled { claimed: true, ..known };
        if claimed.due_at > now {
            return Ok(()); // put off meanwhile
        }
        let put = Mutation::put(Kind::Scheduled, &document, unchanged, &claimed);
        match self.documents.grant(vec![put]).await?.is_committed() {
            true => {
                let json = serde_json::to_string(&claimed).expect("a document has only string keys");
                self.finish(&document, &claimed, Precondition::Is(json)).await
            }
            false => Ok(()), // whoever changed it wakes us
        }
    }

    /// Completes one. What the feed refuses for good must not stop those after it.
    async fn finish(
        &self,
        document: &str,
        claimed: &Scheduled,
        unchanged: Precondition,
    ) -> Result<(), Error> {
        match self.complete(document, claimed, unchanged).await {
            Err(Error::Rejected(rejection)) => {
                tracing::warn!(code = rejection.code.as_str(), "a scheduled notification was refused");
                Ok(())
            }
            done => done,
        }
    }
}
