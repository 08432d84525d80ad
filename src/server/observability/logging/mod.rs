//! The log: one line an event, to standard error. `main` starts it once; tests do without.
//!
//! A line that cannot be written is lost and counted, and nothing else happens: a thread that logs must never wait,
//! fail or panic. Lines go through a bounded queue ([`queue`]) to one thread that writes them ([`worker`]), and
//! warnings and errors that repeat are written once a minute ([`throttle`]). Nothing else in the program writes to
//! standard error by itself.

mod filter;
mod output;
mod queue;
mod throttle;
mod worker;

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use self::output::Output;
use crate::server::config::LogFormat;

/// Longest wait of the program's end for the last lines: enough for a reader that reads, and no delay that a
/// supervisor notices.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

static COUNTS: Counts = Counts { lost: AtomicU64::new(0), suppressed: AtomicU64::new(0) };
static OUTPUT: OnceLock<Output> = OnceLock::new();

/// Lines that were not written, since the start of the program.
#[derive(Debug, Default)]
struct Counts {
    lost: AtomicU64,
    suppressed: AtomicU64,
}

impl Counts {
    fn count_lost(&self) {
        self.lost.fetch_add(1, Relaxed);
    }

    fn count_suppressed(&self) {
        self.suppressed.fetch_add(1, Relaxed);
    }
}

/// Lines that could not be written: standard error is closed, full or not read.
pub(crate) fn lost_lines() -> u64 {
    COUNTS.lost.load(Relaxed)
}

/// Lines that were left out because the same event was written in the same minute.
pub(crate) fn suppressed_lines() -> u64 {
    COUNTS.suppressed.load(Relaxed)
}

/// The running log. Dropping it writes what is left, for [`FLUSH_TIMEOUT`] at most.
#[must_use = "the last lines are written when it is dropped"]
pub struct Log(Output);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush(FLUSH_TIMEOUT);
    }
}

/// Starts the log. `RUST_LOG` chooses what is written; where it means nothing the default applies, and a complaint
/// about it is returned. The caller logs the complaint, once a full file can no longer end the program.
///
/// # Errors
/// The thread that writes cannot be started.
pub fn start(format: LogFormat) -> io::Result<(Log, Option<String>)> {
    let (filter, complaint) = filter::read(std::env::var_os("RUST_LOG"));
    let output = Output::start(format, &COUNTS)?;
    // Only the program's start gets here, and once; a second log would write through the first.
    let output = OUTPUT.get_or_init(|| output).clone();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(output.clone())
        .with_ansi(io::stderr().is_terminal())
        // Our writer never fails, and the subscriber's own message panics where standard error is gone.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        // Of a request's panic this is the only line; the request's span is still entered.
        let (reason, place) = (panic.payload_as_str().unwrap_or("no reason"), panic.location());
        let place = place.map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, reason, "panicked: please report this");
    }));
    Ok((Log(output), complaint))
}

/// Writes a line for the person who starts the program, whatever `RUST_LOG` says. Before [`start`] it is written at
/// once.
pub fn tell(text: &str) {
    let line = format!("idobata: {text}\n").into_bytes();
    match OUTPUT.get() {
        Some(output) => output.offer(line),
        // There is nowhere else to report that it failed.
        None => drop(io::stderr().write_all(&line)),
    }
}
