//! The writing half of a live connection: what two sides may write into, the connection's own task and the delivery
//! of a topic.
//!
//! Whole frames and events only, each under one lock, so neither side ever writes into the middle of the other's.
//! What the system does not take at once is kept here until the connection's task has written it, and nothing is
//! delivered before that: an outlet holds one piece at most, however far behind its reader is.

use std::{io, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use socket2::SockRef;
use tokio::{net::TcpStream, time::timeout};

use super::wire_format::WireFormat;

/// See the module.
#[derive(Debug)]
pub struct FrameWriter {
    stream: TcpStream,
    form: WireFormat,
    unwritten: Mutex<Vec<u8>>,
}

/// What became of a piece that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The system has all of it.
    Taken,
    /// The system has some of it, the outlet keeps the rest: the connection's task has to write it.
    Kept,
    /// Nothing of it was taken: something else is still to be written, or the peer is slow, or gone.
    Refused,
}

impl FrameWriter {
    /// The outlet to `stream`, whose reader takes this form.
    pub fn new(stream: TcpStream, form: WireFormat) -> Self {
        Self { stream, form, unwritten: Mutex::default() }
    }

    /// The connection, for the task that reads from it.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// How its reader takes what it is sent.
    pub fn form(&self) -> WireFormat {
        self.form
    }

    /// Writes a piece, without ever waiting, if nothing stands before it.
    pub fn try_write(&self, chunk: &[u8]) -> WriteOutcome {
        let mut unwritten = self.lock();
        if !unwritten.is_empty() {
            return WriteOutcome::Refused;
        }
        // Not by the runtime's own `try_write`: it would first ask the runtime's memory of the socket, which is far
        // away for whoever goes through thousands. A socket that is full says so itself.
        match SockRef::from(&self.stream).send(chunk) {
            Ok(count) if count == chunk.len() => WriteOutcome::Taken,
            Ok(count) => {
                unwritten.extend_from_slice(&chunk[count..]);
                WriteOutcome::Kept
            }
            // A peer that is gone is the connection's to notice: it hears of it where it reads.
            Err(_) => WriteOutcome::Refused,
        }
    }

    /// Writes what the connection itself has to say, now or when [`FrameWriter::drain`] gets to it.
    pub fn write(&self, bytes: &[u8]) {
        if self.try_write(bytes) == WriteOutcome::Refused {
            self.lock().extend_from_slice(bytes);
        }
    }

    /// Whether something waits for [`FrameWriter::drain`].
    pub fn is_full(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Writes what was kept. A peer that takes nothing for `limit` is given up with [`io::ErrorKind::TimedOut`]: it
    /// resumes from its cursor.
    ///
    /// May be dropped while it waits: what was written is no longer kept.
    pub async fn drain(&self, limit: Duration) -> io::Result<()> {
        while self.is_full() {
            timeout(limit, self.stream.writable()).await.map_err(|_| io::ErrorKind::TimedOut)??;
            self.write_some()?;
        }
        Ok(())
    }

    /// Returns when the peer has closed. What it still sends is read and discarded.
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
            Ok(count) if count == unwritten.len() => *unwritten = Vec::new(), // an idle outlet holds nothing
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

    /// An outlet and the far end of it.
    async fn connected() -> (FrameWriter, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let (peer, ours) = tokio::join!(TcpStream::connect(address), listener.accept());
        (FrameWriter::new(ours.expect("accepted").0, WireFormat::Frame), peer.expect("connected"))
    }

    /// More than the system holds between two ends.
    fn large() -> Vec<u8> {
        (0..32_000_000_u32).map(|n| (n % 251) as u8).collect()
    }

    #[tokio::test]
    async fn what_the_system_does_not_take_is_kept_and_comes_in_order() {
        let (frame_writer, mut peer) = connected().await;
        let chunk = large();
        assert_eq!(frame_writer.try_write(&chunk), WriteOutcome::Kept);
        assert_eq!(frame_writer.try_write(b"not before the rest"), WriteOutcome::Refused);
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
        assert_eq!(frame_writer.try_write(b"more"), WriteOutcome::Taken);
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (frame_writer, _peer) = connected().await;
        frame_writer.write(&large());
        let given_up = frame_writer.drain(Duration::from_millis(10)).await.expect_err("nobody reads");
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
    }
}
