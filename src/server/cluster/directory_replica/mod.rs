//! How this node follows what any node changes in the directory: rights of rooms and channels, sessions that end.
//!
//! [`DirectoryReplica`] is the directory that the rest of the server sees. Every change goes through it, ours as well as those
//! of others, and is handed in the order of the log to whoever holds some of the directory in memory ([`ChangeListener`]): the
//! rights and `Auth`. So what a change does here and elsewhere is one code path, and a change of ours is answered when
//! it was applied here.
//!
//! Others are told on the line `changes` of the backplane. That is a hint: a node that hears a number that is not the
//! next one reads the log, and so it does whenever the line is heard anew, and now and then. The line also says how far
//! each node is, so that a change that takes a right away is answered when all that are alive go by
//! it. A node that is cut off from the backplane alone is not waited for once it was silent for a while; it goes by a
//! change as soon as it has looked, [`LOOK_UNLINKED`] later at the most.
//!
//! A server that is alone hears nothing, reads no log, and waits for nobody.

mod nodes;
mod replicated_op;

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

use self::{nodes::Nodes, replicated_op::NodeMessage};
use super::backplane::{Backplane, MessageHandler};
use crate::server::store::{
    StoreError,
    directory::{Change, Changes, DocumentStore, Kind, Mutation, Outcome, ReplicatedOp, told},
};

/// The line on which nodes tell their changes and how far they are.
pub const SUBJECT: &str = "changes";

/// How often the log is read in case that a word was lost: what a lost word costs at the most. It is one small query.
const LOOK: Duration = Duration::from_secs(2);
/// … while the others cannot be heard, and every change has to be found this way.
const LOOK_UNLINKED: Duration = Duration::from_millis(500);
/// How often a node says that it is there, and how far.
const SAY: Duration = Duration::from_secs(1);

/// Who holds some of the directory in memory.
#[async_trait]
pub trait ChangeListener: Send + Sync {
    /// Takes over one step of a change. Must be quick and must not wait; the same step may come twice. When it returns
    /// nothing more comes to whom it took a right from.
    fn apply(&self, step: &ReplicatedOp);

    /// Takes over the whole directory as it is now: what was changed in between is not known any more.
    async fn reload(&self) -> Result<(), StoreError>;
}

/// See the module.
pub struct DirectoryReplica {
    directory: Arc<dyn DocumentStore>,
    backplane: Arc<dyn Backplane>,
    appliers: OnceLock<Vec<Weak<dyn ChangeListener>>>,
    /// The number up to which everything is applied. Held while something is, so that all is applied in order, and never
    /// while the store is asked: what is heard meanwhile has to be applied.
    applied: parking_lot::Mutex<u64>,
    /// Held by a server that is alone from the making of a change to its applying: a file has no log that says which of
    /// two was first.
    making: Mutex<()>,
    /// Asks for a look at the log.
    behind: Notify,
    nodes: Nodes,
    /// The last word is said.
    is_gone: AtomicBool,
}

impl DirectoryReplica {
    /// Follows from now on: what is read of the directory after this has everything up to here.
    pub async fn open(
        directory: Arc<dyn DocumentStore>,
        backplane: Arc<dyn Backplane>,
    ) -> Result<Arc<Self>, StoreError> {
        let applied = parking_lot::Mutex::new(directory.changes_after(0).await?.newest);
        Ok(Arc::new(Self {
            directory,
            backplane,
            appliers: OnceLock::new(),
            applied,
            making: Mutex::default(),
            behind: Notify::new(),
            nodes: Nodes::default(),
            is_gone: AtomicBool::new(false),
        }))
    }

    /// Says who takes changes over. To be called once, before anything is changed.
    pub fn attach(&self, appliers: Vec<Weak<dyn ChangeListener>>) {
        assert!(self.appliers.set(appliers).is_ok(), "attached once");
    }

    /// Whether other nodes may change the directory.
    pub fn is_shared(&self) -> bool {
        self.backplane.is_shared()
    }

    /// Whether this node knows so many others, and that these are all.
    #[cfg(test)]
    pub fn knows(&self, count: usize) -> bool {
        self.nodes.count_if_all() == Some(count)
    }

    /// Hears the others and looks at the log until `stop`. A server that is alone has nothing to do.
    pub async fn run(&self, stop: CancellationToken) {
        if !self.is_shared() {
            return;
        }
        self.backplane.subscribe(SUBJECT);
        // Side by side: a database that does not answer must not make this node silent.
        stop.run_until_cancelled(async { tokio::join!(self.follow(), self.say()) }).await;
        self.publish(&NodeMessage::Gone);
        self.is_gone.store(true, Relaxed);
        self.backplane.unsubscribe(SUBJECT);
    }

    async fn follow(&self) {
        let mut connectivity = self.backplane.connectivity();
        loop {
            let is_linked = *connectivity.borrow_and_update();
            self.nodes.note_link(is_linked);
            let look = tokio::time::sleep(if is_linked { LOOK } else { LOOK_UNLINKED });
            tokio::select! {
                () = self.behind.notified() => {}
                () = look => {}
                Ok(()) = connectivity.changed() => {}
            }
            self.nodes.note_link(*connectivity.borrow());
            if let Err(error) = self.catch_up().await {
                tracing::error!(%error, "what other nodes changed cannot be read; it is tried again");
            }
        }
    }

    /// Says that this node is there, and how far.
    async fn say(&self) {
        let mut says = tokio::time::interval(SAY);
        loop {
            says.tick().await;
            let applied = *self.lock_applied();
            self.publish(&NodeMessage::Applied(applied));
        }
    }

    /// Nothing follows the last word, or others would wait for a node that is gone.
    fn publish(&self, word: &NodeMessage) {
        if !self.is_gone.load(Relaxed) {
            self.backplane.publish(SUBJECT, word.encode());
        }
    }

    fn lock_applied(&self) -> parking_lot::MutexGuard<'_, u64> {
        // A number is never half-changed.
        self.applied.lock()
    }

    /// Applies what the log has and this node does not.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        loop {
            let before = *self.lock_applied();
            let found = self.directory.changes_after(before).await?;
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

    /// Of what lies between nothing is known any more. Nothing that is heard meanwhile is the next one.
    async fn reload(&self, from: u64, to: u64) -> Result<(), StoreError> {
        tracing::warn!(from, to, "read all rights anew");
        for applier in self.appliers() {
            applier.reload().await?;
        }
        let mut applied = self.lock_applied();
        *applied = to.max(*applied);
        Ok(())
    }

    /// Applies a change in its turn. False: something is missing before it.
    fn apply_next(&self, change: &Change) -> bool {
        let mut applied = self.lock_applied();
        if change.number == *applied + 1 {
            self.apply(&change.steps);
            *applied = change.number;
        }
        change.number <= *applied
    }

    /// A change of ours was made. Returns when it is applied here, with all that were made before it.
    async fn apply_local(&self, change: Change) {
        // Others may have been quicker, and what they did comes first.
        if !self.apply_next(&change)
            && let Err(error) = self.catch_up().await
        {
            tracing::error!(%error, "what other nodes changed cannot be read; it is tried again");
            // Nothing may come any more to whom a right was taken from. It is applied once more in its turn.
            self.apply(&change.steps);
            self.behind.notify_one();
        }
        self.publish(&NodeMessage::Changed(change));
    }

    fn apply(&self, steps: &[ReplicatedOp]) {
        for applier in self.appliers() {
            steps.iter().for_each(|step| applier.apply(step));
        }
    }

    fn appliers(&self) -> impl Iterator<Item = Arc<dyn ChangeListener>> {
        self.appliers.get().into_iter().flatten().filter_map(Weak::upgrade)
    }

    /// Another node made a change: applied at once when it is the next one.
    fn hear_change(&self, change: &Change) {
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
            Some(NodeMessage::Changed(change)) => self.hear_change(&change),
            Some(NodeMessage::Applied(number)) => self.nodes.note(node, number),
            Some(NodeMessage::Gone) => self.nodes.forget(node),
            // A later version of this program may have said it.
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
        self.directory.get(kind, id).await
    }

    async fn list(&self, kind: Kind, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.directory.list(kind, prefix).await
    }

    async fn change(&self, steps: Vec<Mutation>) -> Result<Outcome, StoreError> {
        let told = told(&steps);
        let is_first_come = !told.is_empty() && !self.is_shared();
        let _held = if is_first_come { Some(self.making.lock().await) } else { None };
        // Whatever was not answered may have been made all the same.
        let taken = self.directory.change(steps).await.inspect_err(|_| self.behind.notify_one())?;
        match taken {
            Outcome::Not => {}
            Outcome::Unlogged => self.apply(&told),
            Outcome::Logged(number) => self.apply_local(Change { number, steps: told }).await,
        }
        Ok(taken)
    }

    async fn changes_after(&self, number: u64) -> Result<Changes, StoreError> {
        self.directory.changes_after(number).await
    }

    async fn wait_for_nodes(&self, taken: Outcome) {
        if let Outcome::Logged(number) = taken
            && self.is_shared()
        {
            self.nodes.wait_for_nodes(number).await;
        }
    }
}
