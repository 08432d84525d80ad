//! Remembers in the store what time it is by the settled clock, and a leap of the clock that is not believed yet. A
//! start judges its clock by that: entries are dated by the wall, which may have been wrong for a while, and say nothing
//! against a wall that is wrong in the same way again. The start and the background tasks are the callers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{
    StoreError,
    directory::{DocumentStore, Kind, Mutation, Precondition},
};
use crate::server::clock::{Clock, Leap, Remembered};

/// How often the clock is looked at. It notices a leap at any reading; a server that nothing is asked of reads here.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often the time is written. What is not known of it after a crash, a start takes for time that passed.
const REPEAT: Duration = Duration::from_secs(60);

/// One node's record.
#[derive(Clone)]
pub(crate) struct ClockRecord {
    directory: Arc<dyn DocumentStore>,
    node: String,
    /// The node whose leap was gone on with, because this one had none. It may be this one by another name; if not, it
    /// writes its own again.
    adopted: Option<String>,
}

impl ClockRecord {
    /// The record of the node with this name, and what it says; nodes on one database need different names. Of what it
    /// does not say, the others' newest counts: it may have had another name.
    pub(crate) async fn open(
        directory: Arc<dyn DocumentStore>,
        node: String,
    ) -> Result<(Self, Remembered), StoreError> {
        let own_or_newest = |(name, ms): &(String, i64)| (*name == node, *ms);
        let times = directory.read_all::<i64>(Kind::Time, "").await?.into_iter();
        let settled_ms = times.max_by_key(own_or_newest).map(|(_, settled_ms)| settled_ms);
        let leaps = directory.read_all::<Leap>(Kind::Leap, "").await?.into_iter();
        let (name, leap) = leaps.max_by_key(|(name, leap)| (*name == node, leap.wall_ms)).unzip();
        let adopted = name.filter(|name| *name != node);
        Ok((Self { directory, node, adopted }, Remembered { settled_ms, leap }))
    }

    /// Writes what becomes of the clock until `stop`. Begins with what is written.
    pub(crate) async fn keep(mut self, clock: Arc<Clock>, stop: CancellationToken) {
        // Not known: it is written at the first tick.
        let (mut written, mut is_told) = (None, false);
        let mut ticks = tokio::time::interval(INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let (settled_ms, leap) = (clock.settled_ms(), clock.leap());
            let is_fresh = |(what, at): (Option<Leap>, Instant)| what == leap && at.elapsed() < REPEAT;
            if written.is_some_and(is_fresh) {
                continue;
            }
            match self.write(settled_ms, leap).await {
                Ok(()) => (written, is_told) = (Some((leap, Instant::now())), false),
                // It is tried again every second; once is enough to be told.
                Err(error) if !is_told => {
                    tracing::error!(%error, "the time of the clock could not be noted in the store");
                    is_told = true;
                }
                Err(_) => {}
            }
        }
    }

    async fn write(&mut self, settled_ms: i64, leap: Option<Leap>) -> Result<(), StoreError> {
        let remove = |node: &str| Mutation::remove(Kind::Leap, node, Precondition::Anything);
        let mut steps = vec![
            Mutation::put(Kind::Time, &self.node, Precondition::Anything, &settled_ms),
            match leap {
                Some(leap) => Mutation::put(Kind::Leap, &self.node, Precondition::Anything, &leap),
                None => remove(&self.node),
            },
        ];
        steps.extend(self.adopted.as_deref().map(remove));
        self.directory.change(steps).await?;
        self.adopted = None;
        Ok(())
    }
}
