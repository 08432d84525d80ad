//! The bare connection below a WebSocket of Socket.IO: the stream that was taken over from HTTP, with the bytes that
//! came along, the deadline on writes, and the connection's permit. `answer` hands it to the engine.
//!
//! A write that failed ends the reading too. The engine goes on after one, so a reader whose entries were thrown away
//! would stay connected and never know: this must never happen.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::frame_meter::{Flood, Meter};
use crate::server::{http::serve::write_deadline::WriteDeadline, limits::connections::ConnectionPermit};

/// The stream of one connection. Dropping it closes the connection.
pub(super) struct UpgradedStream<S = WriteDeadline<TcpStream>> {
    stream: S,
    /// Bytes that the peer sent right behind its request.
    received: Bytes,
    meter: Option<Meter>,
    is_broken: bool,
    /// The task that waits for the peer's bytes, to be woken when a write has failed.
    reader: Option<Waker>,
    _permit: Option<ConnectionPermit>,
}

impl<S> UpgradedStream<S> {
    /// A stream that reads `received` before the rest; `permit` lives as long as it.
    pub(super) fn new(stream: S, received: Bytes, permit: Option<ConnectionPermit>) -> Self {
        Self { stream, received, meter: None, is_broken: false, reader: None, _permit: permit }
    }

    /// The same stream, which ends when the meter's limit is exceeded.
    pub(super) fn metered(self, meter: Meter) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// Counts the bytes that were read. Fails if they are too much.
    fn count(&mut self, read: &[u8]) -> io::Result<()> {
        match self.meter.as_mut().map(|meter| meter.take(read)) {
            Some(Err(Flood)) => {
                tracing::debug!("closing a Socket.IO connection: it sends too much");
                self.is_broken = true;
                Err(io::ErrorKind::BrokenPipe.into())
            }
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Marks the stream as broken if a write failed.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(written, Poll::Ready(Err(_))) {
            self.is_broken = true;
            self.reader.take().into_iter().for_each(Waker::wake);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for UpgradedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.received.has_remaining() {
            let count = self.received.len().min(buffer.remaining());
            let received = self.received.split_to(count);
            buffer.put_slice(&received);
            return Poll::Ready(self.count(&received));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.reader = read.is_pending().then(|| context.waker().clone());
        self.count(&buffer.filled()[before..])?;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for UpgradedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(shut)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

    use super::*;

    #[tokio::test]
    async fn bytes_that_came_with_the_request_are_read_first() {
        let (ours, mut theirs) = duplex(64);
        let mut upgraded = UpgradedStream::new(ours, Bytes::from_static(b"first "), None);
        theirs.write_all(b"second").await.expect("it fits");
        let mut read = [0; 12];
        upgraded.read_exact(&mut read).await.expect("read");
        assert_eq!(&read, b"first second");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_failed_ends_the_reading() {
        let (ours, _theirs) = duplex(4);
        let stuck = WriteDeadline::new(ours, Duration::from_secs(30));
        let (mut reader, mut writer) = split(UpgradedStream::new(stuck, Bytes::new(), None));
        let reading = tokio::spawn(async move { reader.read_u8().await });
        writer.write_all(b"more than fits").await.expect_err("the peer takes nothing");
        let ended = reading.await.expect("no panic").expect_err("it is over");
        assert_eq!(ended.kind(), io::ErrorKind::BrokenPipe);
        writer.write_all(b"x").await.expect_err("and stays so, also when there is room again");
    }
}
