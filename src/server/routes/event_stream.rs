//! A topic as server-sent events (WHATWG HTML, section 9.2): what the feed's and the rooms' streams have in common.
//!
//! The body is pulled: hyper asks for the next piece when the socket takes it, so a slow reader costs its cursor
//! and nothing else. The stream ends on the server's stop with a `retry:` that spreads the readers' return.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::time::Instant;

use super::{farewell::return_after_ms, page_query::LIMIT_MAX};
use crate::{
    protocol::{
        cursor::Cursor,
        problem::{Code, Rejection},
    },
    server::{
        hub::Start,
        metrics::ConnectionGuard,
        presence::PresenceGuard,
        state::AppState,
        subscription::{Batch, Subscription},
        topic::{Bell, Entry, Whispers},
    },
};

/// A comment at least this often, so that proxies and readers know the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it reconnects.
const RETRY_MS: u64 = 2_000;
/// Entries are written in pieces of about this size, so that a reader that stalls holds no more of its own.
const PIECE_BYTES: usize = 16 * 1024;

/// Where a stream starts. A browser that reconnects repeats the address it first asked for and adds the header
/// `Last-Event-ID`, so the header is the newer of the two.
pub(super) fn parse_start(
    headers: &HeaderMap,
    after: Option<&str>,
    last: Option<usize>,
) -> Result<Start, Rejection> {
    let last_event_id = headers.get("last-event-id").filter(|value| !value.is_empty());
    let last_event_id = last_event_id.map(|value| value.to_str().unwrap_or_default());
    if let Some(cursor) = last_event_id.or(after) {
        return Ok(Start::After(cursor.parse()?));
    }
    match last {
        None => Ok(Start::New),
        Some(last) if last <= LIMIT_MAX => Ok(Start::Last(last)),
        Some(_) => {
            Err(Rejection::new(Code::BadRequest, format!("last is at most {LIMIT_MAX}; page back for more.")))
        }
    }
}

/// The cursor of a `start` that was not honoured.
pub(super) fn lost_cursor(start: &Start, recovered: bool) -> Option<Cursor> {
    match start {
        Start::After(cursor) if !recovered => Some(cursor.clone()),
        Start::After(_) | Start::Last(_) | Start::New => None,
    }
}

/// What makes a topic's stream its own.
pub(super) struct Followed {
    /// The log.
    pub(super) subscription: Subscription,
    /// What the subscription rings.
    pub(super) bell: Arc<Bell>,
    /// Whether the signs of life are events: scripts cannot hear comments.
    pub(super) has_heartbeat: bool,
    /// The JSON of the first event.
    pub(super) greeting: String,
    /// The cursor that was asked for, if it could not be honoured.
    pub(super) lost: Option<Cursor>,
    /// The JSON that tells a reset to this cursor.
    pub(super) reset: fn(&Subscription, &Cursor) -> String,
    /// The frame that makes up for whispers that were missed.
    pub(super) make_up: fn(&AppState, &Subscription) -> Option<Bytes>,
    /// Being in the room, if it is one and the reader is somebody.
    pub(super) _presence: Option<PresenceGuard>,
}

/// Answers with the stream.
pub(super) fn respond(state: &AppState, followed: Followed, connection: ConnectionGuard) -> Response {
    let reader = Reader {
        state: state.clone(),
        followed,
        phase: Phase::Greet,
        unwritten: VecDeque::new(),
        sign_of_life: Instant::now() + KEEP_ALIVE,
        _connection: connection,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"), // nginx would collect the events
    ];
    (headers, Body::from_stream(stream::unfold(reader, Reader::next))).into_response()
}

struct Reader {
    state: AppState,
    followed: Followed,
    phase: Phase,
    /// Read, and not written yet.
    unwritten: VecDeque<Arc<Entry>>,
    /// When the reader is to hear something, whatever the bell rings for in the meantime.
    sign_of_life: Instant,
    _connection: ConnectionGuard,
}

enum Phase {
    Greet,
    Follow,
    End,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let bytes = match self.phase {
            Phase::End => return None,
            Phase::Greet => {
                self.phase = Phase::Follow;
                self.greeting()
            }
            Phase::Follow => self.follow().await?,
        };
        self.sign_of_life = Instant::now() + KEEP_ALIVE;
        Some((Ok(bytes), self))
    }

    /// A reader that is to be reset keeps its old cursor until the `reset` itself: cut between the two, it would
    /// otherwise resume from a cursor whose history it was never told to have lost.
    fn greeting(&mut self) -> Bytes {
        let cursor = self.followed.subscription.cursor();
        let lost = self.followed.lost.take();
        let first = block(lost.as_ref().unwrap_or(&cursor), &self.followed.greeting);
        let reset = lost.map_or_else(String::new, |_| self.reset(&cursor));
        Bytes::from(format!("retry: {RETRY_MS}\n{first}{reset}"))
    }

    fn reset(&self, cursor: &Cursor) -> String {
        block(cursor, &(self.followed.reset)(&self.followed.subscription, cursor))
    }

    /// The next piece: all there is in one write, or a sign of life. `None` ends the stream, which the reader
    /// answers by reconnecting with its cursor.
    async fn follow(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.piece() {
                return Some(bytes);
            }
            if let Some(bytes) = self.whispers() {
                return Some(bytes);
            }
            match self.followed.subscription.read().await {
                Ok(Batch::Entries(entries)) => {
                    self.state.metrics.count_deliveries(entries.len());
                    self.unwritten = entries.into();
                }
                Ok(Batch::Reset(cursor)) => return Some(Bytes::from(self.reset(&cursor))),
                Ok(Batch::Idle) => {
                    if let Some(bytes) = self.idle().await {
                        return Some(bytes);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "a stream ends because the store failed");
                    return None;
                }
            }
        }
    }

    /// As many of the read entries as make a piece.
    fn piece(&mut self) -> Option<Bytes> {
        let first = self.unwritten.pop_front()?;
        if self.unwritten.is_empty() {
            return Some(first.block().clone());
        }
        let mut bytes = BytesMut::from(first.block().as_ref());
        while let Some(entry) = self.unwritten.front()
            && bytes.len() + entry.block().len() <= PIECE_BYTES
        {
            bytes.extend_from_slice(entry.block());
            self.unwritten.pop_front();
        }
        Some(bytes.freeze())
    }

    /// What was whispered, without ids: it moves no cursor.
    fn whispers(&mut self) -> Option<Bytes> {
        let frames = match self.followed.subscription.whispers() {
            Whispers::Frames(frames) => frames,
            Whispers::Missed => {
                (self.followed.make_up)(&self.state, &self.followed.subscription).into_iter().collect()
            }
        };
        let mut bytes = BytesMut::new();
        for frame in &frames {
            bytes.extend_from_slice(b"data: ");
            bytes.extend_from_slice(frame);
            bytes.extend_from_slice(b"\n\n");
        }
        (!bytes.is_empty()).then(|| bytes.freeze())
    }

    /// Waits for the bell (`None`), or until there is something else to say.
    async fn idle(&mut self) -> Option<Bytes> {
        tokio::select! {
            () = self.followed.bell.rung() => None,
            () = self.state.lifetime.stop.cancelled() => {
                self.phase = Phase::End;
                let after_ms = return_after_ms();
                // A script cannot hear the field, so it gets an event as well.
                let event = if self.followed.has_heartbeat { format!("event: retry\ndata: {after_ms}\n") } else { String::new() };
                Some(Bytes::from(format!("retry: {after_ms}\n{event}\n")))
            }
            // A block without data moves the reader's Last-Event-ID and fires nothing: the reader of a quiet
            // channel keeps a cursor that is still retained.
            () = tokio::time::sleep_until(self.sign_of_life) => {
                let cursor = self.followed.subscription.cursor();
                let heartbeat = if self.followed.has_heartbeat { "event: heartbeat\ndata: {}\n" } else { "" };
                Some(Bytes::from(format!(": keep-alive\nid: {cursor}\n{heartbeat}\n")))
            }
        }
    }
}

fn block(cursor: &Cursor, json: &str) -> String {
    format!("id: {cursor}\ndata: {json}\n\n")
}
