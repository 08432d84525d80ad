//! Writers that repeat a post with the same id until it is acknowledged, or give up. Each attempt goes to any server.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{
    access::{Access, client},
    plan::Transport,
    topic::Topic,
};
use crate::support::{in_time, new_id};

/// Time to wait for an answer before the post is sent again.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Waiting posts beyond which a writer adds none: while nothing can be stored they would grow without end.
const WAITING_MAX: usize = 24;

/// An acknowledged post.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) topic: Topic,
    pub(super) id: String,
    pub(super) offset: u64,
}

pub(super) struct Writer {
    topic: Topic,
    access: Access,
    client: reqwest::Client,
    rng: Rng,
    until: Instant,
    /// The ids of all posts that were sent at least once.
    sent: HashSet<String>,
    pub(super) acknowledged: Vec<Acknowledged>,
    pub(super) abandoned: u64,
    /// Number of repeated posts.
    pub(super) repeats: u64,
    /// Number of answers that told the writer to try later.
    pub(super) refusals: u64,
}

impl Writer {
    pub(super) fn new(topic: Topic, access: Access, rng: Rng, until: Instant) -> Self {
        Self {
            topic,
            access,
            client: client(Some(PATIENCE)),
            rng,
            until,
            sent: HashSet::new(),
            acknowledged: Vec::new(),
            abandoned: 0,
            repeats: 0,
            refusals: 0,
        }
    }

    /// Writes until its time is over and every post is acknowledged or abandoned. `Err` if a post was rejected.
    pub(super) async fn write(mut self, transport: Transport) -> Result<Self, String> {
        let mut waiting: Vec<String> = Vec::new();
        loop {
            let is_over = Instant::now() >= self.until;
            if is_over && waiting.is_empty() {
                return Ok(self);
            }
            if !is_over && waiting.len() < WAITING_MAX {
                waiting.extend((0..self.rng.usize(1..=6)).map(|_| new_id()));
            }
            match transport {
                Transport::Socket => self.post_by_socket(&mut waiting).await?,
                Transport::Stream | Transport::Poll => {
                    let url = self.access.any().to_owned();
                    self.post_by_request(&url, &mut waiting).await?;
                }
            }
            // As if the user had closed the window: this post may be in the log, at most once.
            if !waiting.is_empty() && self.rng.u8(..10) == 0 {
                waiting.remove(0);
                self.abandoned += 1;
            }
            tokio::time::sleep(Duration::from_millis(self.rng.u64(..15))).await;
        }
    }

    /// Sends some acknowledged posts again, to any server. Each must be answered with its first offset, even if the
    /// entry was removed since.
    pub(super) async fn expect_repeats_known(&self, direct: &Access) -> Result<(), String> {
        for post in self.acknowledged.iter().step_by(7) {
            let request = self.request(direct.any(), &post.id);
            let answer = request.send().await.map_err(|error| error.to_string())?;
            let status = answer.status();
            let stored: Value = answer.json().await.map_err(|error| error.to_string())?;
            if status != 200 || stored["offset"].as_u64() != Some(post.offset) {
                return Err(format!("{} was at {}, and sent again: {status} {stored}", post.id, post.offset));
            }
        }
        Ok(())
    }

    /// Posts once more to each of these servers. They finish their earlier posts first, so the log is complete after
    /// this.
    pub(super) async fn post_last(&mut self, direct: &Access) -> Result<(), String> {
        for url in &direct.urls {
            let mut waiting = vec![new_id()];
            in_time(async {
                while !waiting.is_empty() {
                    self.post_by_request(url, &mut waiting).await?;
                }
                Ok::<_, String>(())
            })
            .await?;
        }
        Ok(())
    }

    fn note_sent(&mut self, id: &str) {
        self.repeats += u64::from(!self.sent.insert(id.to_owned()));
    }

    fn request(&self, url: &str, id: &str) -> reqwest::RequestBuilder {
        match &self.topic {
            Topic::Feed => {
                let request = self.client.post(format!("{url}/api/events/chaos"));
                request.header("idempotency-key", id).body(id.to_owned())
            }
            Topic::Room(_) => {
                let request = self.client.post(format!("{url}{}", self.topic.pages()));
                request.bearer_auth(&self.access.token).json(&json!({ "id": id, "text": id }))
            }
        }
    }

    fn acknowledge(&mut self, waiting: &mut Vec<String>, id: &str, offset: Option<u64>) {
        if let (Some(index), Some(offset)) = (waiting.iter().position(|one| one == id), offset) {
            let id = waiting.remove(index);
            self.acknowledged.push(Acknowledged { topic: self.topic.clone(), id, offset });
        }
    }

    /// Opens a socket, sends all waiting posts at once, and takes the answers.
    async fn post_by_socket(&mut self, waiting: &mut Vec<String>) -> Result<(), String> {
        let Topic::Room(room) = self.topic else { unreachable!("sockets post to rooms") };
        let mut request = format!("{}/ws", self.access.any().replace("http://", "ws://"))
            .into_client_request()
            .map_err(|error| error.to_string())?;
        let authorization = format!("Bearer {}", self.access.token).parse().expect("a token is ASCII");
        request.headers_mut().insert("authorization", authorization);
        let Ok(Ok((mut socket, _))) = timeout(PATIENCE, tokio_tungstenite::connect_async(request)).await
        else {
            return Ok(());
        };
        let post = |id: &String| json!({ "type": "post", "room": room, "id": id, "text": id }).to_string();
        let frames = std::iter::once(json!({ "type": "join", "room": room }).to_string());
        waiting.iter().for_each(|id| self.note_sent(id));
        for frame in frames.chain(waiting.iter().map(post)) {
            if socket.send(Message::text(frame)).await.is_err() {
                return Ok(());
            }
        }
        // One socket serves several rounds: the next posts are sent while others are in transit.
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
                        self.note_sent(&id);
                        let sent = socket.send(Message::text(post(&id))).await;
                        waiting.push(id);
                        if sent.is_err() {
                            return Ok(());
                        }
                    }
                }
                Some("rejected") if self.access.is_refusal_code(&frame["code"]) => {
                    self.refusals += 1;
                    return Ok(());
                }
                Some("rejected") => return Err(format!("a post was refused: {frame}")),
                _ => {}
            }
        }
        Ok(())
    }

    async fn post_by_request(&mut self, url: &str, waiting: &mut Vec<String>) -> Result<(), String> {
        for id in waiting.clone() {
            self.note_sent(&id);
            let Ok(response) = self.request(url, &id).send().await else { continue };
            if self.access.is_refusal(response.status()) {
                self.refusals += 1;
                continue;
            }
            if !response.status().is_success() {
                return Err(format!("a post was refused: {}", response.status()));
            }
            let Ok(stored) = response.json::<Value>().await else { continue };
            self.acknowledge(waiting, &id, stored["offset"].as_u64());
        }
        Ok(())
    }
}
