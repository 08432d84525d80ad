//! The bounded queue of lines for standard error. `output` offers lines and must never wait; `worker` takes them. The
//! lock is held for moments only, never while something is written.

use std::{collections::VecDeque, time::Duration};

use parking_lot::{Condvar, Mutex, MutexGuard};

/// Most bytes that wait for a reader that does not read: some ten thousand lines.
const MAX_BYTES: usize = 1024 * 1024;

/// Lines in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The worker has a line that is not written yet.
    is_writing: bool,
}

impl Queue {
    /// Adds a line; false: there is no room for it.
    #[must_use]
    pub(super) fn offer(&self, line: Vec<u8>) -> bool {
        let mut waiting = self.lock();
        let bytes = waiting.bytes + line.len();
        if bytes > MAX_BYTES {
            return false;
        }
        waiting.bytes = bytes;
        waiting.lines.push_back(line);
        drop(waiting);
        self.changed.notify_all();
        true
    }

    /// Waits for the next line; `None`: none came within `patience`. The line before it counts as written from here on.
    pub(super) fn take(&self, patience: Duration) -> Option<Vec<u8>> {
        let mut waiting = self.lock();
        waiting.is_writing = false;
        self.changed.notify_all();
        self.changed.wait_while_for(&mut waiting, |waiting| waiting.lines.is_empty(), patience);
        let line = waiting.lines.pop_front()?;
        waiting.bytes -= line.len();
        waiting.is_writing = true;
        Some(line)
    }

    /// Waits until all lines are written, for `patience` at most.
    pub(super) fn flush(&self, patience: Duration) {
        let is_busy = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        self.changed.wait_while_for(&mut self.lock(), is_busy, patience);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn lines_come_out_as_they_came_and_only_so_many_wait() {
        let queue = Queue::default();
        assert!(queue.offer(b"first".to_vec()));
        assert!(queue.offer(vec![b'x'; MAX_BYTES - 5]));
        assert!(!queue.offer(b"x".to_vec()), "there is no room");
        assert_eq!(queue.take(Duration::ZERO).as_deref(), Some(&b"first"[..]));
        assert!(queue.offer(b"later".to_vec()), "there is room again");
        assert_eq!(queue.take(Duration::ZERO).map(|line| line.len()), Some(MAX_BYTES - 5));
        assert_eq!(queue.take(Duration::ZERO).as_deref(), Some(&b"later"[..]));
        assert_eq!(queue.take(Duration::ZERO), None);
    }

    #[test]
    fn a_flush_waits_for_what_is_being_written_and_not_for_ever() {
        let queue = Queue::default();
        assert!(queue.offer(b"line".to_vec()));
        queue.take(Duration::ZERO).expect("it is there");
        let (patience, begun) = (Duration::from_millis(20), Instant::now());
        queue.flush(patience); // it is stuck with the writer
        assert!(begun.elapsed() >= patience);
        assert_eq!(queue.take(Duration::ZERO), None, "written");
        queue.flush(Duration::from_secs(3_600));
    }
}
