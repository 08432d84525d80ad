//! The queues of waiting appends, one per topic. Appends to one topic are committed together (group commit), batch
//! after batch, and announced in that order; topics are independent, each with a connection of its own.
//!
//! If the connection is lost during a commit, the callers are told that the outcome is unknown. The topic then stores
//! nothing until PostgreSQL was asked, so that entries that are stored after all are announced at their place in the
//! order.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    append::{self, Failure, New, Undecided},
    connect::Connections,
};
use crate::server::store::{Announce, Appended, NewEntry, StoreError, TopicName};

/// Appends that may wait in all. Past this the callers wait, which is the back-pressure on publishers.
const QUEUE_JOBS: usize = 4_096;
/// Appends per transaction: enough to hide the wait for the disk, few enough that the first does not wait long.
const BATCH_JOBS: usize = 256;
/// Interval between attempts to learn the outcome of a commit while PostgreSQL cannot be reached.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

struct Job {
    drafts: Vec<NewEntry>,
    reply: oneshot::Sender<Result<Vec<Appended>, StoreError>>,
    _place: OwnedSemaphorePermit,
}

/// All queues. A topic without waiting appends has none.
pub(super) struct Queues(Arc<Shared>);

struct Shared {
    connections: Arc<Connections>,
    announce: Arc<dyn Announce>,
    places: Arc<Semaphore>,
    waiting: Mutex<HashMap<TopicName, VecDeque<Job>>>,
    writers: TaskTracker,
    stop: CancellationToken,
    /// Vacuums that were asked for since the running one began, and that one; 0: none is running.
    vacuums: AtomicUsize,
}

impl Queues {
    pub(super) fn new(connections: Arc<Connections>, announce: Arc<dyn Announce>) -> Self {
        Self(Arc::new(Shared {
            connections,
            announce,
            places: Arc::new(Semaphore::new(QUEUE_JOBS)),
            waiting: Mutex::default(),
            writers: TaskTracker::new(),
            stop: CancellationToken::new(),
            vacuums: AtomicUsize::new(0),
        }))
    }

    /// Appends all entries or none. Dropping the future does not stop an append that was enqueued: it is finished and
    /// announced.
    pub(super) async fn append(
        &self,
        topic: &TopicName,
        drafts: Vec<NewEntry>,
    ) -> Result<Vec<Appended>, StoreError> {
        let place = self.0.places.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        self.0.push(topic, Job { drafts, reply, _place: place });
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Vacuums the entries, as after a deletion.
    pub(super) fn vacuum(&self) {
        self.0.vacuum();
    }

    /// Accepts no more appends and finishes those that wait.
    pub(super) async fn close(&self) {
        self.0.places.close();
        self.0.stop.cancel();
        self.0.writers.close();
        self.0.writers.wait().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<TopicName, VecDeque<Job>>> {
        self.waiting.lock()
    }

    /// Vacuums the entries, so that erased texts do not stay in dead rows. One pass at a time; a pass that is asked for
    /// while one is running comes after it.
    fn vacuum(self: &Arc<Self>) {
        if self.vacuums.fetch_add(1, Ordering::SeqCst) > 0 {
            return;
        }
        let shared = self.clone();
        self.writers.spawn(async move {
            let mut asked = shared.vacuums.load(Ordering::SeqCst);
            loop {
                if let Err(error) = shared.vacuum_once().await {
                    tracing::warn!(%error, "cannot vacuum the entries after a deletion; autovacuum will do it");
                }
                match shared.vacuums.compare_exchange(asked, 0, Ordering::SeqCst, Ordering::SeqCst) {
                    Ok(_) => return,
                    Err(now) => asked = now,
                }
            }
        });
    }

    async fn vacuum_once(&self) -> Result<(), StoreError> {
        let connection = self.connections.get().await?;
        connection
            .finish(async { Ok(connection.batch_execute("VACUUM entries, search_documents").await?) })
            .await
    }

    /// Enqueues a job. The first one starts the topic's writer.
    fn push(self: &Arc<Self>, topic: &TopicName, job: Job) {
        match self.lock().entry(topic.clone()) {
            Entry::Occupied(queue) => queue.into_mut().push_back(job),
            Entry::Vacant(none) => {
                none.insert(VecDeque::from([job]));
                let writer = Writer { shared: self.clone(), topic: topic.clone(), is_done: false };
                self.writers.spawn(writer.run());
            }
        }
    }
}

/// The task that empties one topic's queue.
struct Writer {
    shared: Arc<Shared>,
    topic: TopicName,
    is_done: bool,
}

impl Writer {
    async fn run(mut self) {
        while let Some(jobs) = self.next_batch() {
            let (drafts, replies): (Vec<_>, Vec<_>) =
                jobs.into_iter().map(|job| (job.drafts, (job.reply, job._place))).unzip();
            let outcome = match self.shared.connections.get().await {
                Ok(connection) => {
                    let since = Instant::now();
                    append::run(&connection, &self.topic, drafts, &*self.shared.announce)
                        .await
                        .map(|done| (done, since.elapsed()))
                }
                Err(error) => Err(error.into()),
            };
            let mut replies = replies.into_iter().map(|(reply, _)| reply);
            match outcome {
                Ok(((answers, new), took)) => {
                    if !new.appended.is_empty() {
                        self.shared.announce.note_commit(took);
                        self.shared.connections.note_success();
                    }
                    self.announce(&new);
                    // The caller may have gone; the work is done all the same.
                    replies.zip(answers).for_each(|(reply, answer)| drop(reply.send(answer)));
                }
                Err(Failure::Refused(error)) => {
                    self.shared.connections.note(&error);
                    refuse(replies, error);
                }
                Err(Failure::Undecided(undecided)) => {
                    replies.by_ref().for_each(|reply| drop(reply.send(Err(StoreError::Undecided))));
                    self.settle(undecided).await;
                }
            }
        }
    }

    /// The next batch. `None` if the queue is empty; the writer then ends.
    fn next_batch(&mut self) -> Option<Vec<Job>> {
        let mut waiting = self.shared.lock();
        let queue = waiting.get_mut(&self.topic)?;
        let count = queue.len().min(BATCH_JOBS);
        if count == 0 {
            waiting.remove(&self.topic);
            self.is_done = true;
            return None;
        }
        Some(queue.drain(..count).collect())
    }

    fn announce(&self, New { epoch, appended, has_erased }: &New) {
        if !appended.is_empty() {
            self.shared.announce.announce(epoch, appended);
        }
        if *has_erased {
            self.shared.vacuum();
        }
    }

    /// Asks PostgreSQL until it answers whether the commit happened. Rejects the jobs that arrive meanwhile.
    async fn settle(&self, mut undecided: Undecided) {
        tracing::error!(topic = %self.topic, "the connection to PostgreSQL was lost during a commit");
        loop {
            match self.ask(&mut undecided).await {
                Ok(is_stored) => {
                    tracing::info!(topic = %self.topic, is_stored, "PostgreSQL reported the outcome of the commit");
                    if is_stored {
                        self.announce(&undecided.new);
                    }
                    return;
                }
                Err(error) => self.refuse_waiting(error),
            }
            tokio::select! {
                () = self.shared.stop.cancelled() => return,
                () = tokio::time::sleep(SETTLE_INTERVAL) => {}
            }
        }
    }

    async fn ask(&self, undecided: &mut Undecided) -> Result<bool, StoreError> {
        let connection = self.shared.connections.get().await?;
        connection.finish(undecided.is_stored(&connection)).await
    }

    fn refuse_waiting(&self, error: StoreError) {
        let jobs: Vec<Job> = self
            .shared
            .lock()
            .get_mut(&self.topic)
            .map(|queue| queue.drain(..).collect())
            .unwrap_or_default();
        refuse(jobs.into_iter().map(|job| job.reply), error);
    }
}

fn refuse(
    replies: impl Iterator<Item = oneshot::Sender<Result<Vec<Appended>, StoreError>>>,
    error: StoreError,
) {
    let error = Arc::new(error);
    replies.for_each(|reply| drop(reply.send(Err(StoreError::Batch(error.clone())))));
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Only after a panic, or when the runtime ends: no caller may wait for a writer that is gone.
        if !self.is_done {
            self.shared.lock().remove(&self.topic);
        }
    }
}
