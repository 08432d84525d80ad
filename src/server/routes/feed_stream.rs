//! The feed as server-sent events (WHATWG HTML, section 9.2).
//!
//! The body is pulled: hyper asks for the next piece when the socket takes it, so a slow reader costs its cursor
//! and nothing else. The stream ends on the server's stop with a `retry:` that spreads the readers' return.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::time::Instant;

use crate::{
    protocol::{cursor::Cursor, feed::Control},
    server::{
        clock::now_ms,
        error::Error,
        feed::{Channels, encode_control},
        hub::{Start, Subscribed},
        metrics::ConnectionGuard,
        state::AppState,
        subscription::{Batch, Subscription},
        topic::Bell,
    },
};

/// A comment at least this often, so that proxies and readers know the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it reconnects.
const RETRY_MS: u64 = 2_000;
/// After a stop, readers return within this time.
const RETURN_SPREAD_MS: u64 = 5_000;

/// Opens the stream for one reader.
pub(super) async fn open(
    state: &AppState,
    start: Start,
    channels: Channels,
    connection: ConnectionGuard,
) -> Result<Response, Error> {
    let bell = Arc::new(Bell::default());
    let asked = if let Start::After(cursor) = &start { Some(cursor.clone()) } else { None };
    let Subscribed { subscription, recovered } = state.feed.subscribe(start, channels, bell.clone()).await?;
    let lost = asked.filter(|_| !recovered);
    let reader = Reader {
        state: state.clone(),
        subscription,
        bell,
        next: Next::Greet { lost },
        sign_of_life: Instant::now() + KEEP_ALIVE,
        _connection: connection,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"), // nginx would collect the events
    ];
    Ok((headers, Body::from_stream(stream::unfold(reader, Reader::next))).into_response())
}

struct Reader {
    state: AppState,
    subscription: Subscription,
    bell: Arc<Bell>,
    next: Next,
    /// When the reader is to hear something, whatever the bell rings for in the meantime.
    sign_of_life: Instant,
    _connection: ConnectionGuard,
}

enum Next {
    /// `lost` is the cursor that could not be honoured.
    Greet {
        lost: Option<Cursor>,
    },
    Follow,
    End,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Bytes, std::convert::Infallible>, Self)> {
        let bytes = match self.next {
            Next::End => return None,
            Next::Greet { ref mut lost } => {
                let lost = lost.take();
                self.next = Next::Follow;
                self.greeting(lost)
            }
            Next::Follow => self.follow().await?,
        };
        self.sign_of_life = Instant::now() + KEEP_ALIVE;
        Some((Ok(bytes), self))
    }

    /// A reader that is to be reset keeps its old cursor until the `reset` itself: cut between the two, it would
    /// otherwise resume from a cursor whose history it was never told to have lost.
    fn greeting(&self, lost: Option<Cursor>) -> Bytes {
        let cursor = self.subscription.cursor();
        let connected = Control::Connected { timestamp: now_ms() };
        let blocks = match lost {
            None => control_block(&cursor, &connected),
            Some(lost) => control_block(&lost, &connected) + &reset_block(cursor),
        };
        Bytes::from(format!("retry: {RETRY_MS}\n{blocks}"))
    }

    /// The next piece: all entries there are in one write, or a sign of life. `None` ends the stream, which the
    /// reader answers by reconnecting with its cursor.
    async fn follow(&mut self) -> Option<Bytes> {
        loop {
            match self.subscription.read().await {
                Ok(Batch::Entries(entries)) if entries.is_empty() => {}
                Ok(Batch::Entries(entries)) => {
                    self.state.metrics.count_deliveries(entries.len());
                    if let [entry] = entries.as_slice() {
                        return Some(entry.block().clone());
                    }
                    let mut bytes =
                        BytesMut::with_capacity(entries.iter().map(|entry| entry.block().len()).sum());
                    entries.iter().for_each(|entry| bytes.extend_from_slice(entry.block()));
                    return Some(bytes.freeze());
                }
                Ok(Batch::Reset(cursor)) => return Some(Bytes::from(reset_block(cursor))),
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

    /// Waits for the bell (`None`), or until there is something else to say.
    async fn idle(&mut self) -> Option<Bytes> {
        tokio::select! {
            () = self.bell.rung() => None,
            () = self.state.lifetime.stop.cancelled() => {
                self.next = Next::End;
                let spread = getrandom::u64().unwrap_or(0) % RETURN_SPREAD_MS;
                Some(Bytes::from(format!("retry: {}\n\n", RETRY_MS / 2 + spread)))
            }
            // A block without data moves the reader's Last-Event-ID and fires nothing: the reader of a quiet
            // channel keeps a cursor that is still retained.
            () = tokio::time::sleep_until(self.sign_of_life) => {
                Some(Bytes::from(format!(": keep-alive\nid: {}\n\n", self.subscription.cursor())))
            }
        }
    }
}

fn reset_block(cursor: Cursor) -> String {
    control_block(&cursor.clone(), &Control::Reset { cursor, timestamp: now_ms() })
}

fn control_block(cursor: &Cursor, control: &Control) -> String {
    format!("id: {cursor}\ndata: {}\n\n", encode_control(control))
}
