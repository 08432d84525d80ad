//! Looks at the heads of the open topics in the store, for entries of which no announcement came: it may be lost on its
//! way, with nothing after it that would show the hole.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::server::{log::topic::Topics, store::Store};

/// How often, while nodes can tell each other. What is lost then is with its readers in this time and a moment.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// How often, while they cannot: the only way in which anything comes from other nodes.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Looks for ever.
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
            tracing::warn!(%error, "other nodes' entries cannot be looked for");
        }
        is_well = bounds.is_ok();
        topics.learn_all(&bounds.unwrap_or_default());
    }
}
