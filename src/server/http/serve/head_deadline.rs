//! A stream wrapper that limits the time for the head of a request, from its first byte to its last. `accept` wraps
//! every connection in it while it speaks HTTP, so that nobody holds one by sending a head byte by byte. Before the
//! first byte a connection is idle, and `accept` limits that time.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// A stream whose reads fail when the head of a request is late. Holds a timer only while a part of a head is here and
/// the rest is not.
pub(crate) struct HeadDeadline<S> {
    stream: S,
    limit: Duration,
    phase: RequestPhase,
    begun: Option<Head>,
}

/// A head whose first byte has arrived.
struct Head {
    turn: u64,
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

/// The phase of a connection: an even number while the peer sends a head, an odd one while the server answers. `accept`
/// and [`HeadDeadline`] share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestPhase(Arc<AtomicU64>);

impl RequestPhase {
    /// Enters the next phase: the head is complete, or the response is made.
    pub(crate) fn pass(&self) {
        self.0.fetch_add(1, Relaxed); // one task only: program order is enough
    }

    fn current(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl<S> HeadDeadline<S> {
    /// Wraps `stream`: a read fails with [`io::ErrorKind::TimedOut`] when a head is not complete `limit` after it
    /// began.
    pub(crate) fn new(stream: S, limit: Duration, phase: RequestPhase) -> Self {
        Self { stream, limit, phase, begun: None }
    }

    /// Returns the bare stream.
    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    /// Updates the deadline after a read; an error if the head is late.
    fn watch(&mut self, context: &mut Context<'_>, has_come: bool, is_waiting: bool) -> io::Result<()> {
        let turn = self.phase.current();
        self.begun.take_if(|head| head.turn != turn);
        if self.begun.is_none() && has_come && turn.is_multiple_of(2) {
            self.begun = Some(Head { turn, deadline: Instant::now() + self.limit, timer: None });
        }
        let Some(head) = &mut self.begun else { return Ok(()) };
        // Most heads arrive in one piece, so most need no timer.
        let is_late = if is_waiting {
            let deadline = head.deadline;
            let timer = head.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            timer.as_mut().poll(context).is_ready()
        } else {
            Instant::now() >= head.deadline
        };
        if is_late {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the head of a request is late"))
        } else {
            Ok(())
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let has_come = buffer.filled().len() > before;
        self.watch(context, has_come, read.is_pending())?;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadDeadline<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::{sleep, timeout},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn connected() -> (HeadDeadline<DuplexStream>, DuplexStream, RequestPhase) {
        let (ours, theirs) = duplex(1_024);
        let phase = RequestPhase::default();
        (HeadDeadline::new(ours, LIMIT, phase.clone()), theirs, phase)
    }

    /// Sends a byte every three seconds.
    async fn trickle(mut to: DuplexStream) {
        loop {
            to.write_u8(b'x').await.expect("it fits");
            sleep(Duration::from_secs(3)).await;
        }
    }

    /// Reads until a read fails; returns the error and the seconds until then.
    async fn read_on(stream: &mut HeadDeadline<DuplexStream>) -> (io::ErrorKind, u64) {
        let began = Instant::now();
        loop {
            if let Err(error) = stream.read_u8().await {
                return (error.kind(), began.elapsed().as_secs());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_is_cut_ten_seconds_after_its_first_byte() {
        let (mut stream, theirs, _) = connected();
        let slow = tokio::spawn(async {
            sleep(Duration::from_secs(60)).await; // idle is not late
            trickle(theirs).await;
        });
        assert_eq!(read_on(&mut stream).await, (io::ErrorKind::TimedOut, 70));
        slow.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_longer_and_the_next_head_may_not() {
        let (mut stream, theirs, phase) = connected();
        let slow = tokio::spawn(trickle(theirs));
        stream.read_u8().await.expect("a head");
        phase.pass();
        let body = timeout(Duration::from_secs(60), read_on(&mut stream)).await;
        body.expect_err("it is still being read");
        phase.pass();
        let (kind, seconds) = read_on(&mut stream).await;
        assert_eq!(kind, io::ErrorKind::TimedOut);
        assert!((10..=13).contains(&seconds), "{seconds}");
        slow.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_was_in_time_is_no_longer_watched() {
        let (mut stream, mut theirs, phase) = connected();
        theirs.write_all(b"xx").await.expect("it fits");
        stream.read_u16().await.expect("a head in two parts");
        timeout(Duration::from_secs(1), stream.read_u8()).await.expect_err("a timer runs");
        phase.pass();
        phase.pass();
        timeout(Duration::from_secs(60), stream.read_u8()).await.expect_err("idle is not late");
    }
}
