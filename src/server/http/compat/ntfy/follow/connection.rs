//! One reader's connection: the loop that reads for it and writes messages in its format. It must stay small, and must
//! never decode what the reader sends but the frames of a WebSocket, which say nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use super::Format;
use crate::{
    protocol::{
        cursor::{Cursor, Offset},
        feed::Entry,
        transport::KEEP_ALIVE_SECONDS,
    },
    server::{
        auth::LiveSession,
        clock::now_ms,
        http::{
            compat::ntfy::{message::Message, query::Filters},
            extract::user::revoked,
            realtime::{
                catch_up::{Interruption, read_updates},
                shutdown_retry::return_after_ms,
                websocket::{self, FrameReader, Incoming, close, next_message},
            },
        },
        limits::FrameRateLimiter,
        log::{
            frame_writer::FrameWriter,
            subscription::Subscription,
            topic::{self, Update, Wakeup},
            wire_format::{CLOSE, PING, PONG, TEXT, frame},
        },
        state::AppState,
    },
};

/// ntfy's clients expect a sign of life every 45 s; proxies want one sooner.
const KEEP_ALIVE: Duration = Duration::from_secs(KEEP_ALIVE_SECONDS as u64);
/// A WebSocket's peer answers pings; one that has sent nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// Time for a reader to take the last bytes and to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A reader and what it asked for.
pub(super) struct Reader {
    pub(super) subscription: Subscription,
    pub(super) wakeup: Arc<Wakeup>,
    pub(super) topics: Vec<String>,
    pub(super) format: Format,
    pub(super) is_poll: bool,
    pub(super) filters: Filters,
    /// The messages that wait for their time, which a poll has after all others.
    pub(super) scheduled: Vec<Message>,
    /// The first message of a topic that it wants.
    pub(super) first: HashMap<String, Offset>,
    /// It resumes at a message, and some that came after that one are gone.
    pub(super) is_lost: bool,
    pub(super) session: Option<LiveSession>,
}

/// The way out to a reader.
pub(super) enum Output {
    /// The body of the answer, chunk by chunk. Each waits until the one before is taken.
    Body(mpsc::Sender<Bytes>),
    /// A WebSocket, with the peer's frames.
    Socket(FrameWriter, FrameReader),
}

/// One connection and all that it holds.
pub(super) struct Connection {
    state: AppState,
    reader: Reader,
    output: Output,
    /// The bytes to be written next.
    pending: Vec<u8>,
    frame_rate: FrameRateLimiter,
}

/// The reason for the end. There is nothing to repair: the reader resumes from its last message.
enum End {
    /// The reader is gone, or takes nothing.
    Gone,
    /// A poll has all that is there.
    Done,
    /// With a close code: the server stops, a right has changed, the peer closed, or it broke the protocol.
    Close(u16),
}

impl Connection {
    pub(super) fn new(state: AppState, reader: Reader, output: Output) -> Self {
        let frame_rate = state.limits.frame_rate_limiter();
        Self { state, reader, output, pending: Vec::new(), frame_rate }
    }

    /// Serves the reader until one side ends it.
    pub(super) async fn serve(mut self) {
        let code = match self.run().await {
            End::Gone => return,
            End::Done => close::NORMAL,
            End::Close(code) => code,
        };
        if let Output::Socket(writer, frames) = &mut self.output {
            // The reader may be gone already, or leave before it answers.
            drop(timeout(CLOSE_TIMEOUT, close_socket(writer, frames, code)).await);
        }
    }

    async fn run(&mut self) -> End {
        let stop = self.state.lifetime.stop.clone();
        let mut keep_alives = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        keep_alives.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut has_more) = (Instant::now(), true);
        self.greet();
        loop {
            if !self.pending.is_empty() {
                match stop.run_until_cancelled(self.flush()).await {
                    None => return End::Close(close::GOING_AWAY),
                    Some(Err(end)) => return end,
                    Some(Ok(())) => heard = Instant::now(), // while we wrote, its silence said nothing
                }
            }
            if self.reader.is_poll && !has_more {
                if self.reader.scheduled.is_empty() {
                    return End::Done;
                }
                self.write_scheduled();
                continue;
            }
            tokio::select! {
                biased; // a revoked reader gets nothing more
                () = revoked(self.reader.session.as_ref()) => return End::Close(close::NO_SESSION),
                () = stop.cancelled() => return End::Close(close::GOING_AWAY),
                incoming = self.output.incoming() => {
                    heard = Instant::now();
                    match incoming.map(|incoming| self.on_frame(incoming)) {
                        Ok(Ok(())) => continue,
                        Ok(Err(end)) | Err(end) => return end,
                    }
                }
                _ = keep_alives.tick() => {
                    if self.is_socket() && heard.elapsed() > SILENCE_MAX {
                        return End::Gone;
                    }
                    self.keep_alive();
                    continue;
                }
                () = async {}, if has_more => {}
                () = self.reader.wakeup.notified() => {}
            }
            match self.deliver().await {
                Ok(more) => has_more = more,
                Err(end) => return end,
            }
        }
    }

    fn is_socket(&self) -> bool {
        matches!(self.output, Output::Socket(..))
    }

    /// Hands over what is to be written, and waits until the reader takes it.
    async fn flush(&mut self) -> Result<(), End> {
        let bytes = std::mem::take(&mut self.pending);
        match &self.output {
            // A reader that takes nothing loses its connection (`serve/write_deadline.rs`), and this its other end.
            Output::Body(chunks) => chunks.send(bytes.into()).await.map_err(|_| End::Gone),
            Output::Socket(writer, _) => {
                writer.write(&bytes);
                writer.drain(self.state.write_timeout).await.map_err(|_| End::Gone)
            }
        }
    }

    /// Writes the first event, and what the reader has to know before the first message.
    fn greet(&mut self) {
        let cursor = self.reader.subscription.cursor();
        if !self.reader.is_poll {
            self.write(&Message::open(&cursor, &self.reader.topics.join(","), now_ms()));
        }
        if std::mem::take(&mut self.reader.is_lost) {
            self.write_loss(&cursor);
        }
    }

    fn keep_alive(&mut self) {
        if self.reader.is_poll {
            return;
        }
        let cursor = self.reader.subscription.cursor();
        self.write(&Message::keep_alive(&cursor, &self.reader.topics.join(","), now_ms()));
        if self.is_socket() {
            self.pending.extend_from_slice(&frame(PING, b""));
        }
    }

    /// Writes the next batch. Returns false if there was none.
    async fn deliver(&mut self) -> Result<bool, End> {
        let updates = match read_updates(&mut self.reader.subscription, &self.state.metrics).await {
            Ok(Some(updates)) => updates,
            Ok(None) => return Ok(false),
            // Other channels than before are readable: the reader comes back and reads on.
            Err(Interruption::Evicted) => return Err(End::Close(close::GOING_AWAY)),
            Err(Interruption::Failed(error)) => {
                tracing::error!(%error, "closing a reader of ntfy: the store failed");
                return Err(End::Close(close::INTERNAL_ERROR));
            }
        };
        for update in updates.in_order() {
            match update {
                Update::Entry(entry) => self.write_entry(entry),
                Update::Reset(cursor) => self.write_loss(cursor),
                Update::Ephemeral(_) | Update::EphemeralsMissed => {} // the feed has none
            }
        }
        Ok(true)
    }

    fn write_entry(&mut self, entry: &topic::Entry) {
        let is_wanted =
            |channel: &str| self.reader.first.get(channel).is_none_or(|first| entry.offset >= *first);
        if !entry.channel.as_deref().is_some_and(is_wanted) {
            return;
        }
        // One that only a newer build can read is no message to us.
        let Ok(read) = serde_json::from_slice::<Entry>(&entry.encoded.json()) else { return };
        let epoch = self.reader.subscription.cursor_at(entry.offset).epoch;
        let message = Message::of(&epoch, read).filter(|message| self.reader.filters.pass(message));
        if let Some(message) = message {
            self.write(&message);
        }
    }

    fn write_scheduled(&mut self) {
        for message in std::mem::take(&mut self.reader.scheduled) {
            if self.reader.filters.pass(&message) {
                self.write(&message);
            }
        }
    }

    /// Tells a reader that messages are gone, in a topic that it follows, and past its filters.
    fn write_loss(&mut self, cursor: &Cursor) {
        let topic = self.reader.topics.first().map_or("", String::as_str);
        self.write(&Message::loss(cursor, topic, now_ms()));
    }

    fn write(&mut self, message: &Message) {
        let bytes = match self.reader.format {
            Format::Json => Bytes::from(message.to_json() + "\n"),
            Format::Sse => Bytes::from(message.to_sse()),
            Format::Raw => Bytes::from(message.to_line()),
            Format::WebSocket => frame(TEXT, message.to_json().as_bytes()),
        };
        self.pending.extend_from_slice(&bytes);
    }

    fn on_frame(&mut self, incoming: Incoming) -> Result<(), End> {
        if let Err(too_fast) = self.frame_rate.step() {
            return if too_fast.must_disconnect { Err(End::Close(close::POLICY)) } else { Ok(()) };
        }
        match incoming {
            Incoming::Ping(payload) => self.pending.extend_from_slice(&frame(PONG, &payload)),
            Incoming::Close(code) => return Err(End::Close(code)),
            Incoming::Text(_) | Incoming::Binary | Incoming::Pong => {}
        }
        Ok(())
    }
}

impl Output {
    /// Waits for a frame of a WebSocket, or for the end of a body whose reader has gone.
    async fn incoming(&mut self) -> Result<Incoming, End> {
        match self {
            Self::Body(chunks) => {
                chunks.closed().await;
                Err(End::Gone)
            }
            Self::Socket(writer, frames) => next_message(frames, writer).await.map_err(|end| match end {
                websocket::End::Gone => End::Gone,
                websocket::End::Closed(code) | websocket::End::Close(code) => End::Close(code),
            }),
        }
    }
}

/// Ends the protocol in order, so that the peer reads the code.
async fn close_socket(writer: &FrameWriter, frames: &mut FrameReader, code: u16) {
    let mut payload = code.to_be_bytes().to_vec();
    if code == close::GOING_AWAY {
        payload.extend_from_slice(format!("retry {}", return_after_ms()).as_bytes());
    }
    writer.write(&frame(CLOSE, &payload));
    if writer.drain(CLOSE_TIMEOUT).await.is_err() {
        return;
    }
    // A connection that is dropped with something unread is reset, and the peer would lose the close.
    while !matches!(next_message(frames, writer).await, Ok(Incoming::Close(_)) | Err(_)) {}
}
