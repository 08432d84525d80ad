//! A server log whose reader is gone, that is full, or that repeats itself: the line is lost and counted, and nothing
//! else happens. These tests run the real program, because they are about its standard error.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, PipeReader, Read, Write, pipe},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::Path,
    process::Stdio,
};

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::net::TcpStream;

use crate::support::{Program, in_time};

/// Every component logs something about each request.
const TALKATIVE: &str = "RUST_LOG=trace exec \"$@\"";
/// The program logs only at the start, at the end, and when something is wrong.
const USUAL: &str = "exec \"$@\"";
/// `O_NONBLOCK` of Linux.
const NON_BLOCKING: i32 = 0o4000;

async fn publish(program: &Program) -> u16 {
    let request = reqwest::Client::new().post(format!("{}/api/events/ops", program.url)).body("text");
    in_time(request.send()).await.unwrap().status().as_u16()
}

async fn lost_lines(program: &Program) -> u64 {
    let metrics = reqwest::get(format!("{}/metrics", program.url)).await.unwrap().text().await.unwrap();
    let count = metrics.lines().find_map(|line| line.strip_prefix("idobata_log_lines_lost_total "));
    count.unwrap().parse().unwrap()
}

/// Makes the program log until it has lost a line.
async fn expect_loss(program: &Program) {
    in_time(async {
        while lost_lines(program).await == 0 {
            publish(program).await;
        }
    })
    .await;
}

/// A standard error whose reader is gone.
fn broken_pipe() -> Stdio {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A standard error whose pipe is full, and its reader, which does not read.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, writer) = pipe().unwrap();
    // Opened again, so that only this end is non-blocking.
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let mut filling = OpenOptions::new().write(true).custom_flags(NON_BLOCKING).open(path).unwrap();
    let full = loop {
        if let Err(error) = filling.write(&[b'\n'; 512]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    (reader, writer.into())
}

fn full_device() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[tokio::test]
async fn a_log_that_cannot_be_written_is_lost_and_counted_and_nothing_else() {
    for (name, stderr) in [("broken pipe", broken_pipe()), ("full device", full_device())] {
        let data = tempfile::tempdir().unwrap();
        let mut program = Program::in_shell(TALKATIVE, data.path(), &[], stderr).await;
        assert_eq!(publish(&program).await, 201, "{name}");
        expect_loss(&program).await;
        assert_eq!(publish(&program).await, 201, "{name}");
        assert_eq!(program.signal("-TERM").await, Some(0), "{name}");
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_nothing_up() {
    for script in [TALKATIVE, USUAL] {
        let data = tempfile::tempdir().unwrap();
        let (reader, stderr) = full_pipe();
        let mut program = Program::in_shell(script, data.path(), &[], stderr).await;
        for _ in 0..20 {
            assert_eq!(publish(&program).await, 201);
        }
        assert_eq!(program.signal("-TERM").await, Some(0), "{script}");
        drop(reader);
    }
}

#[tokio::test]
async fn a_program_that_cannot_start_says_why_and_does_not_wait_for_a_reader() {
    let data = tempfile::tempdir().unwrap();
    let (reader, stderr) = full_pipe();
    let mut child = tokio::process::Command::new(crate::support::PROGRAM)
        .args(["--listen", "192.0.2.1:3000", "--open-to-guests", "--data"])
        .arg(data.path())
        .stderr(stderr)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert_eq!(in_time(child.wait()).await.unwrap().code(), Some(1));
    drop(reader);
}

/// Renames the store's tables, so that every append of the running program fails. Those of FTS5 go with the one that they
/// belong to.
fn break_store(data: &Path) {
    let database = rusqlite::Connection::open(data.join("idobata.db")).unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%search_words_%'";
    let names: Vec<String> = {
        let mut statement = database.prepare(names).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for name in names {
        database.execute_batch(&format!("ALTER TABLE \"{name}\" RENAME TO \"was {name}\"")).unwrap();
    }
}

fn mend_store(data: &Path) {
    let database = rusqlite::Connection::open(data.join("idobata.db")).unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'was %' AND name NOT LIKE '%search_words_%'";
    let names: Vec<String> = {
        let mut statement = database.prepare(names).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for name in names {
        let old = name.strip_prefix("was ").unwrap();
        database.execute_batch(&format!("ALTER TABLE \"{name}\" RENAME TO \"{old}\"")).unwrap();
    }
}

#[tokio::test]
async fn a_store_fault_beside_a_log_nobody_reads_is_over_when_it_is_over() {
    for stderr in [broken_pipe(), full_device()] {
        let data = tempfile::tempdir().unwrap();
        let mut program = Program::in_shell(USUAL, data.path(), &[], stderr).await;
        assert_eq!(publish(&program).await, 201);
        break_store(data.path());
        for _ in 0..5 {
            assert_eq!(publish(&program).await, 503);
        }
        mend_store(data.path());
        assert_eq!(publish(&program).await, 201, "without a restart");
        assert_eq!(program.signal("-TERM").await, Some(0));
    }
}

#[tokio::test]
async fn a_fault_that_repeats_is_one_line_and_its_number() {
    let data = tempfile::tempdir().unwrap();
    let (mut log, stderr) = pipe().unwrap();
    let mut program = Program::in_shell(USUAL, data.path(), &[], stderr.into()).await;
    break_store(data.path());
    for _ in 0..50 {
        assert_eq!(publish(&program).await, 503);
    }
    mend_store(data.path());
    assert_eq!(program.signal("-TERM").await, Some(0));
    let mut said = String::new();
    log.read_to_string(&mut said).unwrap();
    let faults: Vec<_> = said.lines().filter(|line| line.contains("the store failed")).collect();
    assert_eq!(faults.len(), 2, "the first at once, the newest at the end: {said}");
    assert!(faults[1].ends_with("suppressed=48"), "{said}");
}

#[tokio::test]
async fn connections_beyond_the_descriptors_are_closed_at_once_and_the_rest_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let script = "ulimit -n 64; exec \"$@\"";
    let mut program = Program::in_shell(script, data.path(), &[], broken_pipe()).await;
    let address = program.url.strip_prefix("http://").unwrap().to_owned();
    let connections = join_all((0..200).map(|_| TcpStream::connect(&address))).await;
    let open: Vec<TcpStream> = connections.into_iter().map(Result::unwrap).collect();
    // The surplus connections are closed, whichever they are.
    let ends: FuturesUnordered<_> = open.iter().map(TcpStream::readable).collect();
    let closed: Vec<_> = in_time(ends.take(200 - 64).collect()).await;
    assert!(closed.iter().all(Result::is_ok), "{closed:?}");
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", program.id())).unwrap().count();
    assert!(descriptors < 64, "{descriptors} are open");
    drop(open);
    // The descriptors are free again as soon as the server has noticed.
    in_time(async {
        let request = || reqwest::Client::new().post(format!("{}/api/events/ops", program.url)).body("text");
        while request().send().await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(program.signal("-TERM").await, Some(0));
}

#[tokio::test]
async fn rust_log_that_means_nothing_is_told_and_the_log_goes_on() {
    for (setting, part) in [("loud", "RUST_LOG=\"loud\""), ("=,=", "RUST_LOG"), ("idobta=debug", "idobta")] {
        let data = tempfile::tempdir().unwrap();
        let (mut log, stderr) = pipe().unwrap();
        let script = format!("RUST_LOG='{setting}' exec \"$@\"");
        let mut program = Program::in_shell(&script, data.path(), &[], stderr.into()).await;
        assert_eq!(program.signal("-TERM").await, Some(0));
        let mut said = String::new();
        log.read_to_string(&mut said).unwrap();
        assert!(said.contains(part) && said.contains("listening on"), "{said}");
    }
}

#[tokio::test]
async fn help_into_a_pipe_that_is_closed_is_no_panic() {
    let output = tokio::process::Command::new("sh")
        .args(["-c", "\"$0\" --help | head -n 1", crate::support::PROGRAM])
        .output()
        .await
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
