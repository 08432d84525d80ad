//! One stream of events: what is read for a reader that does not stand at the head, and the signs of life.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Followed;
use crate::{
    protocol::{cursor::Cursor, problem::Rejection},
    server::{
        http::{
            extract::user::{no_session, revoked},
            realtime::{
                catch_up::{Interruption, read_piece},
                shutdown_retry::return_after_ms,
            },
        },
        log::{
            frame_writer::FrameWriter,
            subscription::Subscription,
            wire_format::{WireFormat, block},
        },
        state::AppState,
        store::StoreError,
    },
};

/// A comment this often, so that proxies and readers know the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it reconnects.
const RETRY_MS: u64 = 2_000;
/// How long a reader has to take the last words.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// What it holds, it holds for every open stream: there may be many thousands.
pub(super) struct Connection {
    state: AppState,
    followed: Followed,
    frame_writer: Arc<FrameWriter>,
}

/// Why a stream ends. There is nothing to repair: the reader resumes from its cursor.
enum End {
    /// The reader is gone, or takes nothing, or shall come back.
    Gone,
    /// The server stops.
    Stop,
    /// The reader may not read here any more.
    Refused(Rejection),
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
                self.frame_writer.write(&self.farewell());
                // The reader may be gone already; there is nobody left to tell.
                drop(self.frame_writer.drain(FAREWELL_TIMEOUT).await);
            }
            Err(End::Refused(rejection)) => {
                self.followed.subscription.detach_live();
                self.frame_writer.write(&(self.followed.refusal)(rejection));
                drop(self.frame_writer.drain(FAREWELL_TIMEOUT).await);
            }
            Err(End::Failed(error)) => tracing::error!(%error, "a stream ends because the store failed"),
            Err(End::Gone) | Ok(()) => {}
        }
    }

    async fn run(&mut self) -> Result<(), End> {
        let stop = self.state.lifetime.stop.clone();
        let mut signs_of_life = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        signs_of_life.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.greet();
        let mut has_more = true;
        loop {
            if self.frame_writer.is_full() {
                let drained =
                    stop.run_until_cancelled(self.frame_writer.drain(self.state.write_timeout)).await;
                drained.ok_or(End::Stop)??;
            }
            tokio::select! {
                biased; // who may not read any more gets nothing more
                () = revoked(self.followed.admission.as_ref()) => return Err(End::Refused(no_session())),
                () = stop.cancelled() => return Err(End::Stop),
                () = self.frame_writer.closed() => return Err(End::Gone),
                _ = signs_of_life.tick() => self.keep_alive(),
                () = async {}, if has_more => {}
                () = self.followed.wakeup.notified() => {}
            }
            has_more = self.deliver().await?;
        }
    }

    /// A reader that is to be reset keeps its old cursor until the `reset` itself: cut between the two, it would
    /// otherwise resume from a cursor whose history it was never told to have lost.
    fn greet(&mut self) {
        let cursor = self.followed.subscription.cursor();
        let lost = self.followed.lost.take();
        let mut greeting = format!("retry: {RETRY_MS}\n").into_bytes();
        let json = std::mem::take(&mut self.followed.greeting);
        greeting.extend_from_slice(&block(Some(lost.as_ref().unwrap_or(&cursor)), &json));
        if lost.is_some() {
            greeting.extend_from_slice(&self.reset(&cursor));
        }
        self.frame_writer.write(&greeting);
    }

    fn reset(&self, cursor: &Cursor) -> Bytes {
        block(Some(cursor), &(self.followed.reset)(&self.followed.subscription, cursor))
    }

    /// A block without data moves the reader's Last-Event-ID and fires nothing: the reader of a quiet channel keeps
    /// a cursor that is still retained.
    fn keep_alive(&mut self) {
        // So that no newer entry is delivered between the reading of the cursor and the writing.
        self.followed.subscription.detach_live();
        let cursor = self.followed.subscription.cursor();
        let heartbeat = if self.followed.has_heartbeat { "event: heartbeat\ndata: {}\n" } else { "" };
        self.frame_writer.write(format!(": keep-alive\nid: {cursor}\n{heartbeat}\n").as_bytes());
    }

    /// A script cannot hear the field, so it gets an event as well.
    fn farewell(&self) -> Vec<u8> {
        let after_ms = return_after_ms();
        let event = match self.followed.has_heartbeat {
            true => format!("event: retry\ndata: {after_ms}\n"),
            false => String::new(),
        };
        format!("retry: {after_ms}\n{event}\n").into_bytes()
    }

    /// Writes what comes next. False: there was nothing, and the reader stands at the head.
    async fn deliver(&mut self) -> Result<bool, End> {
        let Self { state, followed, frame_writer } = self;
        let (subscription, reset) = (&mut followed.subscription, followed.reset);
        let make_up = |subscription: &Subscription| (followed.make_up)(state, subscription);
        let piece = read_piece(subscription, WireFormat::Block, &state.metrics, make_up, reset).await;
        match piece {
            Ok(Some(piece)) => {
                frame_writer.write(&piece);
                Ok(true)
            }
            Ok(None) => {
                subscription.attach_live(frame_writer);
                Ok(false)
            }
            Err(Interruption::Evicted) => Err((followed.eviction)().map_or(End::Gone, End::Refused)),
            Err(Interruption::Failed(error)) => Err(End::Failed(error)),
        }
    }
}
