//! The writer thread, the only one that writes. Jobs that wait at the same time are committed together (group commit).
//!
//! Each job runs in a savepoint of the batch's transaction, so a failing job does not affect the others. A job that is
//! alone in its batch needs no savepoint, and SQLite then keeps no copy of each page that the job changes. Completions
//! run after the commit and in job order, which is why announcements come in offset order.
//!
//! The thread ends only when it is told to: a job that fails or panics gets an error, and the next batch starts afresh.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Instant,
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::guard::Guard;
use crate::server::store::{Announce, StoreError, health::Health};

/// Jobs that may wait for the writer. Past this the callers wait, which is the back-pressure on publishers.
const QUEUE_JOBS: usize = 4_096;
/// Jobs per transaction: enough to hide the fsync, few enough that the first of them does not wait long.
const BATCH_JOBS: usize = 256;

/// Called after the batch with the outcome of its commit.
type Completion = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// The work of a job inside the transaction. It gets the reason instead if there is no transaction.
type Job = Box<dyn FnOnce(Result<Turn<'_>, StoreError>) -> Done + Send>;

/// A job's access to the transaction.
#[derive(Clone, Copy)]
struct Turn<'a> {
    connection: &'a Connection,
    /// True if the batch has no other job.
    is_alone: bool,
}

/// The outcome of a job before the commit.
struct Done {
    /// Called after the commit.
    complete: Completion,
    /// The cause, if the job failed because of the database.
    fault: Option<String>,
}

enum Command {
    Run(Job),
    Stop(oneshot::Sender<()>),
}

/// The collaborators of each batch.
struct Watch {
    guard: Arc<Guard>,
    health: Arc<Health>,
    announce: Arc<dyn Announce>,
}

/// A handle to the writer thread.
#[derive(Clone)]
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
}

impl Writer {
    /// Starts the thread, which ends on [`Writer::stop`] or when the handle is dropped. Records in `health` whether
    /// commits succeed.
    pub(super) fn start(
        connection: Connection,
        guard: Arc<Guard>,
        health: Arc<Health>,
        announce: Arc<dyn Announce>,
    ) -> std::io::Result<Self> {
        let (commands, queue) = mpsc::channel(QUEUE_JOBS);
        let watch = Watch { guard, health, announce };
        thread::Builder::new().name("store-writer".into()).spawn(move || run(connection, queue, &watch))?;
        Ok(Self { commands })
    }

    /// Runs `job` in a transaction. After the commit it calls `committed`, then returns the job's result.
    ///
    /// Dropping the future does not stop a job that was enqueued: it is finished and announced.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let run = move |turn: Result<Turn<'_>, StoreError>| -> Done {
            let result = turn.and_then(|turn| in_turn(turn, job));
            let fault = result.as_ref().err().and_then(fault_of);
            let complete: Completion = Box::new(move |commit| {
                let result = commit.and(result);
                if let Ok(value) = &result {
                    committed(value);
                }
                // The caller may have gone; the work is done all the same.
                drop(reply.send(result));
            });
            Done { complete, fault }
        };
        self.commands.send(Command::Run(Box::new(run))).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Commit(PANICKED.to_owned()))?
    }

    /// Finishes the queued jobs and ends the thread.
    pub(super) async fn stop(&self) {
        let (reply, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop(reply)).await.is_ok() {
            drop(stopped.await);
        }
    }
}

/// The error for a caller that gets no reply: its job or its completion panicked, or a panic ended the batch before its
/// job ran.
const PANICKED: &str = "a job of the writer panicked";
/// The error for jobs of a batch that SQLite rolled back by itself.
const ROLLED_BACK: &str = "SQLite rolled the transaction back";

fn in_turn<T>(
    turn: Turn<'_>,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let Turn { connection, is_alone } = turn;
    if !is_alone {
        run_cached(connection, "SAVEPOINT job")?;
    }
    let result = job(connection);
    // A full disk or a read error makes SQLite roll the whole transaction back by itself (see its documentation of
    // ROLLBACK), and the savepoint with it.
    if connection.is_autocommit() {
        return result.and(Err(StoreError::Commit(ROLLED_BACK.to_owned())));
    }
    let ending: &[&str] = match (is_alone, result.is_ok()) {
        (true, true) => &[],
        // The batch goes on in a new, empty transaction.
        (true, false) => &["ROLLBACK", "BEGIN IMMEDIATE"],
        (false, true) => &["RELEASE job"],
        (false, false) => &["ROLLBACK TO job", "RELEASE job"],
    };
    if let Err(error) = ending.iter().try_for_each(|sql| run_cached(connection, sql)) {
        roll_back(connection);
        return result.and(Err(error.into()));
    }
    result
}

/// Executes a statement that SQLite compiles once and keeps.
fn run_cached(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Ends the transaction, if there is one.
fn roll_back(connection: &Connection) {
    // It fails if there is nothing to roll back, which is fine.
    let _ = connection.execute_batch("ROLLBACK");
}

/// The text of an error that is the database's fault; `None` if it is the job's own.
fn fault_of(error: &StoreError) -> Option<String> {
    let StoreError::Sqlite(cause) = error else { return None };
    let is_fault = matches!(
        cause.sqlite_error_code()?,
        ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::NoLargeFileSupport
    );
    is_fault.then(|| cause.to_string())
}

fn run(connection: Connection, mut queue: mpsc::Receiver<Command>, watch: &Watch) {
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
        commit_or_go_on(&connection, jobs.collect(), watch);
        if let Some(reply) = stop {
            queue.close();
            while let Ok(Command::Run(job)) = queue.try_recv() {
                commit_or_go_on(&connection, vec![job], watch);
            }
            watch.guard.before_close(&connection);
            drop(connection);
            // The caller may have stopped waiting.
            let _ = reply.send(());
            return;
        }
    }
    watch.guard.before_close(&connection);
}

/// Commits a batch. The thread must survive any panic in it, even one of the logger.
fn commit_or_go_on(connection: &Connection, jobs: Vec<Job>, watch: &Watch) {
    if catch_unwind(AssertUnwindSafe(|| commit(connection, jobs, watch))).is_err() {
        roll_back(connection);
    }
}

/// Rejects all jobs of a batch with one reason; nothing of it is done.
fn refuse(jobs: Vec<Job>, why: StoreError) {
    let why = Arc::new(why);
    for job in jobs {
        (job(Err(StoreError::Batch(why.clone()))).complete)(Ok(()));
    }
}

fn commit(connection: &Connection, jobs: Vec<Job>, watch: &Watch) {
    if jobs.is_empty() {
        return;
    }
    let Watch { guard, health, announce } = watch;
    if let Err(why) = guard.before_batch(connection) {
        return refuse(jobs, why);
    }
    let (changes, since) = (connection.total_changes(), Instant::now());
    let begun = run_cached(connection, "BEGIN IMMEDIATE").map_err(|error| error.to_string());
    if begun.is_ok()
        && let Err(why) = guard.in_batch(connection)
    {
        roll_back(connection);
        return refuse(jobs, why);
    }
    let Batch { completions, fault, result } = run_jobs(connection, jobs, begun);
    let committed = result.and_then(|()| {
        let committed = run_cached(connection, "COMMIT").map_err(|error| error.to_string());
        committed.inspect_err(|_| roll_back(connection))
    });
    match fault.as_ref().or(committed.as_ref().err()) {
        Some(cause) => health.failed(cause),
        // A commit that changed nothing wrote nothing, and proves nothing.
        None if connection.total_changes() > changes => {
            announce.note_commit(since.elapsed());
            health.succeeded();
        }
        None => {}
    }
    let committed =
        committed.map_err(StoreError::Commit).and_then(|()| guard.after_batch()).map_err(Arc::new);
    for complete in completions {
        let committed = committed.clone().map_err(StoreError::Batch);
        // A completion calls code outside of this module. If it panics, the other callers must still get their answers.
        if catch_unwind(AssertUnwindSafe(|| complete(committed))).is_err() {
            tracing::error!("panicked after a commit");
        }
    }
}

/// A batch before its commit.
struct Batch {
    completions: Vec<Completion>,
    /// The cause, if the database failed for one of the jobs.
    fault: Option<String>,
    /// An error if there is nothing to commit.
    result: Result<(), String>,
}

/// Runs the jobs one after the other while the transaction is open. Jobs after its end get an error: without a
/// transaction each of them would commit by itself.
fn run_jobs(connection: &Connection, jobs: Vec<Job>, begun: Result<(), String>) -> Batch {
    let mut batch = Batch { completions: Vec::with_capacity(jobs.len()), fault: None, result: begun };
    let turn = Turn { connection, is_alone: jobs.len() == 1 };
    for job in jobs {
        let turn = batch.result.clone().map(|()| turn).map_err(StoreError::Commit);
        let is_open = turn.is_ok();
        match catch_unwind(AssertUnwindSafe(|| job(turn))) {
            Ok(Done { complete, fault }) => {
                batch.completions.push(complete);
                batch.fault = batch.fault.or(fault);
            }
            Err(_) => {
                tracing::error!("{PANICKED}; nothing of its batch is stored");
                roll_back(connection);
            }
        }
        if is_open && connection.is_autocommit() {
            batch.result = Err(batch.fault.clone().unwrap_or_else(|| ROLLED_BACK.to_owned()));
        }
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::cursor::Epoch,
        server::store::{Appended, health::Due},
    };

    struct Silent;

    impl Announce for Silent {
        fn announce(&self, _: &Epoch, _: &[Appended]) {}
    }

    fn watch(health: Arc<Health>) -> Watch {
        Watch { guard: Arc::new(Guard::of_nothing()), health, announce: Arc::new(Silent) }
    }

    fn start(connection: Connection) -> std::io::Result<Writer> {
        Writer::start(connection, Arc::new(Guard::of_nothing()), Arc::default(), Arc::new(Silent))
    }

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
        let run = move |turn: Result<Turn<'_>, StoreError>| -> Done {
            let result = turn.and_then(|turn| in_turn(turn, work));
            let fault = result.as_ref().err().and_then(fault_of);
            let complete: Completion =
                Box::new(move |commit| reply.send(commit.and(result).is_ok()).expect("the test waits"));
            Done { complete, fault }
        };
        (Box::new(run), answer)
    }

    fn run_batch(connection: &Connection, jobs: Vec<(Job, oneshot::Receiver<bool>)>) -> Vec<bool> {
        let (jobs, answers): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        commit(connection, jobs, &watch(Arc::default()));
        answers.into_iter().map(|mut answer| answer.try_recv().expect("everybody is answered")).collect()
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
    fn a_failing_job_that_is_alone_leaves_nothing_and_the_next_one_is_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(&folder);
        let half = |connection: &Connection| {
            insert(1)(connection)?;
            insert(1)(connection)
        };
        assert_eq!(run_batch(&connection, vec![job(half)]), [false]);
        assert!(connection.is_autocommit(), "no transaction is left open");
        assert_eq!(run_batch(&connection, vec![job(insert(2))]), [true]);
        assert_eq!(stored(&connection), [2]);
    }

    #[test]
    fn after_sqlite_rolled_back_by_itself_nothing_is_stored_and_all_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = connection(&folder);
        // The effect of a full disk on SQLite's transaction.
        let lost = |connection: &Connection| Ok(connection.execute_batch("ROLLBACK")?);
        let answers = run_batch(&connection, vec![job(insert(1)), job(lost), job(insert(2))]);
        assert_eq!((answers, stored(&connection)), (vec![false, false, false], vec![]));
        assert_eq!(run_batch(&connection, vec![job(insert(3))]), [true], "the next batch is a new beginning");
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_finished_and_announced() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = start(connection(&folder)).expect("started");
        let (announce, announced) = oneshot::channel();
        let run = writer.run(insert(1), move |()| announce.send(()).expect("the test waits"));
        // Polled once, so that the job is enqueued, then dropped.
        drop(tokio::time::timeout(std::time::Duration::ZERO, run).await);
        announced.await.expect("announced");
        writer.stop().await;
        assert_eq!(stored(&connection(&folder)), [1]);
    }

    #[test]
    fn where_no_transaction_begins_all_are_told_so_and_it_goes_on_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let (connection, other) = (connection(&folder), connection(&folder));
        connection.busy_timeout(std::time::Duration::ZERO).expect("set");
        other.execute_batch("BEGIN IMMEDIATE").expect("begun");
        assert_eq!(run_batch(&connection, vec![job(insert(1)), job(insert(2))]), [false, false]);
        other.execute_batch("COMMIT").expect("ended");
        assert_eq!(run_batch(&connection, vec![job(insert(1))]), [true]);
    }

    #[test]
    fn a_full_database_refuses_its_jobs_is_noted_and_goes_on_when_there_is_space() {
        let folder = tempfile::tempdir().expect("a folder");
        let (connection, health) = (connection(&folder), Arc::<Health>::default());
        let large = |connection: &Connection| {
            let insert = "INSERT INTO numbers SELECT 1000 + value FROM generate_series(1, 9999)";
            let recursive = insert.replace(
                "generate_series(1, 9999)",
                "(WITH RECURSIVE s(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM s WHERE value < 9999) \
                 SELECT value FROM s)",
            );
            Ok(connection.execute(&recursive, []).map(drop)?)
        };
        connection.pragma_update(None, "max_page_count", 4).expect("set");
        let run = |work: Vec<(Job, oneshot::Receiver<bool>)>| {
            let (jobs, answers): (Vec<_>, Vec<_>) = work.into_iter().unzip();
            commit(&connection, jobs, &watch(health.clone()));
            answers.into_iter().map(|mut answer| answer.try_recv().expect("answered")).collect::<Vec<_>>()
        };
        assert!(!run(vec![job(insert(1)), job(large)])[1]);
        assert_eq!(health.due(), Due::Large);
        connection.pragma_update(None, "max_page_count", 1_000_000).expect("set");
        assert_eq!(run(vec![job(large), job(insert(2))]), [true, true]);
        assert_eq!(health.due(), Due::Nothing);
    }

    #[tokio::test]
    async fn a_job_that_panics_is_refused_and_the_writer_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = start(connection(&folder)).expect("started");
        let panics = |_: &Connection| -> Result<(), StoreError> { panic!("as a fault of ours does") };
        assert!(matches!(writer.run(panics, |()| ()).await, Err(StoreError::Commit(_))));
        writer.run(insert(1), |()| panic!("a fault of who is told")).await.expect_err("nobody could say");
        writer.run(insert(2), |()| ()).await.expect("it goes on");
        writer.stop().await;
        assert_eq!(stored(&connection(&folder)), [1, 2]);
    }
}
