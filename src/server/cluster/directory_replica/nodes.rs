//! How far the other nodes are, as far as they say, so that a change can be answered when all go by it.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{LOOK, LOOK_UNLINKED};

/// A node that said nothing for so long is gone: five of its words did not come.
const FORGET_AFTER: Duration = Duration::from_secs(5);
/// How long a change waits for the other nodes at the most. Who asked for it waits as long.
const SETTLE: Duration = Duration::from_secs(2);
/// How long it waits when it is not known who is there: as long as it takes every node to look by itself.
const SETTLE_BLIND: Duration = LOOK.saturating_add(LOOK_UNLINKED);
/// How long the line must have been up for all to be known: who said nothing for so long is gone.
const KNOWN_AFTER: Duration = FORGET_AFTER;

struct Node {
    applied: u64,
    heard_at: Instant,
}

#[derive(Default)]
pub(super) struct Nodes {
    /// By name.
    known: watch::Sender<HashMap<String, Node>>,
    /// Since when the line is up; `None`: it is not.
    linked_since: Mutex<Option<Instant>>,
}

impl Nodes {
    /// A node said how far it is. What it said later may come earlier.
    pub(super) fn note(&self, name: &str, applied: u64) {
        let now = Instant::now();
        self.known.send_modify(|known| {
            known.retain(|_, node| now.duration_since(node.heard_at) < FORGET_AFTER);
            let before = known.get(name).map_or(0, |node| node.applied);
            known.insert(name.to_owned(), Node { applied: applied.max(before), heard_at: now });
        });
    }

    /// A node has ended.
    pub(super) fn forget(&self, name: &str) {
        self.known.send_if_modified(|known| known.remove(name).is_some());
    }

    /// Whether the others can be heard.
    pub(super) fn note_link(&self, is_up: bool) {
        let mut since = self.linked_since.lock();
        *since = is_up.then(|| since.unwrap_or_else(Instant::now));
    }

    fn knows_all(&self) -> bool {
        let since = *self.linked_since.lock();
        since.is_some_and(|since| since.elapsed() >= KNOWN_AFTER)
    }

    /// How many there are, if all are known.
    #[cfg(test)]
    pub(super) fn count_if_all(&self) -> Option<usize> {
        self.knows_all().then(|| self.known.borrow().len())
    }

    /// Waits until every node that is alive goes by this change, but not for long.
    pub(super) async fn wait_for_nodes(&self, number: u64) {
        if !self.knows_all() {
            sleep(SETTLE_BLIND).await;
            return;
        }
        let mut known = self.known.subscribe();
        let go_by_it = known.wait_for(|known| {
            let mut alive = known.values().filter(|node| node.heard_at.elapsed() < FORGET_AFTER);
            alive.all(|node| node.applied >= number)
        });
        if timeout(SETTLE, go_by_it).await.is_err() {
            tracing::warn!(number, "a node did not say in time that it goes by a change of rights");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nodes() -> Nodes {
        let nodes = Nodes::default();
        nodes.note_link(true);
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
        nodes.note("one", 7);
        nodes.note("other", 6);
        let answer = async {
            sleep(Duration::from_millis(30)).await;
            nodes.note("other", 7);
        };
        let (time, ()) = tokio::join!(waited(&nodes, 7), answer);
        assert!((30..40).contains(&time.as_millis()), "{time:?}");
        nodes.note("one", 8);
        assert_eq!(waited(&nodes, 8).await, SETTLE, "the other one is silent");
        nodes.forget("other");
        assert_eq!(waited(&nodes, 8).await, Duration::ZERO);
        nodes.note("slow", 3);
        tokio::time::advance(FORGET_AFTER).await;
        assert_eq!(waited(&nodes, 8).await, Duration::ZERO, "none was heard for a while");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_know_the_others_gives_them_time_to_look() {
        let nodes = nodes().await;
        assert_eq!(waited(&nodes, 1).await, Duration::ZERO, "it is alone");
        nodes.note_link(false);
        assert_eq!(waited(&nodes, 1).await, SETTLE_BLIND);
        nodes.note_link(true);
        assert_eq!(waited(&nodes, 1).await, SETTLE_BLIND, "they had no time to say that they are there");
        tokio::time::advance(KNOWN_AFTER).await;
        nodes.note_link(true);
        assert_eq!(waited(&nodes, 1).await, Duration::ZERO);
    }
}
