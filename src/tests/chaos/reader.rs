//! Readers that verify the promise: each entry once, in order, and a `reset` wherever entries are missing.

use std::{collections::HashSet, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{
    access::{Access, client},
    change::{Folded, fold},
    plan::Transport,
    topic::{Seen, Topic},
};

/// A reader that receives nothing for this long reconnects.
pub(super) const SILENCE: Duration = Duration::from_millis(1_200);

/// Entries that a reader received without a gap.
#[derive(Debug)]
pub(super) struct Segment {
    /// The offset before the first entry: the reader's first cursor, or that of a reset.
    pub(super) after: u64,
    /// Entries up to this offset may be gone, as a reset said; the retained ones among them come all the same.
    pub(super) loss: u64,
    pub(super) entries: Vec<Seen>,
}

impl Segment {
    /// The last offset that was received.
    pub(super) fn last(&self) -> u64 {
        self.entries.last().map_or(self.after, |seen| seen.offset)
    }
}

pub(super) struct Reader {
    topic: Topic,
    transport: Transport,
    access: Access,
    /// The server that it is connected to.
    url: String,
    /// Time without data after which it reconnects.
    patience: Duration,
    client: reqwest::Client,
    /// The log's last offset, once nothing more is written.
    end: watch::Receiver<Option<u64>>,
    epoch: String,
    offset: u64,
    pub(super) segments: Vec<Segment>,
    /// The messages since the last reset, with the changes that came.
    pub(super) folded: Folded,
    /// Every text that came.
    pub(super) texts: HashSet<String>,
    pub(super) connections: u64,
    /// Number of connections that went to another server than the one before.
    pub(super) moves: u64,
    /// Number of answers that told the reader to try later.
    pub(super) refusals: u64,
}

/// The end of a connection.
enum Ended {
    /// It was cut or silent, and the reader resumes.
    Lost,
    /// The server broke the promise.
    Broken(String),
}

impl<E: std::error::Error> From<E> for Ended {
    fn from(_: E) -> Self {
        Self::Lost
    }
}

impl Reader {
    pub(super) fn new(
        (topic, transport): (Topic, Transport),
        access: Access,
        patience: Duration,
        cursor: &str,
        end: watch::Receiver<Option<u64>>,
    ) -> Self {
        let (epoch, offset) = parse_cursor(cursor);
        Self {
            topic,
            transport,
            url: access.any().to_owned(),
            access,
            patience,
            client: client(None),
            end,
            epoch,
            offset,
            segments: vec![Segment { after: offset, loss: 0, entries: Vec::new() }],
            folded: Folded::new(),
            texts: HashSet::new(),
            connections: 0,
            moves: 0,
            refusals: 0,
        }
    }

    /// Reads to the end of the log, over as many connections as that takes. `Err` tells how the promise was broken.
    pub(super) async fn read(mut self) -> Result<Self, String> {
        while !self.is_done() {
            self.connect_anywhere();
            let ended = match self.transport {
                Transport::Socket => self.follow_socket().await,
                Transport::Stream => self.follow_stream().await,
                Transport::Poll => self.follow_polls().await,
            };
            match ended {
                Ok(()) => {}
                Err(Ended::Lost) => tokio::time::sleep(Duration::from_millis(fastrand::u64(5..60))).await,
                Err(Ended::Broken(how)) => {
                    let (topic, transport) = (&self.topic, self.transport);
                    return Err(format!("a reader of {topic:?} by {transport:?}: {how}"));
                }
            }
        }
        self.expect_silence().await?;
        Ok(self)
    }

    /// Reads once more from the end of the log: no entry and no reset may come.
    async fn expect_silence(&mut self) -> Result<(), String> {
        let before = (self.cursor(), self.segments.len());
        for _ in 0..20 {
            self.connect_anywhere();
            let page = self.follow_polls().await;
            if let Err(Ended::Broken(how)) = page {
                return Err(how);
            }
            if page.is_ok() {
                break;
            }
        }
        let after = (self.cursor(), self.segments.len());
        if after == before { Ok(()) } else { Err(format!("{after:?} came after the end {before:?}")) }
    }

    fn connect_anywhere(&mut self) {
        let url = self.access.any().to_owned();
        self.connections += 1;
        self.moves += u64::from(url != self.url);
        self.url = url;
    }

    /// Evaluates an answer that is an error: breaks the promise unless it is allowed.
    fn refused(&mut self, is_lawful: bool, answer: impl std::fmt::Display) -> Ended {
        if !is_lawful {
            return Ended::Broken(format!("answered {answer}"));
        }
        self.refusals += 1;
        Ended::Lost
    }

    fn is_done(&self) -> bool {
        self.end.borrow().is_some_and(|end| self.offset >= end)
    }

    /// Waits until the reader is known to have everything; after that the server sends it nothing.
    async fn done(&self) {
        let is_done = |end: &Option<u64>| end.is_some_and(|end| self.offset >= end);
        drop(self.end.clone().wait_for(is_done).await);
    }

    fn cursor(&self) -> String {
        let loss = self.loss();
        let told = if self.offset < loss { format!(".{loss}") } else { String::new() };
        format!("{}{told}:{}", self.epoch, self.offset)
    }

    fn loss(&self) -> u64 {
        self.segments.last().expect("there is a first").loss
    }

    fn take(&mut self, entry: &Value) -> Result<(), Ended> {
        let seen = self.topic.entry(entry);
        if seen.offset <= self.offset || seen.offset > self.offset.max(self.loss()) + 1 {
            return Err(Ended::Broken(format!("{} came after {}", seen.offset, self.offset)));
        }
        self.offset = seen.offset;
        if self.topic != Topic::Feed {
            fold(&mut self.folded, entry);
            self.texts.extend(entry["text"].as_str().map(str::to_owned));
        }
        self.segments.last_mut().expect("there is a first").entries.push(seen);
        Ok(())
    }

    fn reset(&mut self, epoch: &str, offset: u64) -> Result<(), Ended> {
        let (generation, loss) = parse_epoch(epoch);
        let loss = loss.unwrap_or(offset);
        // No run restores a backup, so no epoch may change.
        if generation != self.epoch {
            return Err(Ended::Broken(format!("a new epoch {epoch}")));
        }
        if offset < self.offset || loss <= self.offset {
            return Err(Ended::Broken(format!("a reset to {offset} although {} was read", self.offset)));
        }
        self.offset = offset;
        self.segments.push(Segment { after: offset, loss, entries: Vec::new() });
        // The changes that were made meanwhile did not come: a browser loads the messages again.
        self.folded.clear();
        Ok(())
    }

    /// Checks the cursor in the first event of a connection.
    fn greet(&self, offset: u64, recovered: bool) -> Result<(), Ended> {
        if recovered && offset != self.offset {
            return Err(Ended::Broken(format!("recovered at {offset} instead of {}", self.offset)));
        }
        Ok(())
    }

    async fn follow_socket(&mut self) -> Result<(), Ended> {
        let Topic::Room(room) = self.topic else { unreachable!("the socket follows rooms") };
        let mut request = format!("{}/ws", self.url.replace("http://", "ws://")).into_client_request()?;
        let authorization = format!("Bearer {}", self.access.token).parse().expect("a token is ASCII");
        request.headers_mut().insert("authorization", authorization);
        let (mut socket, _) = timeout(SILENCE, tokio_tungstenite::connect_async(request)).await??;
        let join = json!({ "type": "join", "room": room, "after": self.cursor() });
        socket.send(Message::text(join.to_string())).await?;
        // Until the reset, entries must not be accepted.
        let mut awaits_reset = None;
        while !self.is_done() {
            let next = tokio::select! {
                next = timeout(self.patience, socket.next()) => next,
                () = self.done() => return Ok(()),
            };
            let message = next?.ok_or(Ended::Lost)??;
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text)?;
            match frame["type"].as_str().unwrap_or_default() {
                "joined" => {
                    let recovered = frame["recovered"] == true;
                    self.greet(frame["offset"].as_u64().unwrap_or(u64::MAX), recovered)?;
                    awaits_reset = Some(!recovered);
                }
                "reset" => {
                    self.reset(
                        frame["epoch"].as_str().unwrap_or_default(),
                        frame["offset"].as_u64().unwrap_or(0),
                    )?;
                    awaits_reset = Some(false);
                }
                "message" | "message-changed" if awaits_reset != Some(false) => {
                    return Err(Ended::Broken("a message before joined and reset".into()));
                }
                "message" | "message-changed" => self.take(&frame)?,
                "rejected" => {
                    return Err(self.refused(self.access.is_refusal_code(&frame["code"]), &frame));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn follow_stream(&mut self) -> Result<(), Ended> {
        let request = self.client.get(format!("{}{}", self.url, self.topic.stream()));
        let request = request.header("last-event-id", self.cursor()).bearer_auth(&self.access.token);
        let response = timeout(SILENCE, request.send()).await??;
        if response.status() != 200 {
            return Err(self.refused(self.access.is_refusal(response.status()), response.status()));
        }
        let mut bytes = response.bytes_stream();
        let mut buffer = Vec::new();
        while !self.is_done() {
            let next = tokio::select! {
                next = timeout(self.patience, bytes.next()) => next,
                () = self.done() => return Ok(()),
            };
            let piece = next?.ok_or(Ended::Lost)??;
            buffer.extend_from_slice(&piece);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block = String::from_utf8(buffer.drain(..end + 2).collect())?;
                self.take_block(&block)?;
            }
        }
        Ok(())
    }

    fn take_block(&mut self, block: &str) -> Result<(), Ended> {
        let id = block.lines().find_map(|line| line.strip_prefix("id: "));
        let data = block.lines().find_map(|line| line.strip_prefix("data: "));
        // A block without an id moves no cursor: it is about presence or typing.
        let Some(id) = id else { return Ok(()) };
        let (epoch, offset) = parse_cursor(id);
        if parse_epoch(&epoch).0 != self.epoch {
            return Err(Ended::Broken(format!("the id {id} to a reader of {}", self.epoch)));
        }
        let Some(data) = data else {
            // A heartbeat also sets a browser's cursor, so it must have the reader's own.
            return self.greet(offset, true);
        };
        let data: Value = serde_json::from_str(data)?;
        match data["type"].as_str().unwrap_or_default() {
            // The id is the reader's own cursor, accepted or not; only a reset moves it.
            "joined" | "connected" => self.greet(offset, true),
            "reset" => self.reset(&epoch, offset),
            _ => {
                let seen = self.topic.entry(&data);
                if seen.offset != offset {
                    return Err(Ended::Broken(format!("the id {id} on the entry {}", seen.offset)));
                }
                self.take(&data)?;
                if id == self.cursor() {
                    Ok(())
                } else {
                    Err(Ended::Broken(format!("the id {id} at {}", self.cursor())))
                }
            }
        }
    }

    async fn follow_polls(&mut self) -> Result<(), Ended> {
        let (pages, cursor, limit) = (self.topic.pages(), self.cursor(), fastrand::usize(1..=200));
        // With `seen`, a poll also returns when a user comes or goes, which happens here all the time.
        let seen = if self.topic != Topic::Feed && fastrand::bool() { "&seen=" } else { "" };
        let path = format!("{}{pages}?after={cursor}&wait=1&limit={limit}{seen}", self.url);
        let request = self.client.get(path).header("accept", "application/json");
        let request = request.bearer_auth(&self.access.token);
        let response = timeout(SILENCE * 2, request.send()).await??;
        if response.status() != 200 {
            return Err(self.refused(self.access.is_refusal(response.status()), response.status()));
        }
        let page: Value = serde_json::from_slice(&timeout(SILENCE * 2, response.bytes()).await??)?;
        let (epoch, end) = parse_cursor(page["cursor"].as_str().unwrap_or_default());
        let entries = self.topic.entries(&page);
        if page["reset"] == true {
            let first = entries.first().map_or(end, |first| self.topic.entry(first).offset - 1);
            // Behind the loss, the cursor does not have it any more.
            let (generation, loss) = parse_epoch(&epoch);
            self.reset(&format!("{generation}.{}", loss.unwrap_or(end)), first)?;
        }
        for entry in &entries {
            self.take(entry)?;
        }
        if end <= self.loss() {
            self.offset = self.offset.max(end); // what is missing up to there is gone
        }
        if page["cursor"] != self.cursor() {
            let cursor = self.cursor();
            return Err(Ended::Broken(format!("the page ends at {epoch}:{end}, its entries at {cursor}")));
        }
        Ok(())
    }
}

/// The generation of an epoch, and the loss that it tells.
pub(super) fn parse_epoch(epoch: &str) -> (&str, Option<u64>) {
    let (generation, loss) = epoch.split_once('.').unwrap_or((epoch, ""));
    (generation, loss.parse().ok())
}

/// An unreadable cursor becomes one that matches no log.
pub(super) fn parse_cursor(text: &str) -> (String, u64) {
    let (epoch, offset) = text.split_once(':').unwrap_or_default();
    (epoch.to_owned(), offset.parse().unwrap_or(u64::MAX))
}
