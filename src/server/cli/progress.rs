//! How far a long command is, on one line of a terminal. Where nobody watches, nothing is written.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

use super::folder::Size;
use crate::server::store::sqlite::backup::CopyProgress;

/// How often the line is written: a person cannot read faster.
const EVERY: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct Progress {
    what: &'static str,
    shown_at: Option<Instant>,
    is_watched: bool,
}

impl Progress {
    /// "`what` so much of so much".
    pub(super) fn of(what: &'static str) -> Self {
        Self { what, shown_at: None, is_watched: stderr().is_terminal() }
    }

    pub(super) fn show(&mut self, CopyProgress { done, total }: CopyProgress) {
        if !self.is_watched || self.shown_at.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.shown_at = Some(Instant::now());
        // A terminal that is gone takes nothing with it.
        let _ = write!(stderr(), "\r{} {} of {}   ", self.what, Size(done), Size(total));
    }

    /// Takes the line away.
    pub(super) fn end(&mut self) {
        if self.shown_at.is_some() {
            let _ = write!(stderr(), "\r{:60}\r", "");
        }
    }
}
