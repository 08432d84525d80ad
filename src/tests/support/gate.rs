//! A TCP proxy that cuts a client off from one server while all others stay connected. The tests put it between a node
//! and Redis or PostgreSQL. It injects no random faults; `chaos/proxy.rs` does.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// A running gate; dropping it closes everything.
pub(crate) struct Gate {
    address: SocketAddr,
    passage: watch::Sender<Passage>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    Open,
    /// Closes every connection, and new ones at once, as if the server were down.
    Closed,
    /// Keeps connections but passes nothing, as if a network lost every packet.
    Silent,
}

impl Gate {
    /// Starts an open gate before this server, on a port of its own.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let passage = watch::Sender::new(Passage::Open);
        let state = passage.subscribe();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, server, state.clone()));
            }
        });
        Self { address, passage, task }
    }

    /// The gate's own address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections, and every new one at once, until it is opened.
    pub(crate) fn close(&self) {
        self.passage.send_replace(Passage::Closed);
    }

    /// Passes nothing until it is opened; then the bytes that were held back go on.
    pub(crate) fn silence(&self) {
        self.passage.send_replace(Passage::Silent);
    }

    /// Lets everything pass.
    pub(crate) fn open(&self) {
        self.passage.send_replace(Passage::Open);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close();
        self.task.abort();
    }
}

async fn connection(client: TcpStream, server: SocketAddr, state: watch::Receiver<Passage>) {
    let mut closed = state.clone();
    let pass = async {
        opened(&mut state.clone()).await;
        let Ok(server) = TcpStream::connect(server).await else { return };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::select! {
            () = pump(from_client, to_server, state.clone()) => {}
            () = pump(from_server, to_client, state.clone()) => {}
        }
    };
    tokio::select! {
        biased;
        _ = closed.wait_for(|passage| *passage == Passage::Closed) => {}
        () = pass => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Passage>) {
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        opened(&mut state).await;
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    // The end of a connection is held back too.
    opened(&mut state).await;
}

async fn opened(state: &mut watch::Receiver<Passage>) {
    drop(state.wait_for(|passage| *passage == Passage::Open).await);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    /// Sends one byte and reads it back; an error if the connection has ended.
    async fn say(stream: &mut TcpStream, byte: u8) -> std::io::Result<()> {
        stream.write_all(&[byte]).await?;
        let heard = tokio::time::timeout(Duration::from_secs(20), stream.read_u8()).await;
        assert_eq!(heard.expect("it came in time")?, byte);
        Ok(())
    }

    #[tokio::test]
    async fn who_is_cut_off_is_so_until_the_gate_opens() {
        let server = echo().await;
        let (gate, other) = (Gate::before(server).await, Gate::before(server).await);
        let mut stream = TcpStream::connect(gate.address()).await.expect("it listens");
        let mut unharmed = TcpStream::connect(other.address()).await.expect("it listens");
        say(&mut stream, 1).await.expect("open");
        gate.close();
        assert!(say(&mut stream, 2).await.is_err(), "it stood before");
        let mut late = TcpStream::connect(gate.address()).await.expect("it listens");
        assert!(say(&mut late, 3).await.is_err(), "it came while closed");
        say(&mut unharmed, 4).await.expect("only one was cut off");
        gate.open();
        let mut stream = TcpStream::connect(gate.address()).await.expect("it listens");
        say(&mut stream, 5).await.expect("open again");
    }

    #[tokio::test]
    async fn what_is_said_into_silence_arrives_when_the_gate_opens() {
        let gate = Gate::before(echo().await).await;
        let mut stream = TcpStream::connect(gate.address()).await.expect("it listens");
        say(&mut stream, 1).await.expect("open");
        gate.silence();
        stream.write_all(&[2]).await.expect("taken");
        let silence = tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await;
        assert!(silence.is_err(), "nothing comes, not even an end");
        gate.open();
        assert_eq!(stream.read_u8().await.expect("held back"), 2);
    }
}
