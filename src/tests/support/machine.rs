//! A clock that stands unless a test moves it, so that nothing waits for hours.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use idobata::server::clock::{Clock, Reading};

use super::TestServer;

/// The clock of a machine.
#[derive(Clone)]
pub(crate) struct Machine {
    wall_ms: Arc<AtomicI64>,
    passed_ms: Arc<AtomicI64>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { wall_ms: Arc::new(1_795_000_000_000.into()), passed_ms: Arc::default() }
    }

    pub(crate) fn clock(&self) -> Clock {
        let machine = self.clone();
        Clock::new(Duration::from_secs(60), move || Reading {
            wall_ms: machine.wall_ms(),
            monotonic_ms: machine.passed_ms.load(SeqCst),
        })
    }

    pub(crate) fn wall_ms(&self) -> i64 {
        self.wall_ms.load(SeqCst)
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.passed_ms.fetch_add(ms, SeqCst);
        self.jump(ms);
    }

    /// The clock moves, and no time passes.
    pub(crate) fn jump(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, SeqCst);
    }

    pub(crate) async fn server(&self, data: &Path) -> TestServer {
        TestServer::start_on_clock(data, &[], self.clock()).await
    }
}
