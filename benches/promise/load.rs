//! Posts over many connections at once. The posts of one connection are stored one after another, however many it
//! pipelines, so group commit gathers posts of different connections. Over HTTP, because a socket that posts also
//! receives all other messages.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde::Deserialize;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;

use super::{Fault, http, http::Answers, reader::GENERAL};

/// The posts to send.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) connections: usize,
    /// Unanswered posts per connection.
    pub(crate) depth: usize,
    /// Posts per second over all connections; `None` for as fast as possible.
    pub(crate) rate: Option<f64>,
    /// Total number of posts, unless the server ends first.
    pub(crate) total: u64,
    /// The rooms, which each connection takes in turn.
    pub(crate) rooms: Vec<String>,
    /// Ends the load early: posts in flight are still answered.
    pub(crate) stop: CancellationToken,
}

/// An acknowledged post.
pub(crate) struct Acknowledged {
    pub(crate) id: String,
    /// Index of the room.
    pub(crate) room: usize,
    pub(crate) offset: u64,
    /// Time when it was sent.
    pub(crate) at: Instant,
    pub(crate) latency: Duration,
}

#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Posts that were written to a connection and not answered.
    pub(crate) unacknowledged: Vec<Sent>,
}

pub(crate) struct Sent {
    pub(crate) id: String,
    room: usize,
    pub(crate) at: Instant,
}

#[derive(Deserialize)]
struct Stored {
    offset: u64,
}

impl Load {
    /// One post after the other, without an end, to the room that exists from the start.
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self {
            address,
            token: token.to_owned(),
            connections: 1,
            depth: 1,
            rate: None,
            total: u64::MAX,
            rooms: vec![GENERAL.to_owned()],
            stop: CancellationToken::new(),
        }
    }

    /// Posts until all posts are acknowledged or the server is gone.
    pub(crate) async fn run(self) -> Result<Outcome, Fault> {
        let mut posters = JoinSet::new();
        let next = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        for index in 0..self.connections {
            let (reading, writing) = TcpStream::connect(self.address).await?.into_split();
            let window = Arc::new(Semaphore::new(self.depth));
            let (sent, waiting) = mpsc::unbounded_channel();
            posters.spawn(take_answers(Answers::new(reading), waiting, window.clone()));
            // Not joined: it ends with the window, and its reading half then does too.
            tokio::spawn(self.clone().write(writing, sent, window, next.clone(), (began, index)));
        }
        let mut all = Outcome::default();
        while let Some(outcome) = posters.join_next().await {
            let outcome = outcome??;
            all.acknowledged.extend(outcome.acknowledged);
            all.unacknowledged.extend(outcome.unacknowledged);
        }
        Ok(all)
    }

    async fn write(
        self,
        mut writing: OwnedWriteHalf,
        sent: mpsc::UnboundedSender<Sent>,
        window: Arc<Semaphore>,
        next: Arc<AtomicU64>,
        (began, index): (Instant, usize),
    ) {
        for turn in 0_u64.. {
            if let Some(rate) = self.rate {
                let place = turn * self.connections as u64 + index as u64;
                sleep_until((began + Duration::from_secs_f64(place as f64 / rate)).into()).await;
            }
            let Ok(permit) = window.acquire().await else { return };
            if self.stop.is_cancelled() || next.fetch_add(1, Relaxed) >= self.total {
                // Dropping the writing half would close it, and a server may abandon the requests of a client that
                // closes; so it stays until everything is answered.
                drop(permit);
                drop(window.acquire_many(self.depth as u32).await);
                return;
            }
            permit.forget();
            let id = uuid::Uuid::new_v4().to_string();
            let room = (turn as usize + index) % self.rooms.len();
            let post = http::post(&self.rooms[room], &self.token, &id, &text());
            let at = Instant::now();
            // A post that could not be written was never sent and does not count.
            if writing.write_all(post.as_bytes()).await.is_err() || sent.send(Sent { id, room, at }).is_err()
            {
                return;
            }
        }
    }
}

/// Reads the answers, which come in the order of the posts.
async fn take_answers(
    mut answers: Answers<OwnedReadHalf>,
    mut waiting: mpsc::UnboundedReceiver<Sent>,
    window: Arc<Semaphore>,
) -> Result<Outcome, Fault> {
    let mut outcome = Outcome::default();
    let mut is_gone = false;
    while let Some(Sent { id, room, at }) = waiting.recv().await {
        let answer = if is_gone { None } else { answers.answer().await.ok() };
        let Some((status, body)) = answer else {
            (is_gone, _) = (true, window.close());
            outcome.unacknowledged.push(Sent { id, room, at });
            continue;
        };
        if status != 201 {
            return Err(format!("a post was answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        let Stored { offset } = serde_json::from_slice(&body)?;
        outcome.acknowledged.push(Acknowledged { id, room, offset, at, latency: at.elapsed() });
        window.add_permits(1);
    }
    Ok(outcome)
}

/// A message of 100 bytes.
pub(crate) fn text() -> String {
    "0123456789".repeat(10)
}
