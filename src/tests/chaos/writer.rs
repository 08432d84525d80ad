//! Writers that try again with the same id until they are told that their post is durable, or give up.

use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{plan::Transport, topic::Topic};
use crate::support::new_id;

/// How long an answer may take before the post is sent again.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// A post that the server said is durable.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) topic: Topic,
    pub(super) id: String,
    pub(super) offset: u64,
}

pub(super) struct Writer {
    topic: Topic,
    url: String,
    token: String,
    client: reqwest::Client,
    rng: Rng,
    until: Instant,
    pub(super) acknowledged: Vec<Acknowledged>,
    pub(super) abandoned: u64,
}

impl Writer {
    pub(super) fn new(topic: Topic, (url, token): (String, String), rng: Rng, until: Instant) -> Self {
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(PATIENCE).build();
        let client = client.expect("a client");
        Self { topic, url, token, client, rng, until, acknowledged: Vec::new(), abandoned: 0 }
    }

    /// Writes until its time is over and everything is acknowledged or abandoned. `Err`: a post was refused.
    pub(super) async fn write(mut self, transport: Transport) -> Result<Self, String> {
        let mut waiting: Vec<String> = Vec::new();
        loop {
            let is_over = Instant::now() >= self.until;
            if is_over && waiting.is_empty() {
                return Ok(self);
            }
            if !is_over {
                waiting.extend((0..self.rng.usize(1..=6)).map(|_| new_id()));
            }
            match transport {
                Transport::Socket => self.post_by_socket(&mut waiting).await?,
                Transport::Stream | Transport::Poll => self.post_by_request(&mut waiting).await?,
            }
            // Somebody who closes the window in the middle: theirs may be in the log, at most once.
            if !waiting.is_empty() && self.rng.u8(..10) == 0 {
                waiting.remove(0);
                self.abandoned += 1;
            }
            tokio::time::sleep(Duration::from_millis(self.rng.u64(..15))).await;
        }
    }

    /// Sends some of what was acknowledged again: each is answered with its first place, removed since or not.
    pub(super) async fn expect_repeats_known(&self, direct: &str) -> Result<(), String> {
        for post in self.acknowledged.iter().step_by(7) {
            let request = self.request(direct, &post.id);
            let answer = request.send().await.map_err(|error| error.to_string())?;
            let status = answer.status();
            let stored: Value = answer.json().await.map_err(|error| error.to_string())?;
            if status != 200 || stored["offset"].as_u64() != Some(post.offset) {
                return Err(format!("{} was at {}, and sent again: {status} {stored}", post.id, post.offset));
            }
        }
        Ok(())
    }

    fn request(&self, url: &str, id: &str) -> reqwest::RequestBuilder {
        match &self.topic {
            Topic::Feed => {
                let request = self.client.post(format!("{url}/api/events/chaos"));
                request.header("idempotency-key", id).body(id.to_owned())
            }
            Topic::Room(_) => {
                let request = self.client.post(format!("{url}{}", self.topic.pages()));
                request.bearer_auth(&self.token).json(&json!({ "id": id, "text": id }))
            }
        }
    }

    fn acknowledge(&mut self, waiting: &mut Vec<String>, id: &str, offset: Option<u64>) {
        if let (Some(index), Some(offset)) = (waiting.iter().position(|one| one == id), offset) {
            let id = waiting.remove(index);
            self.acknowledged.push(Acknowledged { topic: self.topic.clone(), id, offset });
        }
    }

    /// Opens a socket, sends all that waits at once, and takes what answers come.
    async fn post_by_socket(&mut self, waiting: &mut Vec<String>) -> Result<(), String> {
        let Topic::Room(room) = self.topic else { unreachable!("sockets post to rooms") };
        let mut request = format!("{}/ws", self.url.replace("http://", "ws://"))
            .into_client_request()
            .map_err(|error| error.to_string())?;
        let authorization = format!("Bearer {}", self.token).parse().expect("a token is ASCII");
        request.headers_mut().insert("authorization", authorization);
        let Ok(Ok((mut socket, _))) = timeout(PATIENCE, tokio_tungstenite::connect_async(request)).await
        else {
            return Ok(());
        };
        let post = |id: &String| json!({ "type": "post", "room": room, "id": id, "text": id }).to_string();
        let frames = std::iter::once(json!({ "type": "join", "room": room }).to_string());
        for frame in frames.chain(waiting.iter().map(post)) {
            if socket.send(Message::text(frame)).await.is_err() {
                return Ok(());
            }
        }
        // One socket serves several rounds: the next posts go out while others are on their way.
        let mut rounds = self.rng.usize(0..20);
        while !waiting.is_empty() {
            let Ok(Some(Ok(message))) = timeout(PATIENCE, socket.next()).await else { return Ok(()) };
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            match frame["type"].as_str() {
                Some("posted") => {
                    let id = frame["id"].as_str().unwrap_or_default().to_owned();
                    self.acknowledge(waiting, &id, frame["offset"].as_u64());
                    if rounds > 0 && Instant::now() < self.until {
                        rounds -= 1;
                        let id = new_id();
                        let sent = socket.send(Message::text(post(&id))).await;
                        waiting.push(id);
                        if sent.is_err() {
                            return Ok(());
                        }
                    }
                }
                Some("rejected") => return Err(format!("a post was refused: {frame}")),
                _ => {}
            }
        }
        Ok(())
    }

    async fn post_by_request(&mut self, waiting: &mut Vec<String>) -> Result<(), String> {
        for id in waiting.clone() {
            let request = self.request(&self.url, &id);
            let Ok(response) = request.send().await else { continue };
            if !response.status().is_success() {
                return Err(format!("a post was refused: {}", response.status()));
            }
            let Ok(stored) = response.json::<Value>().await else { continue };
            self.acknowledge(waiting, &id, stored["offset"].as_u64());
        }
        Ok(())
    }
}
