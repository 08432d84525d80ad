//! One stream of events: the loop that reads for a reader that is not at the head, and the keep-alives. `mod.rs` starts
//! it. It must stay small: there may be many thousands of open streams.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Followed;
use crate::{
    protocol::{chat::ServerFrame, cursor::Cursor, problem::Rejection, transport::KEEP_ALIVE_SECONDS},
    server::{
        chat::encode_frame,
        http::{
            extract::user::{no_session, revoked},
            realtime::{
                catch_up::{Interruption, read_bytes},
                shutdown_retry::return_after_ms,
            },
        },
        log::{
            frame_writer::FrameWriter,
            subscription::Subscription,
            wire_format::{WireFormat, sse_event},
        },
        state::AppState,
        store::StoreError,
    },
};

/// A comment this often, so that proxies and readers know the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(KEEP_ALIVE_SECONDS as u64);
/// The wait of a browser before it reconnects.
const RETRY_MS: u64 = 2_000;
/// Time for a reader to take the last event.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// One stream and all that it holds.
pub(super) struct Connection {
    state: AppState,
    followed: Followed,
    frame_writer: Arc<FrameWriter>,
}

/// The reason for a stream's end. There is nothing to repair: the reader resumes from its cursor.
enum End {
    /// The reader is gone, or takes nothing, or is to come back.
    Gone,
    /// The server stops.
    Stop,
    /// The reader may not read here any more.
    Rejected(Rejection),
    /// The history could not be read.
    Failed(StoreError),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Connection {
    pub(super) fn new(state: AppState, followed: Followed, frame_writer: Arc<FrameWriter>) -> Self {
        Self { state, followed, frame_writer }
    }

    /// Serves the stream until one side ends it.
    pub(super) async fn serve(mut self) {
        match self.run().await {
            Err(End::Stop) => {
                self.followed.subscription.detach_live();
                self.frame_writer.write(&self.shutdown_event());
                // The reader may be gone already: then this has no reader.
                drop(self.frame_writer.drain(CLOSE_TIMEOUT).await);
            }
            Err(End::Rejected(rejection)) => {
                self.followed.subscription.detach_live();
                self.frame_writer.write(&(self.followed.rejection)(rejection));
                drop(self.frame_writer.drain(CLOSE_TIMEOUT).await);
            }
            Err(End::Failed(error)) => tracing::error!(%error, "closing a stream: the store failed"),
            Err(End::Gone) | Ok(()) => {}
        }
    }

    async fn run(&mut self) -> Result<(), End> {
        let stop = self.state.lifetime.stop.clone();
        let mut keep_alives = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        keep_alives.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A page that was in the browser's cache learns what its user has read before it has caught up with the room.
        self.deliver_unread().await?;
        self.greet();
        let mut has_more = true;
        loop {
            if self.frame_writer.is_full() {
                let drained =
                    stop.run_until_cancelled(self.frame_writer.drain(self.state.write_timeout)).await;
                drained.ok_or(End::Stop)??;
            }
            tokio::select! {
                biased; // a revoked reader gets nothing more
                () = revoked(self.followed.session.as_ref()) => return Err(End::Rejected(no_session())),
                () = stop.cancelled() => return Err(End::Stop),
                () = self.frame_writer.closed() => return Err(End::Gone),
                _ = keep_alives.tick() => self.keep_alive(),
                () = async {}, if has_more => {}
                () = self.followed.wakeup.notified() => {}
            }
            has_more = self.deliver().await?;
            self.deliver_unread().await?;
        }
    }

    /// Writes the first event. A reader that is to be reset keeps its old cursor until the `reset` itself: cut between
    /// the two, it would otherwise resume from a cursor whose history it was never told to have lost.
    fn greet(&mut self) {
        let cursor = self.followed.subscription.cursor();
        let lost = self.followed.lost.take();
        let mut greeting = format!("retry: {RETRY_MS}\n").into_bytes();
        let json = std::mem::take(&mut self.followed.greeting);
        let Followed { user, subscription, reset, .. } = &mut self.followed;
        if let Some(user) = user {
            let reset = |cursor: &Cursor| reset(subscription, cursor);
            greeting.extend(user.greet((cursor, lost), &json, &reset));
            return self.frame_writer.write(&greeting);
        }
        greeting.extend_from_slice(&sse_event(Some(lost.as_ref().unwrap_or(&cursor)), &json));
        if lost.is_some() {
            greeting.extend_from_slice(&self.reset(&cursor));
        }
        self.frame_writer.write(&greeting);
    }

    fn reset(&self, cursor: &Cursor) -> Bytes {
        sse_event(Some(cursor), &(self.followed.reset)(&self.followed.subscription, cursor))
    }

    /// Writes an event without data, which moves the reader's `Last-Event-ID` and fires nothing: the reader of a quiet
    /// channel keeps a cursor that is still retained.
    fn keep_alive(&mut self) {
        // Otherwise a newer entry could be delivered between the reading of the cursor and the writing.
        self.followed.subscription.detach_live();
        let cursor = self.followed.subscription.cursor();
        let id = self.followed.user.as_ref().map_or_else(|| cursor.to_string(), |user| user.id_now(&cursor));
        let heartbeat = if self.followed.has_heartbeat { "event: heartbeat\ndata: {}\n" } else { "" };
        self.frame_writer.write(format!(": keep-alive\nid: {id}\n{heartbeat}\n").as_bytes());
    }

    /// The last event: the field `retry`, and for a script, which cannot read that field, an event as well.
    fn shutdown_event(&self) -> Vec<u8> {
        let after_ms = return_after_ms();
        let event = match self.followed.has_heartbeat {
            true => format!("event: retry\ndata: {after_ms}\n"),
            false => String::new(),
        };
        format!("retry: {after_ms}\n{event}\n").into_bytes()
    }

    /// Says what is unread in the rooms that have something new.
    async fn deliver_unread(&self) -> Result<(), End> {
        let Some(activity) = &self.followed.activity else { return Ok(()) };
        // In a box, so that its future is not part of every stream.
        let (rooms, list) = Box::pin(self.state.chat.unread(activity)).await.map_err(End::Failed)?;
        if list || !rooms.is_empty() {
            // The same text as a control event of the feed and as a frame of a room.
            self.frame_writer.write(&sse_event(None, &encode_frame(&ServerFrame::Unread { rooms, list })));
        }
        Ok(())
    }

    /// Writes the next chunk. Returns false if there was none, and live delivery is attached.
    async fn deliver(&mut self) -> Result<bool, End> {
        let Self { state, followed, frame_writer } = self;
        let (subscription, reset) = (&mut followed.subscription, followed.reset);
        let members = |subscription: &Subscription| (followed.members)(state, subscription);
        let has_user = followed.user.is_some();
        let read = match &mut followed.user {
            None => read_bytes(subscription, WireFormat::Sse, &state.metrics, members, reset).await,
            Some(user) => user.read(subscription, state, followed.members, reset).await,
        };
        match read {
            Ok(Some(chunk)) => {
                frame_writer.write(&chunk);
                Ok(true)
            }
            Ok(None) if has_user => Ok(false),
            Ok(None) => {
                subscription.attach_live(frame_writer);
                Ok(false)
            }
            Err(Interruption::Evicted) => {
                Err((followed.eviction)(state, subscription).map_or(End::Gone, End::Rejected))
            }
            Err(Interruption::Failed(error)) => Err(End::Failed(error)),
        }
    }
}
