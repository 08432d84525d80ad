//! Replication of the document store's changes to every node: rights of rooms and channels, and sessions that end.
//!
//! [`DirectoryReplica`] is the document store that the rest of the server sees. Every change goes through it, those of
//! this node and those of others, and reaches the modules that hold documents in memory ([`ChangeListener`]: the rights
//! and `Auth`) in the order of the change log. So a change takes effect here and at other nodes by one code path, and a
//! change made here is answered after it was applied here. No other module may apply a change.
//!
//! Other nodes learn of a change on the subject `changes` of the backplane. That is a hint: a node that receives a
//! number other than the next one reads the log; so it does after each new subscription to the subject, and at
//! intervals. The nodes also publish how far each of them is, so that [`DocumentStore::revoke`] returns when all live
//! nodes have applied the change. A node that is cut off from the backplane alone is not waited for after it was silent
//! for a while; it applies a change when it polls the log, [`POLL_INTERVAL_DISCONNECTED`] later at most.
//!
//! A server that is alone receives no messages, reads no log, and waits for no node.

mod node_message;
mod nodes;

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio_util::sync::CancellationToken;

use self::{node_message::NodeMessage, nodes::Nodes};
use super::backplane::{Backplane, MessageHandler};
use crate::server::store::{
    StoreError,
    directory::{Change, Changes, DocumentStore, Kind, Mutation, Outcome, ReplicatedOp, replicated_ops},
};

/// The subject on which nodes publish their changes and how far they are.
pub const SUBJECT: &str = "changes";

/// Interval at which the log is polled in case a message was lost: the longest delay that a lost message causes. A poll
/// is one small query.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Interval at which the log is polled while the backplane is down, and every change must be found this way.
const POLL_INTERVAL_DISCONNECTED: Duration = Duration::from_millis(500);
/// Interval at which a node publishes that it is alive, and how far it is.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// A module that holds documents in memory.
#[async_trait]
pub trait ChangeListener: Send + Sync {
    /// Applies one operation of a change. It must be quick and must not block; the same operation may come twice. When
    /// it returns, nothing more reaches a user whom it took a right from.
    fn apply(&self, op: &ReplicatedOp);

    /// Reads all documents again, because the changes since the last one that was applied are lost.
    async fn reload(&self) -> Result<(), StoreError>;
}

/// The document store of this node, which applies the changes of all nodes in order.
pub struct DirectoryReplica {
    store: Arc<dyn DocumentStore>,
    backplane: Arc<dyn Backplane>,
    listeners: OnceLock<Vec<Weak<dyn ChangeListener>>>,
    /// The number up to which all changes are applied. Held while one is applied, so that all are applied in order, and
    /// never while the store is asked: changes that are received meanwhile must be applied.
    applied: parking_lot::Mutex<u64>,
    /// Held by a server that is alone from the commit of a change until it is applied: a file has no log that gives the
    /// order of two changes.
    local_changes: Mutex<()>,
    /// Wakes the reading of the log.
    behind: Notify,
    nodes: Nodes,
    /// `Gone` was published.
    is_gone: AtomicBool,
}

impl DirectoryReplica {
    /// Starts at the newest change: documents that are read after this contain all changes up to it.
    pub async fn open(
        store: Arc<dyn DocumentStore>,
        backplane: Arc<dyn Backplane>,
    ) -> Result<Arc<Self>, StoreError> {
        let applied = parking_lot::Mutex::new(store.changes_after(0).await?.newest);
        Ok(Arc::new(Self {
            store,
            backplane,
            listeners: OnceLock::new(),
            applied,
            local_changes: Mutex::default(),
            behind: Notify::new(),
            nodes: Nodes::default(),
            is_gone: AtomicBool::new(false),
        }))
    }

    /// Sets the listeners. To be called once, before the first change.
    pub fn attach(&self, listeners: Vec<Weak<dyn ChangeListener>>) {
        assert!(self.listeners.set(listeners).is_ok(), "attached once");
    }

    /// Returns true if other nodes may change the documents.
    pub fn is_shared(&self) -> bool {
        self.backplane.is_shared()
    }

    /// Returns true if this node knows all other nodes, and there are `count`.
    #[cfg(test)]
    pub fn knows(&self, count: usize) -> bool {
        self.nodes.count_if_all() == Some(count)
    }

    /// Applies the changes of other nodes until `stop`. On a server that is alone it returns at once.
    pub async fn run(&self, stop: CancellationToken) {
        if !self.is_shared() {
            return;
        }
        self.backplane.subscribe(SUBJECT);
        // Concurrently: a database that does not answer must not silence this node.
        stop.run_until_cancelled(async { tokio::join!(self.follow(), self.send_heartbeats()) }).await;
        self.publish(&NodeMessage::Gone);
        self.is_gone.store(true, Relaxed);
        self.backplane.unsubscribe(SUBJECT);
    }

    /// Reads the log at intervals, after a message that does not fit, and when the backplane comes back.
    async fn follow(&self) {
        let mut connectivity = self.backplane.connectivity();
        loop {
            let is_connected = *connectivity.borrow_and_update();
            self.nodes.set_connected(is_connected);
            let poll_interval = if is_connected { POLL_INTERVAL } else { POLL_INTERVAL_DISCONNECTED };
            tokio::select! {
                () = self.behind.notified() => {}
                () = tokio::time::sleep(poll_interval) => {}
                Ok(()) = connectivity.changed() => {}
            }
            self.nodes.set_connected(*connectivity.borrow());
            if let Err(error) = self.catch_up().await {
                tracing::error!(%error, "cannot read other nodes' changes; retrying");
            }
        }
    }

    /// Publishes at intervals that this node is alive, and how far it is.
    async fn send_heartbeats(&self) {
        let mut ticks = tokio::time::interval(HEARTBEAT_INTERVAL);
        loop {
            ticks.tick().await;
            let applied = *self.lock_applied();
            self.publish(&NodeMessage::Applied(applied));
        }
    }

    /// Publishes nothing after `Gone`, or others would wait for a node that is gone.
    fn publish(&self, message: &NodeMessage) {
        if !self.is_gone.load(Relaxed) {
            self.backplane.publish(SUBJECT, message.encode());
        }
    }

    fn lock_applied(&self) -> parking_lot::MutexGuard<'_, u64> {
        self.applied.lock()
    }

    /// Applies all changes in the log that this node has not applied.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        loop {
            let before = *self.lock_applied();
            let found = self.store.changes_after(before).await?;
            match found.after {
                Some(changes) if changes.is_empty() => return Ok(()),
                Some(changes) => changes.iter().for_each(|change| {
                    self.apply_next(change);
                }),
                None => self.reload(before, found.newest).await?,
            }
            let applied = *self.lock_applied();
            self.publish(&NodeMessage::Applied(applied));
        }
    }

    /// Reads all documents again, because the log does not have the changes between `from` and `to` any more. No change
    /// that is received meanwhile is the next one, so none is applied.
    async fn reload(&self, from: u64, to: u64) -> Result<(), StoreError> {
        tracing::warn!(from, to, "reloaded all rights");
        for listener in self.listeners() {
            listener.reload().await?;
        }
        let mut applied = self.lock_applied();
        *applied = to.max(*applied);
        Ok(())
    }

    /// Applies a change if it is the next one. Returns false if changes before it are missing.
    fn apply_next(&self, change: &Change) -> bool {
        let mut applied = self.lock_applied();
        if change.number == *applied + 1 {
            self.apply(&change.ops);
            *applied = change.number;
        }
        change.number <= *applied
    }

    /// Applies a change that was committed here, after all changes before it, and publishes it.
    async fn apply_local(&self, change: Change) {
        // Other nodes may have been quicker: their changes come first.
        if !self.apply_next(&change)
            && let Err(error) = self.catch_up().await
        {
            tracing::error!(%error, "cannot read other nodes' changes; retrying");
            // Fail closed: apply a revocation now. Reading the log applies it again in its turn, idempotently.
            self.apply(&change.ops);
            self.behind.notify_one();
        }
        self.publish(&NodeMessage::Changed(change));
    }

    /// Commits a change, and applies it here if it was committed.
    async fn commit(&self, mutations: Vec<Mutation>) -> Result<Outcome, StoreError> {
        let ops = replicated_ops(&mutations);
        let needs_order = !ops.is_empty() && !self.is_shared();
        let _held = if needs_order { Some(self.local_changes.lock().await) } else { None };
        // A change may be committed although its answer was lost.
        let outcome = self.store.grant(mutations).await.inspect_err(|_| self.behind.notify_one())?;
        match outcome {
            Outcome::Conflict => {}
            Outcome::Unlogged => self.apply(&ops),
            Outcome::Logged(number) => self.apply_local(Change { number, ops }).await,
        }
        Ok(outcome)
    }

    /// Waits until every live node has applied a change, within the limits of [`Nodes::wait_for_nodes`].
    async fn wait_for_nodes(&self, outcome: Outcome) {
        if let Outcome::Logged(number) = outcome
            && self.is_shared()
        {
            self.nodes.wait_for_nodes(number).await;
        }
    }

    fn apply(&self, ops: &[ReplicatedOp]) {
        for listener in self.listeners() {
            ops.iter().for_each(|op| listener.apply(op));
        }
    }

    fn listeners(&self) -> impl Iterator<Item = Arc<dyn ChangeListener>> {
        self.listeners.get().into_iter().flatten().filter_map(Weak::upgrade)
    }

    /// Applies another node's change at once if it is the next one; otherwise the log is read.
    fn on_change(&self, change: &Change) {
        if self.apply_next(change) {
            self.publish(&NodeMessage::Applied(change.number));
        } else {
            self.behind.notify_one();
        }
    }
}

impl MessageHandler for DirectoryReplica {
    fn on_message(&self, subject: &str, node: &str, message: &str) {
        if subject != SUBJECT {
            return;
        }
        match NodeMessage::decode(message) {
            Some(NodeMessage::Changed(change)) => self.on_change(&change),
            Some(NodeMessage::Applied(number)) => self.nodes.set_applied(node, number),
            Some(NodeMessage::Gone) => self.nodes.forget(node),
            // A later version of this program may have sent it.
            None => self.behind.notify_one(),
        }
    }

    fn on_subscribed(&self, subject: &str) {
        if subject == SUBJECT {
            self.behind.notify_one();
        }
    }
}

#[async_trait]
impl DocumentStore for DirectoryReplica {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
        self.store.get(kind, id).await
    }

    async fn list(&self, kind: Kind, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.store.list(kind, prefix).await
    }

    async fn grant(&self, mutations: Vec<Mutation>) -> Result<Outcome, StoreError> {
        self.commit(mutations).await
    }

    async fn revoke(&self, mutations: Vec<Mutation>) -> Result<Outcome, StoreError> {
        let outcome = self.commit(mutations).await?;
        self.wait_for_nodes(outcome).await;
        Ok(outcome)
    }

    async fn revoke_and_unlock(
        &self,
        mutations: Vec<Mutation>,
        lock: MutexGuard<'_, ()>,
    ) -> Result<Outcome, StoreError> {
        let outcome = self.commit(mutations).await?;
        drop(lock);
        self.wait_for_nodes(outcome).await;
        Ok(outcome)
    }

    async fn changes_after(&self, number: u64) -> Result<Changes, StoreError> {
        self.store.changes_after(number).await
    }
}
