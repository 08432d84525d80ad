//! A histogram of durations, with buckets that are at most one percent wide, so that ten million values take no memory.

use std::time::Duration;

/// Buckets per power of two.
const STEPS: u64 = 128;

#[derive(Clone, Default)]
pub(crate) struct Delays {
    counts: Vec<u64>,
    total: u64,
}

impl Delays {
    pub(crate) fn note(&mut self, delay: Duration) {
        self.note_us(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn note_us(&mut self, us: u64) {
        let index = index_of(us);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
    }

    pub(crate) fn clear(&mut self) {
        self.counts.clear();
        self.total = 0;
    }

    /// The milliseconds that a `share` of the values (0.5 is the median) does not exceed.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        let rank = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reaches = |count: &u64| {
            seen += count;
            seen >= rank
        };
        let index = self.counts.iter().position(reaches).unwrap_or_default();
        lowest_of(index) as f64 / 1_000.0
    }

    /// `p50`, `p99` and `p99.9`, for the table.
    pub(crate) fn cells(&self) -> [String; 3] {
        [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)]
            .map(|(name, share)| format!("{name} {:.2} ms", self.percentile_ms(share)))
    }
}

/// The bucket of a duration. Below 2 * STEPS a bucket is a microsecond wide; above, each power of two has STEPS
/// buckets.
fn index_of(us: u64) -> usize {
    let shift = (us.max(1).ilog2()).saturating_sub(STEPS.ilog2());
    (u64::from(shift) * STEPS + (us >> shift)) as usize
}

fn lowest_of(index: usize) -> u64 {
    let index = index as u64;
    let shift = (index / STEPS).saturating_sub(1);
    (index - shift * STEPS) << shift
}
