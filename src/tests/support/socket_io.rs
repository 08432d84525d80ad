//! A Socket.IO client over a WebSocket (Engine.IO protocol 4, Socket.IO protocol 5): one connection in one namespace.
//! The stories in `end2end/` use the official client.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::Request},
};

use super::in_time;

/// An event: its name and its arguments.
pub(crate) type Event = (String, Vec<Value>);

pub(crate) struct SocketIo {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The namespace as it is written in packets: empty, or `/events,`.
    namespace: String,
    asked: u64,
    /// Events that came while the client waited for an acknowledgement.
    early: VecDeque<Event>,
}

/// A packet from the server.
enum Packet {
    Event(Event),
    Answer(u64, Value),
    /// CONNECT.
    Connected,
    /// `CONNECT_ERROR`, with its message.
    Refused(String),
    /// DISCONNECT of the namespace, or the end of the connection.
    Ended,
}

impl SocketIo {
    /// Connects to the namespace of the rooms with this token. `Err` is the message of the `connect_error`.
    pub(crate) async fn open(url: &str, token: Option<&str>) -> Result<Self, String> {
        Self::enter(url, "/", &token.map_or(json!({}), |token| json!({ "token": token }))).await
    }

    /// Connects to a namespace.
    pub(crate) async fn enter(url: &str, namespace: &str, auth: &Value) -> Result<Self, String> {
        Self::enter_by(Self::request(url, ""), namespace, auth).await
    }

    /// Connects with this request.
    pub(crate) async fn enter_by(
        request: Request<()>,
        namespace: &str,
        auth: &Value,
    ) -> Result<Self, String> {
        Self::begin(in_time(connect_async(request)).await.unwrap().0, namespace, auth).await
    }

    /// Connects with this token over a connection with a small receive window, so that little is in transit while
    /// nothing is read.
    pub(crate) async fn open_narrow(url: &str, token: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let address = url.trim_start_matches("http://").parse().unwrap();
        let stream = MaybeTlsStream::Plain(in_time(socket.connect(address)).await.unwrap());
        let ws = in_time(client_async(Self::request(url, ""), stream)).await.unwrap().0;
        Self::begin(ws, "/", &json!({ "token": token })).await.unwrap()
    }

    async fn begin(
        ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
        namespace: &str,
        auth: &Value,
    ) -> Result<Self, String> {
        let namespace = if namespace == "/" { String::new() } else { format!("{namespace},") };
        let mut client = Self { ws, namespace, asked: 0, early: VecDeque::new() };
        assert!(client.text().await.unwrap().starts_with("0{"), "the engine opens");
        client.say(&format!("0{}{auth}", client.namespace)).await;
        match client.packet().await {
            Packet::Connected => Ok(client),
            Packet::Refused(message) => Err(message),
            _ => panic!("a CONNECT is answered first"),
        }
    }

    /// The request for a WebSocket, with an addition to its query.
    pub(crate) fn request(url: &str, query: &str) -> Request<()> {
        let url = url.replace("http://", "ws://");
        format!("{url}/socket.io/?EIO=4&transport=websocket{query}").into_client_request().unwrap()
    }

    /// Sends a packet of Socket.IO.
    pub(crate) async fn say(&mut self, packet: &str) {
        self.ws.send(Message::text(format!("4{packet}"))).await.unwrap();
    }

    /// Sends an event without asking for an acknowledgement.
    pub(crate) async fn tell(&mut self, name: &str, data: Value) {
        self.say(&format!("2{}{}", self.namespace, json!([name, data]))).await;
    }

    /// Sends an event and returns its acknowledgement. Events that come before it are kept.
    pub(crate) async fn ask(&mut self, name: &str, data: Value) -> Value {
        self.asked += 1;
        self.say(&format!("2{}{}{}", self.namespace, self.asked, json!([name, data]))).await;
        loop {
            match self.packet().await {
                Packet::Answer(number, answer) if number == self.asked => return answer,
                Packet::Event(event) => self.early.push_back(event),
                _ => panic!("an event is answered once"),
            }
        }
    }

    /// The code with which an event is rejected.
    pub(crate) async fn refused(&mut self, name: &str, data: Value) -> String {
        let answer = self.ask(name, data).await;
        assert!(!answer["error"]["message"].as_str().unwrap_or_default().is_empty(), "{name}: {answer}");
        answer["error"]["code"].as_str().unwrap().to_owned()
    }

    /// Joins a room from now on, or as `more` says.
    pub(crate) async fn join(&mut self, room: &str, more: Value) -> Value {
        let mut data = json!({ "room": room });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let joined = self.ask("join-room", data).await;
        assert_eq!(joined["room"], room, "{joined}");
        joined
    }

    /// The next event; `None` at the end of the namespace.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.early.pop_front() {
            return Some(event);
        }
        match self.packet().await {
            Packet::Event(event) => Some(event),
            Packet::Ended => None,
            _ => panic!("nothing was asked"),
        }
    }

    /// The arguments of the next event of this name; those before it are skipped.
    pub(crate) async fn expect(&mut self, name: &str) -> Vec<Value> {
        loop {
            let (heard, arguments) = self.next().await.expect("the connection goes on");
            if heard == name {
                return arguments;
            }
            assert_ne!(heard, "rejected", "{arguments:?}");
        }
    }

    /// The offsets of a room's messages up to `head`, in order of arrival.
    pub(crate) async fn offsets_to(&mut self, head: u64) -> Vec<u64> {
        let mut offsets = Vec::new();
        while offsets.last().is_none_or(|last| *last < head) {
            offsets.push(self.expect("message").await[0]["offset"].as_u64().unwrap());
        }
        offsets
    }

    /// The next packet of the engine, after answering its pings.
    async fn text(&mut self) -> Option<String> {
        loop {
            match in_time(self.ws.next()).await {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => {
                    self.ws.send(Message::text("3")).await.unwrap();
                }
                Some(Ok(Message::Text(text))) => return Some(text.as_str().to_owned()),
                Some(Ok(Message::Close(_))) | None => return None,
                Some(Ok(other)) => panic!("not of Engine.IO: {other:?}"),
                Some(Err(Error::ConnectionClosed | Error::Io(_) | Error::Protocol(_))) => return None,
                Some(Err(error)) => panic!("{error}"),
            }
        }
    }

    async fn packet(&mut self) -> Packet {
        let Some(text) = self.text().await.filter(|text| text != "1") else { return Packet::Ended };
        let packet = text.strip_prefix('4').unwrap_or_else(|| panic!("no message: {text}"));
        let (kind, rest) = packet.split_at(1);
        let rest =
            rest.strip_prefix(self.namespace.as_str()).unwrap_or_else(|| panic!("of elsewhere: {text}"));
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, json) = rest.split_at(digits);
        let data: Value = if json.is_empty() { Value::Null } else { serde_json::from_str(json).unwrap() };
        match kind {
            "0" => Packet::Connected,
            "1" => Packet::Ended,
            "2" => {
                let mut arguments = data.as_array().unwrap().clone();
                let name = arguments.remove(0).as_str().unwrap().to_owned();
                Packet::Event((name, arguments))
            }
            "3" => Packet::Answer(number.parse().unwrap(), data[0].clone()),
            "4" => Packet::Refused(data["message"].as_str().unwrap().to_owned()),
            _ => panic!("a packet that is none of ours: {text}"),
        }
    }
}
