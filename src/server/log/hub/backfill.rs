//! Fills the holes of open topics from the store, once for all readers of a topic. A hole is what another node appended
//! and has not told us yet, or never will.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::poll_fn};
use tokio::{
    sync::{Semaphore, mpsc::UnboundedReceiver},
    time::sleep,
};

use crate::server::{
    log::topic::{Gap, RING_MAX_ENTRIES, Topic, Topics},
    store::{Filter, Store, StoreError},
};

/// Holes that are read at the same time: not all of the store's connections, so that posts get through.
const READS: usize = 6;
/// How long a hole may be before the store is asked: two nodes that append to one topic tell of it in either order,
/// nearly always within this time.
const PATIENCE: Duration = Duration::from_millis(10);
/// How long to wait after the store refused, or had nothing.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Fills whatever comes in, for ever. Each open topic comes at most once at a time.
pub(super) async fn run(
    store: Arc<dyn Store>,
    topics: Arc<Topics>,
    mut missing: UnboundedReceiver<Arc<Topic>>,
) {
    let backfill = Backfill { store: &*store, topics: &topics, reads: Semaphore::new(READS) };
    let holes = poll_fn(move |context| missing.poll_recv(context));
    holes.for_each_concurrent(None, |topic| backfill.fill(topic)).await;
}

struct Backfill<'a> {
    store: &'a dyn Store,
    topics: &'a Topics,
    reads: Semaphore,
}

impl Backfill<'_> {
    /// Fills one topic until nothing is missing or nobody reads it.
    async fn fill(&self, topic: Arc<Topic>) {
        let mut is_told = false;
        while let Some(gap) = topic.missing() {
            sleep(PATIENCE).await;
            match topic.missing() {
                None => return,
                // What was late has come, or the numbering is another one; something else is missing now.
                Some(now) if now.after != gap.after => continue,
                Some(now) => {
                    let filled = self.fill_once(&topic, now).await;
                    if let (Err(error), false) = (&filled, is_told) {
                        tracing::warn!(topic = %topic.name(), %error, "a hole cannot be filled yet");
                        is_told = true;
                    }
                    // Also when the store had nothing of what somebody told of.
                    if topic.missing().is_some_and(|left| left.after == now.after) {
                        sleep(RETRY_INTERVAL).await;
                    }
                }
            }
        }
    }

    async fn fill_once(&self, topic: &Arc<Topic>, gap: Gap) -> Result<(), StoreError> {
        let _held = self.reads.acquire().await.map_err(|_| StoreError::Closed)?;
        let all = Filter::default();
        let slice = self.store.read_after(topic.name(), gap.after, &all, RING_MAX_ENTRIES).await?;
        self.topics.fill(topic, gap, &slice);
        Ok(())
    }
}
