//! The progress of the other nodes, as they publish it, so that a revocation can be answered when all have applied it.
//! The directory replica feeds and asks it; it never waits without a bound.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{POLL_INTERVAL, POLL_INTERVAL_DISCONNECTED};

/// A node that was silent for so long is gone: five of its heartbeats did not come.
const FORGET_AFTER: Duration = Duration::from_secs(5);
/// Longest wait for the other nodes; the caller of the revocation waits as long.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The wait while the live nodes are unknown: as long as it takes every node to poll the log by itself.
const WAIT_UNKNOWN: Duration = POLL_INTERVAL.saturating_add(POLL_INTERVAL_DISCONNECTED);
/// All live nodes are known after the backplane has been up for so long: a node that was silent for so long is gone.
const KNOWN_AFTER: Duration = FORGET_AFTER;

struct Node {
    /// The number of the newest change it has applied.
    applied: u64,
    heard_at: Instant,
}

/// The other nodes.
#[derive(Default)]
pub(super) struct Nodes {
    /// By name.
    known: watch::Sender<HashMap<String, Node>>,
    /// The time since which the backplane is up; `None`: it is down.
    connected_since: Mutex<Option<Instant>>,
}

impl Nodes {
    /// Records how far a node is. Its messages may arrive out of order.
    pub(super) fn set_applied(&self, name: &str, applied: u64) {
        let now = Instant::now();
        self.known.send_modify(|known| {
            known.retain(|_, node| now.duration_since(node.heard_at) < FORGET_AFTER);
            let before = known.get(name).map_or(0, |node| node.applied);
            known.insert(name.to_owned(), Node { applied: applied.max(before), heard_at: now });
        });
    }

    /// Removes a node that shuts down.
    pub(super) fn forget(&self, name: &str) {
        self.known.send_if_modified(|known| known.remove(name).is_some());
    }

    /// Records whether the backplane is up.
    pub(super) fn set_connected(&self, is_up: bool) {
        let mut since = self.connected_since.lock();
        *since = is_up.then(|| since.unwrap_or_else(Instant::now));
    }

    /// Returns true if all live nodes are known.
    fn knows_all(&self) -> bool {
        let since = *self.connected_since.lock();
        since.is_some_and(|since| since.elapsed() >= KNOWN_AFTER)
    }

    /// The number of other nodes, if all are known.
    #[cfg(test)]
    pub(super) fn count_if_all(&self) -> Option<usize> {
        self.knows_all().then(|| self.known.borrow().len())
    }

    /// Waits until every live node has applied this change: [`WAIT_MAX`] at most, or [`WAIT_UNKNOWN`] while the live
    /// nodes are unknown.
    pub(super) async fn wait_for_nodes(&self, number: u64) {
        if !self.knows_all() {
            sleep(WAIT_UNKNOWN).await;
            return;
        }
        let mut known = self.known.subscribe();
        let all_applied = known.wait_for(|known| {
            let mut alive = known.values().filter(|node| node.heard_at.elapsed() < FORGET_AFTER);
            alive.all(|node| node.applied >= number)
        });
        if timeout(WAIT_MAX, all_applied).await.is_err() {
            tracing::warn!(number, "timed out waiting for nodes to apply a revocation");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nodes() -> Nodes {
        let nodes = Nodes::default();
        nodes.set_connected(true);
        tokio::time::advance(KNOWN_AFTER).await;
        nodes
    }

    async fn waited(nodes: &Nodes, number: u64) -> Duration {
        let begun = Instant::now();
        nodes.wait_for_nodes(number).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_waits_for_the_last_node_and_for_none_that_is_gone() {
        let nodes = nodes().await;
        nodes.set_applied("one", 7);
        nodes.set_applied("other", 6);
        let answer = async {
            sleep(Duration::from_millis(30)).await;
            nodes.set_applied("other", 7);
        };
        let (time, ()) = tokio::join!(waited(&nodes, 7), answer);
        assert!((30..40).contains(&time.as_millis()), "{time:?}");
        nodes.set_applied("one", 8);
        assert_eq!(waited(&nodes, 8).await, WAIT_MAX, "the other one is silent");
        nodes.forget("other");
        assert_eq!(waited(&nodes, 8).await, Duration::ZERO);
        nodes.set_applied("slow", 3);
        tokio::time::advance(FORGET_AFTER).await;
        assert_eq!(waited(&nodes, 8).await, Duration::ZERO, "none was heard for a while");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_know_the_others_gives_them_time_to_look() {
        let nodes = nodes().await;
        assert_eq!(waited(&nodes, 1).await, Duration::ZERO, "it is alone");
        nodes.set_connected(false);
        assert_eq!(waited(&nodes, 1).await, WAIT_UNKNOWN);
        nodes.set_connected(true);
        assert_eq!(waited(&nodes, 1).await, WAIT_UNKNOWN, "they had no time to say that they are there");
        tokio::time::advance(KNOWN_AFTER).await;
        nodes.set_connected(true);
        assert_eq!(waited(&nodes, 1).await, Duration::ZERO);
    }
}
