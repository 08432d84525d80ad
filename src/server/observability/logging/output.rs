//! The subscriber's writer: it passes lines through the throttle into the queue, and the worker writes them. It runs on
//! whichever thread logs, the store's writer and the delivery pool included, so it must never wait, fail or panic.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{Level, Metadata, callsite::Identifier};
use tracing_subscriber::fmt::MakeWriter;

use super::{Counts, queue::Queue, throttle::Throttle, worker};
use crate::server::config::LogFormat;

/// The way to standard error. Cheap to clone.
#[derive(Clone)]
pub(super) struct Output {
    queue: Arc<Queue>,
    throttle: Arc<Throttle>,
    counts: &'static Counts,
}

impl Output {
    /// Starts the thread that writes, for as long as the program runs.
    pub(super) fn start(format: LogFormat, counts: &'static Counts) -> io::Result<Self> {
        let (queue, throttle) = (Arc::default(), Arc::new(Throttle::new(format, counts)));
        worker::start(&queue, &throttle, counts)?;
        Ok(Self { queue, throttle, counts })
    }

    /// Puts a line into the queue, or counts that it is lost.
    pub(super) fn offer(&self, line: Vec<u8>) {
        if !self.queue.offer(line) {
            self.counts.count_lost();
        }
    }

    /// Writes the lines that are held back and those that wait, as far as it gets within `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        for line in self.throttle.rest(Instant::now()) {
            self.offer(line);
        }
        self.queue.flush(patience);
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { output: self, throttled: None }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        let is_throttled = *metadata.level() <= Level::WARN;
        Line { output: self, throttled: is_throttled.then(|| metadata.callsite()) }
    }
}

/// One line of the log.
pub(super) struct Line<'a> {
    output: &'a Output,
    /// Its callsite, if it is held back when it repeats.
    throttled: Option<Identifier>,
}

impl io::Write for Line<'_> {
    /// Accepts all of it: the subscriber writes a whole line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let throttle = &self.output.throttle;
        if self.throttled.clone().is_none_or(|callsite| throttle.passes(callsite, line, Instant::now())) {
            self.output.offer(line.to_vec());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn a_line_beyond_the_queue_is_lost_and_counted_without_waiting() {
        let counts: &'static Counts = Box::leak(Box::default());
        let throttle = Arc::new(Throttle::new(LogFormat::Text, counts));
        let output = Output { queue: Arc::default(), throttle, counts };
        for _ in 0..100 {
            output.offer(vec![b'x'; 100_000]);
        }
        assert_eq!(counts.lost.load(Relaxed), 90, "a megabyte waits for a writer");
    }
}
