//! The progress of a long command on one line of a terminal, and its early end by a signal. `backup` and `restore` use
//! it. Where standard error is no terminal it must show no progress.

use std::{
    fmt::Display,
    io::{IsTerminal, Write, stderr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::task::spawn_blocking;

use super::{folder::Size, signals::Signals};
use crate::server::store::sqlite::backup::CopyProgress;

/// Least time between two writes of the line: a person cannot read faster.
const EVERY: Duration = Duration::from_millis(200);

/// The line of progress; dropping it removes it.
pub(super) struct Progress {
    what: &'static str,
    shown_at: Option<Instant>,
    is_watched: bool,
}

/// Runs a command that blocks. A signal that means "stop" sets the flag that the command is given; it then removes what
/// it began.
pub(super) async fn until_stopped(
    command: impl FnOnce(Arc<AtomicBool>) -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<()> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let mut signals = Signals::install()?;
    let given = is_stopped.clone();
    let mut work = spawn_blocking(move || command(given));
    tokio::select! {
        done = &mut work => done?,
        _ = signals.stop() => {
            is_stopped.store(true, Relaxed);
            work.await?
        }
    }
}

impl Progress {
    /// A line "`what` DONE of TOTAL".
    pub(super) fn of(what: &'static str) -> Self {
        Self { what, shown_at: None, is_watched: stderr().is_terminal() }
    }

    /// Updates the line, unless that was done a moment ago.
    pub(super) fn show(&mut self, CopyProgress { done, total }: CopyProgress) {
        self.show_of(Size(done), Size(total));
    }

    /// The same for numbers of things, or whatever has a text.
    pub(super) fn show_of(&mut self, done: impl Display, total: impl Display) {
        if self.is_watched && self.shown_at.is_none_or(|at| at.elapsed() >= EVERY) {
            self.shown_at = Some(Instant::now());
            // A terminal that is gone is no error.
            let _ = write!(stderr(), "\r{} {done} of {total}   ", self.what);
        }
    }

    /// Writes a line that stays, also where standard error is no terminal.
    pub(super) fn say(&mut self, line: &str) {
        self.erase();
        let _ = writeln!(stderr(), "{line}");
    }

    /// Erases the line, if there is one.
    fn erase(&mut self) {
        if self.shown_at.take().is_some() {
            let _ = write!(stderr(), "\r{:60}\r", "");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.erase();
    }
}
