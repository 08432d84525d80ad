//! Writers that repeat a post or a change with the same id until it is acknowledged, or give up. Each attempt goes to any server.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{
    access::{Access, client},
    change::{File, Messages, Sent, text_of},
    plan::Transport,
    topic::Topic,
};
use crate::support::{in_time, new_id};

/// Time to wait for an answer before the post is sent again.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Waiting posts beyond which a writer adds none: while nothing can be stored they would grow without end.
const WAITING_MAX: usize = 24;

/// Posts of which one has a file.
const FILE_EVERY: u8 = 4;

/// An acknowledged post or change.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) topic: Topic,
    pub(super) sent: Sent,
    pub(super) offset: u64,
}

pub(super) struct Writer {
    topic: Topic,
    access: Access,
    client: reqwest::Client,
    rng: Rng,
    until: Instant,
    /// The messages of the room, which all writers change.
    messages: Messages,
    /// Everything that was sent at least once, by its id.
    pub(super) sent: HashMap<String, Sent>,
    /// Number of changes that could not be made any more.
    pub(super) rejected: u64,
    pub(super) acknowledged: Vec<Acknowledged>,
    pub(super) abandoned: u64,
    /// Number of repeated posts.
    pub(super) repeats: u64,
    /// Number of answers that told the writer to try later.
    pub(super) refusals: u64,
}

impl Writer {
    pub(super) fn new(topic: Topic, access: Access, messages: Messages, rng: Rng, until: Instant) -> Self {
        Self {
            messages,
            rejected: 0,
            topic,
            access,
            client: client(Some(PATIENCE)),
            rng,
            until,
            sent: HashMap::new(),
            acknowledged: Vec::new(),
            abandoned: 0,
            repeats: 0,
            refusals: 0,
        }
    }

    /// Writes until its time is over and every post is acknowledged or abandoned. `Err` if a post was rejected.
    pub(super) async fn write(mut self, transport: Transport) -> Result<Self, String> {
        let mut waiting: Vec<Sent> = Vec::new();
        loop {
            let is_over = Instant::now() >= self.until;
            if is_over && waiting.is_empty() {
                return Ok(self);
            }
            if !is_over && waiting.len() < WAITING_MAX {
                for _ in 0..self.rng.usize(1..=6) {
                    let next = self.next().await;
                    waiting.push(next);
                }
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
            let request = self.request(direct.any(), &post.sent);
            let answer = request.send().await.map_err(|error| error.to_string())?;
            let status = answer.status();
            let stored: Value = answer.json().await.map_err(|error| error.to_string())?;
            if status != 200 || stored["offset"].as_u64() != Some(post.offset) {
                return Err(format!(
                    "{:?} was at {}, and sent again: {status} {stored}",
                    post.sent, post.offset
                ));
            }
        }
        Ok(())
    }

    /// Posts once more to each of these servers. They finish their earlier posts first, so the log is complete after
    /// this.
    pub(super) async fn post_last(&mut self, direct: &Access) -> Result<(), String> {
        for url in &direct.urls {
            let mut waiting = vec![Sent::post()];
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

    /// A new post, in a room sometimes with a file, or a change of a message there.
    async fn next(&mut self) -> Sent {
        if self.topic == Topic::Feed {
            return Sent::post();
        }
        if self.rng.bool() {
            let file = if self.rng.u8(..FILE_EVERY) == 0 { self.upload().await } else { None };
            return Sent { file, ..Sent::post() };
        }
        let own = self.acknowledged.iter().filter(|one| one.sent.change.is_none());
        let own: Vec<_> = own.map(|one| one.offset).collect();
        self.messages.change(&own, &mut self.rng).unwrap_or_else(Sent::post)
    }

    /// Uploads a file, once: what is not acknowledged may be there, and no message names it.
    async fn upload(&mut self) -> Option<File> {
        let Topic::Room(room) = self.topic else { return None };
        let content = text_of(&new_id());
        let url = format!("{}/api/files?room={room}&name=a.txt", self.access.any());
        let request = self.client.post(url).bearer_auth(&self.access.token).body(content.clone());
        let answer = request.send().await.ok()?;
        let stored: Value = answer.error_for_status().ok()?.json().await.ok()?;
        Some(File { id: stored["id"].as_str()?.to_owned(), content })
    }

    fn note_sent(&mut self, sent: &Sent) {
        self.repeats += u64::from(self.sent.insert(sent.id.clone(), sent.clone()).is_some());
    }

    fn request(&self, url: &str, sent: &Sent) -> reqwest::RequestBuilder {
        let path = match (&self.topic, &sent.change) {
            (Topic::Feed, _) => {
                let request = self.client.post(format!("{url}/api/events/chaos"));
                return request.header("idempotency-key", &sent.id).body(sent.id.clone());
            }
            (_, None) => self.topic.pages(),
            (_, Some(change)) => format!("{}/{}/changes", self.topic.pages(), change.target),
        };
        self.client.post(format!("{url}{path}")).bearer_auth(&self.access.token).json(&sent.body())
    }

    fn acknowledge(&mut self, waiting: &mut Vec<Sent>, id: &str, offset: Option<u64>) {
        if let (Some(index), Some(offset)) = (waiting.iter().position(|one| one.id == id), offset) {
            let sent = waiting.remove(index);
            if sent.change.is_none() && self.topic != Topic::Feed {
                self.messages.add(offset);
            }
            self.acknowledged.push(Acknowledged { topic: self.topic.clone(), sent, offset });
        }
    }

    /// Takes the rejection of a change that cannot be made any more. `Err` if it is another one.
    fn take_rejection(&mut self, waiting: &mut Vec<Sent>, id: &str, problem: &Value) -> Result<(), String> {
        let index = waiting.iter().position(|one| one.id == id && one.change.is_some());
        match index {
            Some(index) if self.access.is_lawful_rejection(&problem["code"]) => {
                self.rejected += 1;
                waiting.remove(index);
                Ok(())
            }
            _ => Err(format!("{id} was refused: {problem}")),
        }
    }

    /// Opens a socket, sends all waiting posts at once, and takes the answers.
    async fn post_by_socket(&mut self, waiting: &mut Vec<Sent>) -> Result<(), String> {
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
        let frames = std::iter::once(json!({ "type": "join", "room": room }).to_string());
        waiting.iter().for_each(|sent| self.note_sent(sent));
        for frame in frames.chain(waiting.iter().map(|sent| sent.frame(room))) {
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
                        let next = self.next().await;
                        self.note_sent(&next);
                        let is_sent = socket.send(Message::text(next.frame(room))).await.is_ok();
                        waiting.push(next);
                        if !is_sent {
                            return Ok(());
                        }
                    }
                }
                Some("rejected") if self.access.is_refusal_code(&frame["code"]) => {
                    self.refusals += 1;
                    return Ok(());
                }
                Some("rejected") => {
                    let id = frame["id"].as_str().unwrap_or_default().to_owned();
                    self.take_rejection(waiting, &id, &frame)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn post_by_request(&mut self, url: &str, waiting: &mut Vec<Sent>) -> Result<(), String> {
        for sent in waiting.clone() {
            self.note_sent(&sent);
            let Ok(response) = self.request(url, &sent).send().await else { continue };
            let status = response.status();
            if self.access.is_refusal(status) {
                self.refusals += 1;
                continue;
            }
            let Ok(stored) = response.json::<Value>().await else { continue };
            if status.is_success() {
                self.acknowledge(waiting, &sent.id, stored["offset"].as_u64());
            } else {
                self.take_rejection(waiting, &sent.id, &stored)?;
            }
        }
        Ok(())
    }
}
