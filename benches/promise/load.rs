//! Posts over many connections at once. One connection's posts are stored one after another, whatever it sends
//! ahead, so it is the connections that the group commit gathers. HTTP, because a socket that posts also reads
//! everything that the others say.

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

/// What to post.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) connections: usize,
    /// Unanswered posts of one connection.
    pub(crate) depth: usize,
    /// Posts a second over all connections; none: as fast as it goes.
    pub(crate) rate: Option<f64>,
    /// Posts in all, or until the server goes.
    pub(crate) total: u64,
    /// The rooms, which each connection takes in turn.
    pub(crate) rooms: Vec<String>,
    /// Ends it early: what is under way is still answered.
    pub(crate) stop: CancellationToken,
}

/// A post that the server said is durable.
pub(crate) struct Acknowledged {
    pub(crate) id: String,
    /// Which of the rooms.
    pub(crate) room: usize,
    pub(crate) offset: u64,
    /// When it was sent.
    pub(crate) at: Instant,
    pub(crate) latency: Duration,
}

#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Written to a connection, and not answered.
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
    /// One post after the other to the room that is always there, without an end.
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

    /// Posts until all is acknowledged or the server is gone.
    pub(crate) async fn run(self) -> Result<Outcome, Fault> {
        let mut posters = JoinSet::new();
        let next = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        for index in 0..self.connections {
            let (reading, writing) = TcpStream::connect(self.address).await?.into_split();
            let window = Arc::new(Semaphore::new(self.depth));
            let (sent, waiting) = mpsc::unbounded_channel();
            posters.spawn(take_answers(Answers::new(reading), waiting, window.clone()));
            // Nobody waits for it: it ends with the window, and then so does its reading half.
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
                // Dropping the writing half closes it, and a server may give up requests of a client that closes:
                // so it stays until everything is answered.
                drop(permit);
                drop(window.acquire_many(self.depth as u32).await);
                return;
            }
            permit.forget();
            let id = uuid::Uuid::new_v4().to_string();
            let room = (turn as usize + index) % self.rooms.len();
            let post = http::post(&self.rooms[room], &self.token, &id, &text());
            let at = Instant::now();
            // What could not be written has reached nobody and counts for nothing.
            if writing.write_all(post.as_bytes()).await.is_err() || sent.send(Sent { id, room, at }).is_err()
            {
                return;
            }
        }
    }
}

/// Answers come in the order of the posts.
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
