//! Indexes what an older program left unindexed, in steps, beside the server's work. The server starts it; each step is a
//! transaction of the store, so it goes on where it was after a restart, and several nodes may do it together.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::server::{
    observability::metrics::Metrics,
    store::{IndexProgress, Store},
};

/// Rest, in times of a step: posts go on beside it.
const REST: u32 = 3;
/// Rest while another node does the work, and after an error.
const PAUSE: Duration = Duration::from_secs(5);
/// The time between two lines of the log.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

/// Runs until everything is indexed, or `stop`.
pub async fn run(store: Arc<dyn Store>, metrics: Arc<Metrics>, stop: CancellationToken) {
    let (mut indexed, mut reported) = (0, None::<Instant>);
    loop {
        let began = Instant::now();
        let rest = match store.index_step().await {
            Ok(IndexProgress { left: 0, .. }) => {
                metrics.set_unindexed(0);
                if reported.is_some() {
                    tracing::info!(indexed, "everything is found by the search now");
                }
                return;
            }
            Ok(IndexProgress { indexed: 0, left }) => {
                metrics.set_unindexed(left);
                PAUSE
            }
            Ok(step) => {
                indexed += step.indexed;
                metrics.set_unindexed(step.left);
                if reported.is_none_or(|last| last.elapsed() > REPORT_INTERVAL) {
                    tracing::info!(indexed, left = step.left, "indexing earlier entries for the search");
                    reported = Some(Instant::now());
                }
                began.elapsed() * REST
            }
            Err(error) => {
                tracing::warn!(%error, "cannot index entries for the search; trying again");
                PAUSE
            }
        };
        if stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_none() {
            return;
        }
    }
}
