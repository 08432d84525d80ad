//! Fills the holes of open topics from the store, once for all readers of a topic. A hole is what another node appended
//! and has not told us yet, or never will.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::poll_fn};
use tokio::{sync::mpsc::UnboundedReceiver, time::sleep};

use crate::server::{
    store::{Filter, Store, StoreError},
    topic::{RING_MAX_ENTRIES, Topic, Topics},
};

/// Topics that are filled at the same time: most of the store's connections at most, so that posts get through.
const FILLS: usize = 6;
/// How long a hole may be before the store is asked: two nodes that append to one topic tell of it in either order,
/// nearly always within this time.
const PATIENCE: Duration = Duration::from_millis(10);
/// How long to wait after the store refused.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Fills whatever comes in, for ever.
pub(super) async fn run(
    store: Arc<dyn Store>,
    topics: Arc<Topics>,
    mut lacking: UnboundedReceiver<Arc<Topic>>,
) {
    let holes = poll_fn(move |context| lacking.poll_recv(context));
    holes.for_each_concurrent(FILLS, |topic| fill(&*store, &topics, topic)).await;
}

/// Fills one topic until nothing is missing or nobody reads it.
async fn fill(store: &dyn Store, topics: &Topics, topic: Arc<Topic>) {
    let mut is_told = false;
    while let Some(after) = topic.lacking() {
        sleep(PATIENCE).await;
        match topic.lacking() {
            None => return,
            // What was late has come, or the numbering is another one; something else is missing now.
            Some(now) if now != after => continue,
            Some(_) => {}
        }
        if let Err(error) = fill_once(store, topics, &topic, after).await {
            if !is_told {
                tracing::warn!(topic = %topic.name(), %error, "a hole cannot be filled yet");
            }
            is_told = true;
            sleep(RETRY_INTERVAL).await;
        }
    }
}

async fn fill_once(
    store: &dyn Store,
    topics: &Topics,
    topic: &Arc<Topic>,
    after: u64,
) -> Result<(), StoreError> {
    let slice = store.read_after(topic.name(), after, &Filter::default(), RING_MAX_ENTRIES).await?;
    topics.fill(topic, &slice);
    Ok(())
}
