//! How far a long command is, on one line of a terminal, and when to end it. Where nobody watches, nothing is
//! written.

use std::{
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

/// How often the line is written: a person cannot read faster.
const EVERY: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct Progress {
    what: &'static str,
    shown_at: Option<Instant>,
    is_watched: bool,
}

/// Runs what blocks. After a signal that means "stop" it is told so, and removes what it began.
pub(super) async fn until_stopped(
    command: impl FnOnce(Arc<AtomicBool>) -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<()> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let mut signals = Signals::hear()?;
    let given = is_stopped.clone();
    let mut work = spawn_blocking(move || command(given));
    tokio::select! {
        done = &mut work => done?,
        () = signals.stop() => {
            is_stopped.store(true, Relaxed);
            work.await?
        }
    }
}

impl Progress {
    /// "`what` so much of so much".
    pub(super) fn of(what: &'static str) -> Self {
        Self { what, shown_at: None, is_watched: stderr().is_terminal() }
    }

    /// Shows it.
    pub(super) fn show(&mut self, CopyProgress { done, total }: CopyProgress) {
        if self.is_watched && self.shown_at.is_none_or(|at| at.elapsed() >= EVERY) {
            self.shown_at = Some(Instant::now());
            // A terminal that is gone takes nothing with it.
            let _ = write!(stderr(), "\r{} {} of {}   ", self.what, Size(done), Size(total));
        }
    }
}

impl Drop for Progress {
    /// Takes the line away.
    fn drop(&mut self) {
        if self.shown_at.is_some() {
            let _ = write!(stderr(), "\r{:60}\r", "");
        }
    }
}
