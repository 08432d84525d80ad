//! The writing half of a live connection. Two sides write into it: the connection's own task and the live delivery of a
//! topic.
//!
//! Both write whole frames and events only, each under one lock, so neither ever writes into the middle of the other's.
//! It buffers the bytes that the system does not take at once until the connection's task has written them, and nothing
//! is delivered before that: a frame writer holds one chunk at most, however far behind its reader is.

use std::{io, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use socket2::SockRef;
use tokio::{net::TcpStream, time::timeout};

use super::wire_format::WireFormat;

/// The writer of one connection, shared by its task and by live delivery.
#[derive(Debug)]
pub struct FrameWriter {
    stream: TcpStream,
    format: WireFormat,
    unwritten: Mutex<Vec<u8>>,
}

/// The result of [`FrameWriter::try_write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The system has all of the chunk.
    Written,
    /// The system has some of the chunk, and the rest is buffered: the connection's task has to write it.
    Buffered,
    /// Nothing of the chunk was taken: something else is still to be written, or the peer is slow, or gone.
    WouldBlock,
}

impl FrameWriter {
    /// A writer into `stream`, whose reader takes this format.
    pub fn new(stream: TcpStream, format: WireFormat) -> Self {
        Self { stream, format, unwritten: Mutex::default() }
    }

    /// The connection, for the task that reads from it.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The format that its reader takes.
    pub fn format(&self) -> WireFormat {
        self.format
    }

    /// Writes a chunk if nothing stands before it. Never waits.
    pub fn try_write(&self, chunk: &[u8]) -> WriteOutcome {
        let mut unwritten = self.lock();
        if !unwritten.is_empty() {
            return WriteOutcome::WouldBlock;
        }
        // Not by the runtime's own `try_write`: that would first read the runtime's record of the socket, which is out
        // of the cache for a thread that goes through thousands. A socket that is full says so itself.
        match SockRef::from(&self.stream).send(chunk) {
            Ok(count) if count == chunk.len() => WriteOutcome::Written,
            Ok(count) => {
                unwritten.extend_from_slice(&chunk[count..]);
                WriteOutcome::Buffered
            }
            // The connection notices that its peer is gone: it learns that where it reads.
            Err(_) => WriteOutcome::WouldBlock,
        }
    }

    /// Writes the connection's own bytes, now or when [`FrameWriter::drain`] gets to them.
    pub fn write(&self, bytes: &[u8]) {
        if self.try_write(bytes) == WriteOutcome::WouldBlock {
            self.lock().extend_from_slice(bytes);
        }
    }

    /// Returns true if something waits for [`FrameWriter::drain`].
    pub fn is_full(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Writes the buffered bytes. Fails with [`io::ErrorKind::TimedOut`] if the peer takes nothing for `limit`: it
    /// resumes from its cursor.
    ///
    /// The future may be dropped while it waits: bytes that were written are no longer buffered.
    pub async fn drain(&self, limit: Duration) -> io::Result<()> {
        while self.is_full() {
            timeout(limit, self.stream.writable()).await.map_err(|_| io::ErrorKind::TimedOut)??;
            self.write_some()?;
        }
        Ok(())
    }

    /// Returns when the peer has closed. Bytes that it still sends are read and discarded.
    pub async fn closed(&self) {
        let mut discarded = [0; 256];
        while self.stream.readable().await.is_ok() {
            match self.stream.try_read(&mut discarded) {
                Ok(count) if count > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn write_some(&self) -> io::Result<()> {
        let mut unwritten = self.lock();
        match self.stream.try_write(&unwritten) {
            Ok(count) if count == unwritten.len() => *unwritten = Vec::new(), // an idle writer holds nothing
            Ok(count) => drop(unwritten.drain(..count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.unwritten.lock()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::TcpListener};

    use super::*;

    /// A frame writer and its far end.
    async fn connected() -> (FrameWriter, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let (peer, ours) = tokio::join!(TcpStream::connect(address), listener.accept());
        (FrameWriter::new(ours.expect("accepted").0, WireFormat::WebSocket), peer.expect("connected"))
    }

    /// More than the system holds between two ends.
    fn large() -> Vec<u8> {
        (0..32_000_000_u32).map(|n| (n % 251) as u8).collect()
    }

    #[tokio::test]
    async fn bytes_that_the_system_does_not_take_are_buffered_and_come_in_order() {
        let (frame_writer, mut peer) = connected().await;
        let chunk = large();
        assert_eq!(frame_writer.try_write(&chunk), WriteOutcome::Buffered);
        assert_eq!(frame_writer.try_write(b"not before the rest"), WriteOutcome::WouldBlock);
        frame_writer.write(b"and this behind it");
        let mut received = vec![0; chunk.len() + 18];
        let limit = Duration::from_secs(20);
        let both = async { tokio::join!(frame_writer.drain(limit), peer.read_exact(&mut received)) };
        let (drained, read) = timeout(limit, both).await.expect("all of it comes");
        drained.expect("drained");
        read.expect("read");
        assert!(received[..chunk.len()] == chunk, "nothing is missing and nothing comes twice");
        assert_eq!(&received[chunk.len()..], b"and this behind it");
        assert!(!frame_writer.is_full());
        assert_eq!(frame_writer.try_write(b"more"), WriteOutcome::Written);
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_times_out() {
        let (frame_writer, _peer) = connected().await;
        frame_writer.write(&large());
        let error = frame_writer.drain(Duration::from_millis(10)).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
