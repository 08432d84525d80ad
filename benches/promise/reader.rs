//! Readers that reconnect by their cursor as the pages do, and check the offset of each entry.

use std::{io, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::CloseFrame},
};

use super::{Fault, http, http::Answers, record::Record};

/// The room that exists from the start.
pub(crate) const GENERAL: &str = "general";

/// The transport by which a reader follows the room.
#[derive(Clone, Copy)]
pub(crate) enum Transport {
    Socket,
    Stream,
    Poll,
}

pub(crate) struct Reader {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
    /// Used by sockets, which need one; the others read anonymously.
    pub(crate) token: String,
    pub(crate) room: String,
    pub(crate) epoch: String,
    pub(crate) record: Record,
    /// Consecutive failed attempts.
    failures: u32,
    /// The retry time that the server named.
    told: Option<Duration>,
}

/// The end of a connection.
enum Ended {
    /// It was lost, and the reader resumes.
    Lost,
    /// The server broke the promise.
    Broken(String),
}

impl<E: std::error::Error> From<E> for Ended {
    fn from(_: E) -> Self {
        Self::Lost
    }
}

/// The fields of a frame that the promise is about.
#[derive(Deserialize)]
struct Frame {
    r#type: String,
    offset: Option<u64>,
    recovered: Option<bool>,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Entry>,
    reset: bool,
}

#[derive(Deserialize)]
struct Entry {
    offset: u64,
}

impl Reader {
    pub(crate) fn new(
        transport: Transport,
        address: SocketAddr,
        token: &str,
        (epoch, offset): (&str, u64),
    ) -> Self {
        let (token, epoch, room) = (token.to_owned(), epoch.to_owned(), GENERAL.to_owned());
        Self { transport, address, token, room, epoch, record: Record::new(offset), failures: 0, told: None }
    }

    /// The same reader in another room.
    pub(crate) fn in_room(self, room: &str) -> Self {
        Self { room: room.to_owned(), ..self }
    }

    /// Reads until it is aborted or the promise is broken.
    pub(crate) async fn read(mut self) {
        loop {
            let ended = match self.transport {
                Transport::Socket => self.follow_socket().await,
                Transport::Stream => self.follow_stream().await,
                Transport::Poll => self.follow_polls().await,
            };
            if let Err(Ended::Broken(how)) = ended {
                return self.record.note_fault(how);
            }
            let wait = self.told.take().unwrap_or_else(|| backoff(self.failures));
            self.failures += 1;
            tokio::time::sleep(wait).await;
        }
    }

    fn cursor(&self) -> String {
        format!("{}:{}", self.epoch, self.record.offset())
    }

    fn open(&mut self) {
        self.failures = 0;
        self.record.note_opened();
    }

    async fn follow_socket(&mut self) -> Result<(), Ended> {
        let tcp = TcpStream::connect(self.address).await?;
        let mut socket = open_socket(tcp, self.address, &self.token).await.map_err(|_| Ended::Lost)?;
        self.open();
        socket.send(Message::text(join(&self.room, Some(&self.cursor())))).await?;
        while let Some(message) = socket.next().await {
            match message? {
                Message::Text(text) => self.on_frame(&text)?,
                Message::Close(frame) => self.told = frame.as_ref().and_then(told_by),
                _ => {}
            }
        }
        Ok(())
    }

    async fn follow_stream(&mut self) -> Result<(), Ended> {
        let mut tcp = TcpStream::connect(self.address).await?;
        let path = format!("/api/rooms/{}/events?after={}", self.room, self.cursor());
        tcp.write_all(http::get(&path).as_bytes()).await?;
        let mut answers = Answers::new(tcp);
        expect_ok(answers.head().await?.status)?;
        self.open();
        let mut buffer = Vec::new();
        while answers.chunk(&mut buffer).await? {
            // A line may continue in the next chunk.
            let Some(end) = buffer.iter().rposition(|byte| *byte == b'\n') else { continue };
            let lines = String::from_utf8(buffer.drain(..=end).collect())?;
            lines.lines().try_for_each(|line| self.on_line(line))?;
        }
        Ok(())
    }

    fn on_line(&mut self, line: &str) -> Result<(), Ended> {
        if let Some(retry) = line.strip_prefix("retry: ") {
            self.told = retry.parse().ok().map(Duration::from_millis);
        }
        line.strip_prefix("data: ").map_or(Ok(()), |data| self.on_frame(data))
    }

    fn on_frame(&self, text: &str) -> Result<(), Ended> {
        let frame: Frame = serde_json::from_str(text)?;
        let offset = frame.offset.unwrap_or_default();
        match frame.r#type.as_str() {
            "message" => self.record.take(offset).map_err(Ended::Broken),
            "joined" if frame.recovered == Some(true) && offset == self.record.offset() => {
                self.record.note_live();
                Ok(())
            }
            "joined" | "reset" | "rejected" => {
                Err(Ended::Broken(format!("{} received {text}", self.cursor())))
            }
            _ => Ok(()),
        }
    }

    async fn follow_polls(&mut self) -> Result<(), Ended> {
        let (reading, mut writing) = TcpStream::connect(self.address).await?.into_split();
        let mut answers = Answers::new(reading);
        self.open();
        loop {
            let path = format!("/api/rooms/{}/messages?after={}&wait=20&limit=200", self.room, self.cursor());
            writing.write_all(http::get(&path).as_bytes()).await?;
            let (status, body) = answers.answer().await?;
            expect_ok(status)?;
            let page: Page = serde_json::from_slice(&body)?;
            if page.reset {
                return Err(Ended::Broken(format!("{} was answered by a reset", self.cursor())));
            }
            self.record.note_live();
            page.messages
                .iter()
                .try_for_each(|entry| self.record.take(entry.offset))
                .map_err(Ended::Broken)?;
        }
    }
}

/// Checks a status. A server that is starting or stopping may answer "later"; any other error breaks the contract.
fn expect_ok(status: u16) -> Result<(), Ended> {
    match status {
        200 => Ok(()),
        503 => Err(Ended::Lost),
        _ => Err(Ended::Broken(format!("answered {status}"))),
    }
}

/// The policy of the pages: exponential with full jitter, see `src/client/connection/backoff.rs`.
pub(crate) fn backoff(failures: u32) -> Duration {
    let ceiling = (500.0 * 2_f64.powi(failures.min(16) as i32)).min(30_000.0);
    Duration::from_secs_f64((ceiling * fastrand::f64()).max(100.0) / 1000.0)
}

/// The time in `retry MS`, the reason of a close frame.
fn told_by(frame: &CloseFrame) -> Option<Duration> {
    let ms = frame.reason.as_str().strip_prefix("retry ")?.parse().ok()?;
    (u16::from(frame.code) == 1001).then(|| Duration::from_millis(ms))
}

/// The frame that joins a room.
pub(crate) fn join(room: &str, after: Option<&str>) -> String {
    let after = after.map(|cursor| format!(r#","after":"{cursor}""#)).unwrap_or_default();
    format!(r#"{{"type":"join","room":"{room}"{after}}}"#)
}

/// Performs the WebSocket handshake on a connection.
pub(crate) async fn open_socket(
    tcp: TcpStream,
    address: SocketAddr,
    token: &str,
) -> Result<WebSocketStream<TcpStream>, Fault> {
    let mut request = format!("ws://{address}/ws").into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    Ok(client_async(request, tcp).await.map_err(io::Error::other)?.0)
}
