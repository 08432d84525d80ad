//! Remembers a leap of the clock in the store while it is not believed. A server that starts again within one judges
//! age as before: its newest entries are dated by the leap and say nothing against it. The start and the background
//! tasks are the callers.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    clock::{Clock, Leap},
    store::{
        StoreError,
        directory::{Directory, Expect, Kind, Step},
    },
};

/// How often the clock is looked at. It notices a leap at any reading; a server that nothing is asked of reads here.
const INTERVAL: Duration = Duration::from_secs(1);

/// One node's record.
#[derive(Clone)]
pub(super) struct LeapRecord {
    directory: Arc<dyn Directory>,
    node: String,
}

impl LeapRecord {
    /// The record of the node with this name; nodes on one database need different ones.
    pub(super) fn new(directory: Arc<dyn Directory>, node: String) -> Self {
        Self { directory, node }
    }

    /// The leap that the server was in when it ended.
    pub(super) async fn read(&self) -> Result<Option<Leap>, StoreError> {
        self.directory.read(Kind::Leap, &self.node).await
    }

    /// Writes what becomes of the clock until `stop`. Begins with what is written.
    pub(super) async fn keep(self, clock: Arc<Clock>, stop: CancellationToken) {
        // Not known: it is written at the first tick, or removed.
        let (mut written, mut is_told) = (None, false);
        let mut ticks = tokio::time::interval(INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let leap = clock.leap();
            if written == Some(leap) {
                continue;
            }
            match self.write(leap).await {
                Ok(()) => (written, is_told) = (Some(leap), false),
                // It is tried again every second; once is enough to be told.
                Err(error) if !is_told => {
                    tracing::error!(%error, "a leap of the clock could not be noted in the store");
                    is_told = true;
                }
                Err(_) => {}
            }
        }
    }

    async fn write(&self, leap: Option<Leap>) -> Result<(), StoreError> {
        if leap.is_none() && self.read().await?.is_none() {
            return Ok(());
        }
        let step = match leap {
            Some(leap) => Step::put(Kind::Leap, &self.node, Expect::Anything, &leap),
            None => Step::remove(Kind::Leap, &self.node, Expect::Anything),
        };
        self.directory.change(vec![step]).await.map(drop)
    }
}
