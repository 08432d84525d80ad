//! The output of a program on its way: a thread a stream reads it from a pipe and writes it on at once, byte for byte,
//! and then shows it to the watcher. A stream that is not read is inherited.

use std::{
    fs::File,
    io::{self, ErrorKind, IsTerminal, PipeReader, PipeWriter, Read, Write, pipe, stderr, stdout},
    os::fd::{AsFd, BorrowedFd},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use rustix::fs::fstat;

/// Bytes that are read at once: the size of a pipe.
const CHUNK_BYTES: usize = 64 * 1024;
/// The longest silence of a stream after the program's end, if another program still has it: everything that was written
/// before is in the pipe already.
const SILENCE: Duration = Duration::from_millis(300);

/// The streams that are read.
pub(super) struct Tees {
    stdout: bool,
    stderr: bool,
}

/// The running threads.
pub(super) struct Running {
    ended: Receiver<io::Result<()>>,
    /// Of each thread a number that grows with each read, and is odd while it waits for one.
    reads: Vec<Arc<AtomicU64>>,
}

impl Tees {
    /// Reads both streams if `all`, else those that are no terminals; none unless `any`.
    pub(super) fn new(any: bool, all: bool) -> Self {
        let is_read = |is_terminal: bool| any && (all || !is_terminal);
        Self { stdout: is_read(stdout().is_terminal()), stderr: is_read(stderr().is_terminal()) }
    }

    /// The program's standard output and standard error, and the threads that read them. They show what they have read
    /// to `watch`, with 0 for standard output and 1 for standard error.
    pub(super) fn start(
        &self,
        watch: impl Fn(usize, &[u8]) + Clone + Send + 'static,
    ) -> io::Result<(Stdio, Stdio, Running)> {
        let (sender, ended) = channel();
        let mut running = Running { ended, reads: Vec::new() };
        let out = match self.stdout {
            true => {
                let watch = watch.clone();
                Some(running.tee(stdout().as_fd(), move |bytes| watch(0, bytes), sender.clone())?)
            }
            false => None,
        };
        let err = match (&out, self.stderr) {
            // Both go to the same place: through one pipe their order stays as it is.
            (Some(out), true) if is_same(stdout().as_fd(), stderr().as_fd()) => Some(out.try_clone()?),
            (_, true) => Some(running.tee(stderr().as_fd(), move |bytes| watch(1, bytes), sender)?),
            (_, false) => None,
        };
        let stdio = |writer: Option<PipeWriter>| writer.map_or_else(Stdio::inherit, Stdio::from);
        Ok((stdio(out), stdio(err), running))
    }
}

impl Running {
    fn tee(
        &mut self,
        to: BorrowedFd<'_>,
        watch: impl Fn(&[u8]) + Send + 'static,
        ended: Sender<io::Result<()>>,
    ) -> io::Result<PipeWriter> {
        let (reader, writer) = pipe()?;
        let (to, reads) = (File::from(to.try_clone_to_owned()?), Arc::<AtomicU64>::default());
        self.reads.push(reads.clone());
        thread::spawn(move || {
            let copied = copy(reader, to, &reads, watch);
            // Nobody asks any more if the program's end was not waited for.
            let _ = ended.send(copied);
        });
        Ok(writer)
    }

    /// Waits until everything is written that the program wrote. It has ended already.
    ///
    /// # Errors
    /// Some of it could not be written, as on a full disk.
    pub(super) fn finish(self) -> io::Result<()> {
        let state = || self.reads.iter().map(|reads| reads.load(SeqCst)).collect::<Vec<_>>();
        let (mut left, mut before, mut written) = (self.reads.len(), state(), Ok(()));
        while left > 0 {
            match self.ended.recv_timeout(SILENCE) {
                Ok(copied) => {
                    left -= 1;
                    written = written.and(copied);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let now = state();
                    let is_silent = now == before && now.iter().all(|reads| reads % 2 == 1);
                    // Of a thread that has ended the number is odd as well.
                    if is_silent {
                        break;
                    }
                    before = now;
                }
            }
        }
        written
    }
}

/// Copies until the program closes the stream, or ours takes no more: then the program's next write fails as if it stood
/// alone. If nobody reads ours any more that is no error.
fn copy(mut from: PipeReader, mut to: File, reads: &AtomicU64, watch: impl Fn(&[u8])) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        reads.fetch_add(1, SeqCst);
        let read = from.read(&mut chunk).unwrap_or(0);
        if read == 0 {
            return Ok(());
        }
        reads.fetch_add(1, SeqCst);
        if let Err(error) = to.write_all(&chunk[..read]) {
            reads.fetch_add(1, SeqCst);
            return if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) };
        }
        watch(&chunk[..read]);
    }
}

/// Returns true if both lead to the same file, pipe or terminal.
fn is_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    match (fstat(one), fstat(other)) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    }
}
