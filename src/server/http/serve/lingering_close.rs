//! Closes a connection so that the peer can read the last response (RFC 9112, 9.6). A system that closes a connection
//! with unread data resets it, and the peer loses the response that was sent before: a client whose body is rejected
//! would see a broken connection in place of the rejection. `accept` calls it when HTTP is over.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// Maximum silence: a peer that is silent for longer is not about to close. Longer than a lost packet takes to be sent
/// again.
const SILENCE: Duration = Duration::from_secs(5);
/// Maximum time in all for which a peer may go on sending: as long as a body may take.
const WHOLE: Duration = Duration::from_secs(30);
/// Maximum bytes that are read and discarded: a thousand times the limit of a body.
const BYTES_MAX: usize = 64 * 1024 * 1024;
const CHUNK_BYTES: usize = 8 * 1024;

/// Shuts the sending half down, then reads what the peer still sends until it closes, or until a limit.
pub(crate) async fn close(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    if stream.shutdown().await.is_ok() {
        // A peer that takes longer is cut off.
        drop(timeout(WHOLE, discard(stream)).await);
    }
}

async fn discard(mut stream: impl AsyncRead + Unpin) {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut read = 0;
    while read < BYTES_MAX {
        match timeout(SILENCE, stream.read(&mut chunk)).await {
            Ok(Ok(count)) if count > 0 => read += count,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::duplex, time::Instant};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_still_sends_is_read_until_it_closes() {
        let (ours, mut theirs) = duplex(16);
        let closing = tokio::spawn(close(ours));
        theirs.write_all(&vec![b'x'; 100_000]).await.expect("it is read");
        drop(theirs);
        closing.await.expect("no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_is_silent_or_sends_without_end_is_left() {
        let began = Instant::now();
        let (ours, _silent) = duplex(16);
        close(ours).await;
        assert_eq!(began.elapsed(), SILENCE);
        let (ours, mut endless) = duplex(CHUNK_BYTES);
        let sending =
            tokio::spawn(async move { while endless.write_all(&[b'x'; CHUNK_BYTES]).await.is_ok() {} });
        close(ours).await;
        sending.await.expect("it was cut off");
        let began = Instant::now();
        let (ours, mut slow) = duplex(16);
        let sending = tokio::spawn(async move {
            while slow.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        close(ours).await;
        assert_eq!(began.elapsed(), WHOLE);
        sending.await.expect("it was cut off");
    }
}
