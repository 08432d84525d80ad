//! The entries that readers received, with their times, and the figures computed from them.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// The record of one reader, shared with the bench while it reads.
#[derive(Clone)]
pub(crate) struct Record(Arc<Mutex<Seen>>);

struct Seen {
    /// The offset it started after.
    start: u64,
    /// Arrival time of each entry; the first is that of `start + 1`.
    arrived: Vec<Instant>,
    /// Times when its connections were opened.
    opened: Vec<Instant>,
    /// Times when it became live.
    live: Vec<Instant>,
    /// Set if the promise was broken.
    fault: Option<String>,
}

impl Record {
    pub(crate) fn new(start: u64) -> Self {
        let seen = Seen { start, arrived: Vec::new(), opened: Vec::new(), live: Vec::new(), fault: None };
        Self(Arc::new(Mutex::new(seen)))
    }

    fn with<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.0.lock().unwrap())
    }

    /// The last offset received.
    pub(crate) fn offset(&self) -> u64 {
        self.with(|seen| seen.start + seen.arrived.len() as u64)
    }

    /// Records the next entry. Its offset must follow the last one, so the record has no gaps and no duplicates.
    pub(crate) fn take(&self, offset: u64) -> Result<(), String> {
        self.with(|seen| {
            let last = seen.start + seen.arrived.len() as u64;
            if offset != last + 1 {
                return Err(format!("{offset} came after {last}"));
            }
            seen.arrived.push(Instant::now());
            Ok(())
        })
    }

    /// Arrival time of this entry.
    pub(crate) fn arrived_at(&self, offset: u64) -> Option<Instant> {
        self.with(|seen| {
            let index = offset.checked_sub(seen.start + 1)?;
            seen.arrived.get(usize::try_from(index).ok()?).copied()
        })
    }

    pub(crate) fn note_opened(&self) {
        self.with(|seen| seen.opened.push(Instant::now()));
    }

    pub(crate) fn note_live(&self) {
        self.with(|seen| seen.live.push(Instant::now()));
    }

    pub(crate) fn note_fault(&self, fault: String) {
        self.with(|seen| seen.fault = Some(fault));
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.with(|seen| seen.fault.clone())
    }

    /// The time when it was live again after `since` and had everything up to `head`.
    pub(crate) fn back_at(&self, since: Instant, head: u64) -> Option<Instant> {
        self.with(|seen| {
            let live = *seen.live.iter().find(|live| **live >= since)?;
            let Some(index) = head.checked_sub(seen.start + 1) else { return Some(live) };
            Some(live.max(*seen.arrived.get(usize::try_from(index).ok()?)?))
        })
    }

    /// The times of its connections after `since`.
    pub(crate) fn opened_since(&self, since: Instant) -> Vec<Instant> {
        self.with(|seen| seen.opened.iter().copied().filter(|opened| *opened >= since).collect())
    }
}

/// The value that this percentage of them does not exceed. Sorts them.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let index = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(index).copied().unwrap_or_default()
}

/// The largest number of moments within any one second.
pub(crate) fn most_in_a_second(mut moments: Vec<Instant>) -> usize {
    moments.sort_unstable();
    let mut first = 0;
    let mut most = 0;
    for (index, moment) in moments.iter().enumerate() {
        while *moment - moments[first] >= Duration::from_secs(1) {
            first += 1;
        }
        most = most.max(index - first + 1);
    }
    most
}
