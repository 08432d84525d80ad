//! A chat client over a WebSocket: frames in, frames out.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use super::{in_time, new_id};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(url: &str, token: Option<&str>) -> Result<Self, Error> {
        Self::open_with(url, token.map(|token| ("authorization", format!("Bearer {token}")))).await
    }

    pub(crate) async fn open_with(
        url: &str,
        headers: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, Error> {
        let mut request = format!("{}/ws", url.replace("http://", "ws://")).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        Ok(Self(in_time(connect_async(request)).await?.0))
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// Sends the head of a text frame of this many bytes (RFC 6455, 5.2), but not the text. Data that reaches a server
    /// that has already closed makes the system discard the close frame, so sending the text would hide the answer.
    pub(crate) async fn announce_text(&mut self, bytes: u64) {
        let MaybeTlsStream::Plain(tcp) = self.0.get_mut() else { panic!("tests use no TLS") };
        let mut head = vec![0x81, 0xff];
        head.extend_from_slice(&bytes.to_be_bytes());
        head.extend_from_slice(&[0; 4]); // the mask
        tcp.write_all(&head).await.unwrap();
    }

    /// The next message that is not part of the heartbeat.
    pub(crate) async fn message(&mut self) -> Option<Result<Message, Error>> {
        loop {
            match in_time(self.0.next()).await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => return other,
            }
        }
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Value {
        match self.message().await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a frame: {other:?}"),
        }
    }

    /// The next frame of this type; those before it are skipped.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["type"] == kind {
                return frame;
            }
            assert_ne!(frame["type"], "rejected", "{frame}");
        }
    }

    /// Closes, and waits until the server has answered the close (RFC 6455, 7.1.1).
    pub(crate) async fn close(&mut self) {
        self.0.close(None).await.unwrap();
        loop {
            match self.message().await {
                Some(Ok(Message::Close(_))) => return,
                Some(Ok(_)) => {} // was on its way
                other => panic!("the server answers a close: {other:?}"),
            }
        }
    }

    /// The close code that the server sends.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match self.message().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }

    /// The close reason that the server sends.
    pub(crate) async fn close_reason(&mut self) -> String {
        loop {
            match self.message().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.reason.as_str().to_owned(),
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }

    /// Joins a room, with more fields, and returns the frame `joined`, which must come first.
    pub(crate) async fn join(&mut self, room: &str, more: Value) -> Value {
        let mut frame = json!({ "type": "join", "room": room });
        frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.send(frame).await;
        let joined = self.frame().await;
        assert_eq!(joined["type"], "joined", "{joined}");
        assert_eq!(joined["room"], room);
        joined
    }

    /// Posts a text and returns its id; the caller waits for the answer.
    pub(crate) async fn post(&mut self, room: &str, text: &str) -> String {
        let id = new_id();
        self.send(json!({ "type": "post", "room": room, "id": id, "text": text })).await;
        id
    }

    /// The texts of the next `count` messages.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            texts.push(self.expect("message").await["text"].as_str().unwrap().to_owned());
        }
        texts
    }

    /// The code of the rejection that must come next.
    pub(crate) async fn rejected(&mut self) -> String {
        let frame = self.frame().await;
        assert_eq!(frame["type"], "rejected", "{frame}");
        assert!(!frame["message"].as_str().unwrap().is_empty());
        frame["code"].as_str().unwrap().to_owned()
    }

    /// Sends a ping and waits for its pong: everything sent before has been processed, and the socket is open.
    pub(crate) async fn is_alive(&mut self) {
        self.send(json!({ "type": "ping" })).await;
        self.expect("pong").await;
    }
}
