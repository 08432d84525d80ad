//! The thread that writes the log; `output` starts it. It is the only one that waits for the reader of standard error,
//! and it must survive every failure of a write: a reader that is gone, a full disk, a terminal that is closed, a pipe
//! that is full.

use std::{
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Counts, queue::Queue, throttle::Throttle};

/// Interval at which the throttle is asked for lines that are due.
const DUE_INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait of a line for a standard error that somebody made non-blocking and that is full.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Starts the thread. It ends with the program, even while it is stuck in a write.
pub(super) fn start(queue: &Arc<Queue>, throttle: &Arc<Throttle>, counts: &'static Counts) -> io::Result<()> {
    let (queue, throttle) = (queue.clone(), throttle.clone());
    let mut writer = LineWriter { out: standard_error(), is_partial: false, counts };
    thread::Builder::new().name("log".into()).spawn(move || work(&queue, &throttle, &mut writer))?;
    Ok(())
}

fn work(queue: &Queue, throttle: &Throttle, writer: &mut LineWriter<impl Write>) {
    let mut asked_at = Instant::now();
    loop {
        if let Some(line) = queue.take(DUE_INTERVAL) {
            writer.write(&line);
        }
        if asked_at.elapsed() >= DUE_INTERVAL {
            asked_at = Instant::now();
            // Through the queue, so that the program's end waits for them as for all others.
            for line in throttle.due(asked_at) {
                if !queue.offer(line) {
                    writer.counts.count_lost();
                }
            }
        }
    }
}

/// Not `io::stderr()`: its lock is held during a write that waits for a reader, and everything else that prints waits
/// too.
fn standard_error() -> Box<dyn Write + Send> {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(io::stderr()),
    }
}

/// Writes lines, and counts those that could not be written.
struct LineWriter<W> {
    out: W,
    /// A line was written in part: the next one begins on a new line.
    is_partial: bool,
    counts: &'static Counts,
}

impl<W: Write> LineWriter<W> {
    fn write(&mut self, line: &[u8]) {
        if self.try_write(line).is_err() {
            self.counts.count_lost();
        }
    }

    fn try_write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_partial {
            self.write_whole(b"\n")?;
            self.is_partial = false;
        }
        let result = self.write_whole(line);
        self.is_partial = result.as_ref().is_err_and(|partial| partial.written > 0);
        result.map_err(|partial| partial.error)
    }

    fn write_whole(&mut self, mut rest: &[u8]) -> Result<(), PartialWrite> {
        let (length, start) = (rest.len(), Instant::now());
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => {
                    return Err(PartialWrite {
                        error: ErrorKind::WriteZero.into(),
                        written: length - rest.len(),
                    });
                }
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && start.elapsed() < BUSY_TIMEOUT => {
                    thread::sleep(BUSY_PAUSE);
                }
                Err(error) => return Err(PartialWrite { error, written: length - rest.len() }),
            }
        }
        Ok(())
    }
}

/// The failure of a write, and how much of the line was written before.
struct PartialWrite {
    error: io::Error,
    written: usize,
}

impl From<PartialWrite> for io::Error {
    fn from(partial: PartialWrite) -> Self {
        partial.error
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::atomic::Ordering::Relaxed};

    use super::*;

    /// A standard error that follows a script: each write takes so many bytes or fails.
    struct Scripted {
        answers: VecDeque<Result<usize, ErrorKind>>,
        written: Vec<u8>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.answers.pop_front().unwrap_or(Ok(bytes.len()))?.min(bytes.len());
            self.written.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(answers: &[Result<usize, ErrorKind>]) -> (String, u64) {
        let counts: &'static Counts = Box::leak(Box::default());
        let out = Scripted { answers: answers.iter().copied().collect(), written: Vec::new() };
        let mut writer = LineWriter { out, is_partial: false, counts };
        for line in ["one\n", "two\n", "three\n"] {
            writer.write(line.as_bytes());
        }
        (String::from_utf8(writer.out.written).expect("text"), counts.lost.load(Relaxed))
    }

    #[test]
    fn a_line_that_cannot_be_written_is_lost_and_counted_and_the_next_is_written() {
        for fault in [ErrorKind::BrokenPipe, ErrorKind::StorageFull, ErrorKind::Other] {
            assert_eq!(written(&[Err(fault)]), ("two\nthree\n".to_owned(), 1), "{fault}");
        }
        assert_eq!(written(&[Ok(0), Ok(0)]), ("three\n".to_owned(), 2));
    }

    #[test]
    fn what_takes_nothing_now_is_asked_again() {
        let answers = [Err(ErrorKind::Interrupted), Err(ErrorKind::WouldBlock), Ok(1), Ok(1)];
        assert_eq!(written(&answers), ("one\ntwo\nthree\n".to_owned(), 0));
    }

    #[test]
    fn a_partial_line_does_not_run_into_the_next_one() {
        let full = Err(ErrorKind::StorageFull);
        assert_eq!(written(&[Ok(2), full]), ("on\ntwo\nthree\n".to_owned(), 1));
        assert_eq!(written(&[Ok(2), full, full]), ("on\nthree\n".to_owned(), 2), "the new line, too");
    }
}
