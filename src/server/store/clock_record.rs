//! Persists a node's settled time, and a pending leap of its clock (one that is not believed yet), in the document
//! store. A start judges its clock by this record. The entries' timestamps would not do: the wall clock dated them, it
//! may have been wrong for a while, and they say nothing against a wall clock that is wrong in the same way again. The
//! start and the background tasks are the callers.

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

/// Interval between readings of the clock. Any reading notices a leap; an idle server, which reads the clock for
/// nothing else, reads it here.
const INTERVAL: Duration = Duration::from_secs(1);
/// Interval between writes of the settled time. After a crash at most this much is unknown; the next start counts it as
/// time that passed.
const REPEAT: Duration = Duration::from_secs(60);

/// The stored clock record of one node.
#[derive(Clone)]
pub(crate) struct ClockRecord {
    directory: Arc<dyn DocumentStore>,
    node: String,
    /// Name of the node whose leap record this node took over because it had none itself. It may be this node under an
    /// earlier name, so the record is removed; a node that still runs writes its own again.
    adopted: Option<String>,
}

impl ClockRecord {
    /// Opens the record of the node with this name and returns its content; nodes on one database need different names.
    /// A value that this node has not written is taken from the newest of the other nodes' records, because the node
    /// may have had another name.
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

    /// Writes the settled time and the pending leap until `stop`: at once, whenever the leap changes, and every
    /// [`REPEAT`].
    pub(crate) async fn keep(mut self, clock: Arc<Clock>, stop: CancellationToken) {
        // The stored state is unknown, so the first tick writes.
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
                // Retried every second, logged only once.
                Err(error) if !is_told => {
                    tracing::error!(%error, "cannot store the clock's time");
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
        self.directory.grant(steps).await?;
        self.adopted = None;
        Ok(())
    }
}
