//! The one thread that writes: jobs that wait together are committed together (group commit).
//!
//! Each job runs in a savepoint of the batch's transaction, so a failing one takes nothing else with it. Its
//! completion runs after the commit and in job order; that is what makes announcements come in offset order.

use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::server::store::StoreError;

/// Jobs that may wait for the writer. Past this the callers wait, which is the back-pressure on publishers.
const QUEUE_JOBS: usize = 4_096;
/// Jobs in one transaction: enough to hide the fsync, few enough that the first of them does not wait long.
const BATCH_JOBS: usize = 256;

/// Told whether the batch was committed.
type Completion = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Does its work inside the transaction and gives back what to do after the commit.
type Job = Box<dyn FnOnce(&Connection) -> Completion + Send>;

enum Command {
    Run(Job),
    Stop(oneshot::Sender<()>),
}

/// A handle to the writer's thread.
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
}

impl Writer {
    /// Starts the thread; it ends on [`Writer::stop`] or when the handle is dropped.
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (commands, queue) = mpsc::channel(QUEUE_JOBS);
        thread::Builder::new().name("store-writer".into()).spawn(move || run(connection, queue))?;
        Ok(Self { commands })
    }

    /// Runs `job` in a transaction. After the commit calls `committed`, then returns what the job returned.
    ///
    /// Not waiting for the answer does not stop the job: what was begun is finished and announced.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let run = move |connection: &Connection| -> Completion {
            let result = in_savepoint(connection, job);
            Box::new(move |commit| {
                let result = commit.and(result);
                if let Ok(value) = &result {
                    committed(value);
                }
                // The caller may have gone; the work is done all the same.
                drop(reply.send(result));
            })
        };
        self.commands.send(Command::Run(Box::new(run))).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Finishes the queue and ends the thread.
    pub(super) async fn stop(&self) {
        let (reply, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop(reply)).await.is_ok() {
            drop(stopped.await);
        }
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = job(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    result
}

fn run(connection: Connection, mut queue: mpsc::Receiver<Command>) {
    let mut batch = Vec::with_capacity(BATCH_JOBS);
    while queue.blocking_recv_many(&mut batch, BATCH_JOBS) > 0 {
        let mut stop = None;
        let jobs = batch.drain(..).filter_map(|command| match command {
            Command::Run(job) => Some(job),
            Command::Stop(reply) => {
                stop = Some(reply);
                None
            }
        });
        commit(&connection, jobs.collect());
        if let Some(reply) = stop {
            queue.close();
            while let Ok(Command::Run(job)) = queue.try_recv() {
                commit(&connection, vec![job]);
            }
            drop(connection);
            // Whoever asked for the end may not have waited for it.
            let _ = reply.send(());
            return;
        }
    }
}

fn commit(connection: &Connection, jobs: Vec<Job>) {
    if jobs.is_empty() {
        return;
    }
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        // Without a transaction each savepoint would commit by itself, so no job runs. Dropping a job drops its
        // reply, and its caller learns that nothing was stored.
        tracing::error!(%error, "the writer could not begin a transaction");
        return;
    }
    let completions: Vec<Completion> = jobs.into_iter().map(|job| job(connection)).collect();
    let committed = connection.execute_batch("COMMIT");
    if let Err(error) = &committed {
        tracing::error!(%error, "the writer could not commit");
        drop(connection.execute_batch("ROLLBACK"));
    }
    for complete in completions {
        complete(committed.as_ref().copied().map_err(|error| StoreError::Commit(error.to_string())));
    }
}
