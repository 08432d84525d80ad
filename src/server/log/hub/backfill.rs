//! Fills the gaps of open topics from the store, once for all readers of a topic. A gap holds entries that another node
//! appended and has not announced yet, or never will. The hub runs it. It must never skip an entry that the store has.

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

/// Gaps that are read at the same time: not all of the store's connections, so that posts get through.
const CONCURRENT_READS: usize = 6;
/// The age of a gap at which the store is read: the announcements of two nodes that append to one topic come in either
/// order, nearly always within this time.
const GAP_DELAY: Duration = Duration::from_millis(10);
/// The wait after the store failed, or had nothing.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Fills the topics that come in; never returns. Each open topic must come at most once at a time.
pub(super) async fn run(
    store: Arc<dyn Store>,
    topics: Arc<Topics>,
    mut missing: UnboundedReceiver<Arc<Topic>>,
) {
    let backfill = Backfill { store: &*store, topics: &topics, reads: Semaphore::new(CONCURRENT_READS) };
    let topics_with_gaps = poll_fn(move |context| missing.poll_recv(context));
    topics_with_gaps.for_each_concurrent(None, |topic| backfill.fill(topic)).await;
}

struct Backfill<'a> {
    store: &'a dyn Store,
    topics: &'a Topics,
    reads: Semaphore,
}

impl Backfill<'_> {
    /// Fills one topic until nothing is missing or it has no readers.
    async fn fill(&self, topic: Arc<Topic>) {
        let mut is_logged = false;
        while let Some(gap) = topic.missing() {
            sleep(GAP_DELAY).await;
            match topic.missing() {
                None => return,
                // The late entries have come, or the epoch has changed; something else is missing now.
                Some(now) if now.after != gap.after => continue,
                Some(now) => {
                    let filled = self.fill_once(&topic, now).await;
                    if let (Err(error), false) = (&filled, is_logged) {
                        tracing::warn!(topic = %topic.name(), %error, "cannot backfill a gap yet");
                        is_logged = true;
                    }
                    // Also when the store had none of the announced entries.
                    if topic.missing().is_some_and(|left| left.after == now.after) {
                        sleep(RETRY_INTERVAL).await;
                    }
                }
            }
        }
    }

    async fn fill_once(&self, topic: &Arc<Topic>, gap: Gap) -> Result<(), StoreError> {
        let _permit = self.reads.acquire().await.map_err(|_| StoreError::Closed)?;
        let all = Filter::default();
        let slice = self.store.read_after(topic.name(), gap.after, &all, RING_MAX_ENTRIES).await?;
        self.topics.fill(topic, gap, &slice);
        Ok(())
    }
}
