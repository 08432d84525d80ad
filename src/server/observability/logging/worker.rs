//! The thread that writes the log. It is the only one that waits for who reads standard error, and it survives whatever
//! writing comes to: a reader that is gone, a full disk, a terminal that is closed, a pipe that takes nothing now.

use std::{
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Counts, queue::Queue, throttle::Throttle};

/// How often is looked whether a line that was held back is due.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a line may wait for a standard error that somebody has made non-blocking and that takes nothing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Starts it; it ends with the program, also while it is stuck in a write.
pub(super) fn start(queue: &Arc<Queue>, throttle: &Arc<Throttle>, counts: &'static Counts) -> io::Result<()> {
    let (queue, throttle) = (queue.clone(), throttle.clone());
    let mut pen = Pen { out: standard_error(), is_torn: false, counts };
    thread::Builder::new().name("log".into()).spawn(move || work(&queue, &throttle, &mut pen))?;
    Ok(())
}

fn work(queue: &Queue, throttle: &Throttle, pen: &mut Pen<impl Write>) {
    let mut looked = Instant::now();
    loop {
        if let Some(line) = queue.take(LOOK_INTERVAL) {
            pen.write(&line);
        }
        if looked.elapsed() >= LOOK_INTERVAL {
            looked = Instant::now();
            // Through the queue, so that the program's end waits for them as for all others.
            for line in throttle.due(looked) {
                if !queue.offer(line) {
                    pen.counts.count_lost();
                }
            }
        }
    }
}

/// Not by `io::stderr()`: its lock is held while it waits for a reader, and whatever else wants to print waits too.
fn standard_error() -> Box<dyn Write + Send> {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(io::stderr()),
    }
}

/// Writes lines, and counts those that it cannot write.
struct Pen<W> {
    out: W,
    /// A line was written in part: the next one begins on a new line.
    is_torn: bool,
    counts: &'static Counts,
}

impl<W: Write> Pen<W> {
    fn write(&mut self, line: &[u8]) {
        if self.try_write(line).is_err() {
            self.counts.count_lost();
        }
    }

    fn try_write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.write_whole(b"\n")?;
            self.is_torn = false;
        }
        let result = self.write_whole(line);
        self.is_torn = result.as_ref().is_err_and(|torn| torn.written > 0);
        result.map_err(|torn| torn.error)
    }

    fn write_whole(&mut self, mut rest: &[u8]) -> Result<(), Torn> {
        let (length, start) = (rest.len(), Instant::now());
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => {
                    return Err(Torn { error: ErrorKind::WriteZero.into(), written: length - rest.len() });
                }
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && start.elapsed() < BUSY_TIMEOUT => {
                    thread::sleep(BUSY_PAUSE);
                }
                Err(error) => return Err(Torn { error, written: length - rest.len() }),
            }
        }
        Ok(())
    }
}

/// Why a line was not written, and how much of it was.
struct Torn {
    error: io::Error,
    written: usize,
}

impl From<Torn> for io::Error {
    fn from(torn: Torn) -> Self {
        torn.error
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::atomic::Ordering::Relaxed};

    use super::*;

    /// A standard error that does as it is told: takes so many bytes, or fails.
    struct Told {
        answers: VecDeque<Result<usize, ErrorKind>>,
        written: Vec<u8>,
    }

    impl Write for Told {
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
        let out = Told { answers: answers.iter().copied().collect(), written: Vec::new() };
        let mut pen = Pen { out, is_torn: false, counts };
        for line in ["one\n", "two\n", "three\n"] {
            pen.write(line.as_bytes());
        }
        (String::from_utf8(pen.out.written).expect("text"), counts.lost.load(Relaxed))
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
    fn a_torn_line_does_not_run_into_the_next_one() {
        let full = Err(ErrorKind::StorageFull);
        assert_eq!(written(&[Ok(2), full]), ("on\ntwo\nthree\n".to_owned(), 1));
        assert_eq!(written(&[Ok(2), full, full]), ("on\nthree\n".to_owned(), 2), "the new line, too");
    }
}
