//! One chat connection: what it follows, and what it does when something happens.

use std::{collections::HashMap, sync::Arc, time::Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::SinkExt;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    super::farewell::return_after_ms, CLOSE_TIMEOUT, FRAME_MAX_BYTES, JOINS_MAX, PING_INTERVAL, SILENCE_MAX,
    close,
};
use crate::{
    protocol::{
        chat::{ClientFrame, ServerFrame},
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        chat::{Joined, encode_frame, reset_frame},
        error::Error,
        hub::Start,
        presence::PresenceGuard,
        state::AppState,
        subscription::{Batch, Subscription},
        topic::{Bell, Whispers},
    },
};

/// Most entries `join` with `last` may ask for.
const LAST_MAX: u32 = 200;

/// Why the connection ends. There is nothing to repair: the client resumes from its cursor.
#[derive(Debug)]
pub(super) enum End {
    /// The peer closed, or is gone.
    Gone,
    /// We close, with this code.
    Close(u16),
}

/// What the connection's task wakes up for.
enum Event {
    Message(Option<Result<Message, axum::Error>>),
    Delivery,
    Heartbeat,
}

/// A room the connection follows. Dropping it leaves the room.
struct Following {
    subscription: Subscription,
    _presence: Option<PresenceGuard>,
}

pub(super) struct Connection {
    state: AppState,
    user: User,
    bell: Arc<Bell>,
    rooms: HashMap<RoomId, Following>,
}

impl Connection {
    pub(super) fn new(state: AppState, user: User) -> Self {
        Self { state, user, bell: Arc::new(Bell::default()), rooms: HashMap::new() }
    }

    /// Serves the socket until one side ends it.
    pub(super) async fn serve(mut self, mut socket: WebSocket) {
        let end = self.run(&mut socket).await;
        tracing::debug!(user.id = self.user.id, ?end, "a socket ended");
        if let End::Close(code) = end {
            let reason = match code {
                close::GOING_AWAY => format!("retry {}", return_after_ms()).into(),
                _ => Utf8Bytes::default(),
            };
            let frame = CloseFrame { code, reason };
            // The peer may be gone already; there is nobody left to tell.
            drop(timeout(CLOSE_TIMEOUT, socket.send(Message::Close(Some(frame)))).await);
        }
        // Sends our answer to a close of the peer's, or waits for the peer's to ours. A connection that is dropped
        // with something unread is reset, and the peer would lose the close and its code.
        drop(timeout(CLOSE_TIMEOUT, async { while let Some(Ok(_)) = socket.recv().await {} }).await);
    }

    async fn run(&mut self, socket: &mut WebSocket) -> End {
        let mut heartbeat = interval(PING_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut has_more = false;
        let stop = self.state.lifetime.stop.clone();
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => return End::Close(close::GOING_AWAY),
                message = socket.recv() => Event::Message(message),
                // A room that had more than one batch goes on in the next round, after the client was heard.
                () = async {}, if has_more => Event::Delivery,
                () = self.bell.rung() => Event::Delivery,
                _ = heartbeat.tick() => Event::Heartbeat,
            };
            let began = Instant::now();
            let done = match event {
                Event::Message(Some(Ok(message))) => {
                    heard = began;
                    self.on_message(socket, message).await
                }
                Event::Message(Some(Err(error))) => Err(End::Close(close_code(&error))),
                Event::Message(None) => Err(End::Gone),
                Event::Delivery => self.deliver(socket).await.map(|more| has_more = more),
                Event::Heartbeat if heard.elapsed() > SILENCE_MAX => Err(End::Gone),
                Event::Heartbeat => write(socket, Message::Ping(Bytes::new())).await,
            };
            let flushed = match done {
                Ok(()) => flush(socket).await,
                Err(end) => Err(end),
            };
            if let Err(end) = flushed {
                return end;
            }
            if began.elapsed() > PING_INTERVAL {
                // The peer was slow to read. While we wrote we did not listen, so its silence says nothing.
                heard = Instant::now();
            }
        }
    }

    async fn on_message(&mut self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                let rejection =
                    Rejection::new(Code::BadJson, "A frame is a text message of JSON, not a binary one.");
                return send(socket, &rejected(None, None, rejection)).await;
            }
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        if text.len() > FRAME_MAX_BYTES {
            let rejection =
                Rejection::new(Code::TooLarge, format!("A frame has at most {FRAME_MAX_BYTES} bytes."));
            return send(socket, &rejected(None, None, rejection)).await;
        }
        match ClientFrame::parse(&text) {
            Ok(frame) => self.on_frame(socket, frame).await,
            Err(rejection) => send(socket, &rejected(None, None, rejection)).await,
        }
    }

    async fn on_frame(&mut self, socket: &mut WebSocket, frame: ClientFrame) -> Result<(), End> {
        match frame {
            ClientFrame::Join { room, after, last } => match self.join(&room, after, last).await {
                Ok(frames) => {
                    for frame in frames {
                        send(socket, &frame).await?;
                    }
                    // What the cursor lacks is there already: no bell announces it.
                    self.deliver(socket).await.map(|more| {
                        if more {
                            self.bell.ring()
                        }
                    })
                }
                Err(error) => send(socket, &rejected(Some(room), None, error.into_rejection())).await,
            },
            ClientFrame::Leave { room } => match self.followed(&room) {
                Ok(id) => {
                    self.rooms.remove(&id);
                    Ok(())
                }
                Err(rejection) => send(socket, &rejected(Some(room), None, rejection)).await,
            },
            ClientFrame::Post { room, id, text } => {
                let frame = match self.post(&room, &id, &text).await {
                    Ok(frame) => frame,
                    Err(error) => rejected(Some(room), Some(id), error.into_rejection()),
                };
                send(socket, &frame).await
            }
            ClientFrame::Typing { room } => match self.typing(&room) {
                Ok(()) => Ok(()),
                Err(rejection) => send(socket, &rejected(Some(room), None, rejection)).await,
            },
            ClientFrame::Ping => send(socket, &ServerFrame::Pong).await,
        }
    }

    /// Follows a room; joining one again starts anew from the given cursor.
    async fn join(
        &mut self,
        room: &str,
        after: Option<String>,
        last: Option<u32>,
    ) -> Result<Vec<ServerFrame>, Error> {
        let start = match (after, last) {
            (Some(after), _) => Start::After(after.parse()?),
            (None, Some(last)) => Start::Last(last.min(LAST_MAX) as usize),
            (None, None) => Start::New,
        };
        let id = self.state.chat.room(room).await?;
        if self.rooms.len() >= JOINS_MAX && !self.rooms.contains_key(&id) {
            let message = format!("One socket follows at most {JOINS_MAX} rooms; leave one first.");
            return Err(Rejection::new(Code::TooManyJoins, message).into());
        }
        let Joined { frame, recovered, subscription, presence } =
            self.state.chat.join(room, Some(&self.user), start, self.bell.clone()).await?;
        let reset = (!recovered).then(|| reset_frame(id.clone(), subscription.cursor()));
        self.rooms.insert(id, Following { subscription, _presence: presence });
        Ok([Some(frame), reset].into_iter().flatten().collect())
    }

    async fn post(&self, room: &str, id: &str, text: &str) -> Result<ServerFrame, Error> {
        let room = self.followed(room)?;
        let (message, _) = self.state.chat.post(&room, &self.user, id, text).await?;
        // The client's own spelling of the id, so that it finds its draft.
        Ok(ServerFrame::Posted {
            room,
            id: id.to_owned(),
            offset: message.offset,
            timestamp: message.timestamp,
        })
    }

    fn typing(&self, room: &str) -> Result<(), Rejection> {
        let room = self.followed(room)?;
        self.state.chat.typing(&room, &self.user)
    }

    fn followed(&self, room: &str) -> Result<RoomId, Rejection> {
        let id = RoomId::parse(room)?;
        if self.rooms.contains_key(&id) {
            return Ok(id);
        }
        Err(Rejection::new(Code::NotJoined, "Join the room first."))
    }

    /// Writes one batch of what each room has for this reader. True: some room has more.
    async fn deliver(&mut self, socket: &mut WebSocket) -> Result<bool, End> {
        let mut has_more = false;
        for (room, Following { subscription, .. }) in &mut self.rooms {
            match subscription.whispers() {
                Whispers::Frames(frames) => {
                    for frame in frames {
                        write(socket, text(frame)).await?;
                    }
                }
                Whispers::Missed => write(socket, text(self.state.chat.members_frame(room))).await?,
            }
            match subscription.read().await {
                Ok(Batch::Idle) => {}
                Ok(Batch::Entries(entries)) => {
                    has_more = true;
                    self.state.metrics.count_deliveries(entries.len());
                    for entry in entries {
                        write(socket, text(entry.json())).await?;
                    }
                }
                Ok(Batch::Reset(cursor)) => {
                    has_more = true;
                    send(socket, &reset_frame(room.clone(), cursor)).await?;
                }
                Err(error) => {
                    tracing::error!(%error, "a socket ends because the store failed");
                    return Err(End::Close(close::INTERNAL_ERROR));
                }
            }
        }
        Ok(has_more)
    }
}

fn rejected(room: Option<String>, id: Option<String>, rejection: Rejection) -> ServerFrame {
    let Rejection { code, message } = rejection;
    ServerFrame::Rejected { room, id, code, message, retry_after_ms: None }
}

/// An encoded frame as a message. It was a string when it was encoded.
fn text(frame: Bytes) -> Message {
    Message::Text(Utf8Bytes::try_from(frame).expect("frames are encoded as JSON text"))
}

async fn send(socket: &mut WebSocket, frame: &ServerFrame) -> Result<(), End> {
    write(socket, Message::Text(encode_frame(frame).into())).await
}

/// Puts a message into the write buffer, which goes out when it is full or flushed.
async fn write(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    socket.feed(message).await.map_err(|_| End::Gone)
}

async fn flush(socket: &mut WebSocket) -> Result<(), End> {
    socket.flush().await.map_err(|_| End::Gone)
}

/// The code that says what was wrong with what the peer sent.
fn close_code(error: &axum::Error) -> u16 {
    use tokio_tungstenite::tungstenite::Error;
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>());
    match source {
        Some(Error::Capacity(_)) => close::TOO_BIG,
        Some(Error::Utf8(_)) => close::NOT_UTF8,
        Some(Error::Protocol(_)) => close::PROTOCOL_ERROR,
        _ => close::GOING_AWAY,
    }
}
