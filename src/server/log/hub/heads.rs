//! Reads the heads of the open topics from the store at intervals, for entries whose announcement never came: it may be
//! lost, with no later one that would show the gap. `Hub::watch_heads` runs it. It must never read entries: it only
//! notes heads, and `backfill` reads.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::server::{log::topic::Topics, store::Store};

/// The interval while the backplane connects the nodes. An entry whose announcement is lost reaches its readers within
/// this time and a moment.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// The interval while it does not: then no other way brings the entries of other nodes.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Checks the heads; never returns. Stale topics are checked at once.
pub(super) async fn watch(store: &Arc<dyn Store>, topics: &Topics, mut connectivity: watch::Receiver<bool>) {
    let (mut last, mut is_well) = (Instant::now(), true);
    loop {
        let interval = if *connectivity.borrow_and_update() { CHECK_INTERVAL } else { POLL_INTERVAL };
        let names = tokio::select! {
            names = topics.stale_topics() => names,
            () = sleep_until(last + interval) => {
                last = Instant::now();
                topics.names()
            }
            Ok(()) = connectivity.changed() => continue,
        };
        if names.is_empty() {
            continue;
        }
        let bounds = store.bounds_of(&names).await;
        if let (Err(error), true) = (&bounds, is_well) {
            tracing::warn!(%error, "cannot read other nodes' heads");
        }
        is_well = bounds.is_ok();
        topics.learn_all(&bounds.unwrap_or_default());
    }
}
