//! The one thread that writes: jobs that wait together are committed together (group commit).
//!
//! Each job runs in a savepoint of the batch's transaction, so a failing one takes nothing else with it. Its
//! completion runs after the commit and in job order; that is what makes announcements come in offset order.

use std::{sync::Arc, thread};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::guard::Guard;
use crate::server::store::StoreError;

/// Jobs that may wait for the writer. Past this the callers wait, which is the back-pressure on publishers.
const QUEUE_JOBS: usize = 4_096;
/// Jobs in one transaction: enough to hide the fsync, few enough that the first of them does not wait long.
const BATCH_JOBS: usize = 256;

/// Told whether the batch was committed.
type Completion = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Does its work inside the transaction and gives back what to do after the commit. Without a transaction it does
/// nothing but take note of the reason.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Completion + Send>;

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
    pub(super) fn start(connection: Connection, guard: Arc<Guard>) -> std::io::Result<Self> {
        let (commands, queue) = mpsc::channel(QUEUE_JOBS);
        thread::Builder::new().name("store-writer".into()).spawn(move || run(connection, &guard, queue))?;
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
        let run = move |connection: Result<&Connection, StoreError>| -> Completion {
            let result = connection.and_then(|connection| in_savepoint(connection, job));
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

fn run(connection: Connection, guard: &Guard, mut queue: mpsc::Receiver<Command>) {
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
        commit(&connection, guard, jobs.collect());
        if let Some(reply) = stop {
            queue.close();
            while let Ok(Command::Run(job)) = queue.try_recv() {
                commit(&connection, guard, vec![job]);
            }
            guard.before_close(&connection);
            drop(connection);
            // Whoever asked for the end may not have waited for it.
            let _ = reply.send(());
            return;
        }
    }
    guard.before_close(&connection);
}

/// Nothing of it is done; each caller is told why.
fn refuse(jobs: Vec<Job>, why: StoreError) {
    let why = Arc::new(why);
    for job in jobs {
        job(Err(StoreError::Batch(why.clone())))(Ok(()));
    }
}

fn commit(connection: &Connection, guard: &Guard, jobs: Vec<Job>) {
    if jobs.is_empty() {
        return;
    }
    if let Err(why) = guard.before_batch(connection) {
        return refuse(jobs, why);
    }
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        // Without a transaction each savepoint would commit by itself, so no job runs. Dropping a job drops its
        // reply, and its caller learns that nothing was stored.
        tracing::error!(%error, "the writer could not begin a transaction");
        return;
    }
    let mut completions = Vec::with_capacity(jobs.len());
    for job in jobs {
        completions.push(job(Ok(connection)));
        if connection.is_autocommit() {
            // A full disk or a read error makes SQLite roll the whole transaction back by itself (see its
            // documentation of ROLLBACK). The next job would run, and commit, outside of it: none does.
            break;
        }
    }
    let committed = connection.execute_batch("COMMIT");
    if let Err(error) = &committed {
        tracing::error!(%error, "the writer could not commit");
        // Fails when there is nothing left to roll back, which is what is wanted.
        let _ = connection.execute_batch("ROLLBACK");
    }
    let committed = committed.map_err(|error| StoreError::Commit(error.to_string()));
    let committed = committed.and_then(|()| guard.after_batch()).map_err(Arc::new);
    for complete in completions {
        complete(committed.as_ref().copied().map_err(|error| StoreError::Batch(error.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(folder: &tempfile::TempDir) -> Connection {
        let connection = Connection::open(folder.path().join("test.db")).expect("opened");
        connection.execute_batch("CREATE TABLE IF NOT EXISTS numbers (n INTEGER UNIQUE)").expect("made");
        connection
    }

    fn insert(n: u32) -> impl FnOnce(&Connection) -> Result<(), StoreError> {
        move |connection| Ok(connection.execute("INSERT INTO numbers VALUES (?1)", [n]).map(drop)?)
    }

    fn job(
        work: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> (Job, oneshot::Receiver<bool>) {
        let (reply, answer) = oneshot::channel();
        let run = move |connection: Result<&Connection, StoreError>| -> Completion {
            let result = connection.and_then(|connection| in_savepoint(connection, work));
            Box::new(move |commit| reply.send(commit.and(result).is_ok()).expect("the test waits"))
        };
        (Box::new(run), answer)
    }

    fn run_batch(connection: &Connection, jobs: Vec<(Job, oneshot::Receiver<bool>)>) -> Vec<bool> {
        let (jobs, answers): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        commit(connection, &Guard::of_nothing(), jobs);
        // No answer is a refusal as well.
        answers.into_iter().map(|mut answer| answer.try_recv().unwrap_or(false)).collect()
    }

    fn stored(connection: &Connection) -> Vec<u32> {
        let mut select = connection.prepare("SELECT n FROM numbers ORDER BY n").expect("prepared");
        let rows = select.query_map([], |row| row.get(0)).expect("queried");
        rows.collect::<Result<_, _>>().expect("read")
    }

    #[test]
    fn a_failing_job_takes_no_other_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(&folder);
        let answers = run_batch(&connection, vec![job(insert(1)), job(insert(1)), job(insert(2))]);
        assert_eq!((answers, stored(&connection)), (vec![true, false, true], vec![1, 2]));
    }

    #[test]
    fn after_sqlite_rolled_back_by_itself_nothing_is_stored_and_all_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(&folder);
        // What SQLite does on a full disk, as far as the transaction is concerned.
        let lost = |connection: &Connection| Ok(connection.execute_batch("ROLLBACK")?);
        let answers = run_batch(&connection, vec![job(insert(1)), job(lost), job(insert(2))]);
        assert_eq!((answers, stored(&connection)), (vec![false, false, false], vec![]));
        assert_eq!(run_batch(&connection, vec![job(insert(3))]), [true], "the next batch is a new beginning");
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_finished_and_announced() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::start(connection(&folder), Arc::new(Guard::of_nothing())).expect("started");
        let (announce, announced) = oneshot::channel();
        let run = writer.run(insert(1), move |()| announce.send(()).expect("the test waits"));
        // Polled once, so that the job is on its way, and then given up.
        drop(tokio::time::timeout(std::time::Duration::ZERO, run).await);
        announced.await.expect("announced");
        writer.stop().await;
        assert_eq!(stored(&connection(&folder)), [1]);
    }
}
