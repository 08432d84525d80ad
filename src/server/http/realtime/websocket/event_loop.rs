//! The life of one chat socket: authentication, the loop over its events, and the close. `mod.rs` starts it; `frames`
//! acts on what the client sends. It must never queue: a client that does not read is not read from either.

use std::fmt::Display;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use super::{
    AUTH_TIMEOUT, CLOSE_TIMEOUT, PING_INTERVAL, SILENCE_MAX, close,
    connection::{Connection, End, next_message},
    frame_reader::Incoming,
    joined_rooms::Delivered,
};
use crate::protocol::chat::ServerFrame;
use crate::server::{
    http::{extract::user::revoked, realtime::shutdown_retry::return_after_ms},
    log::wire_format::{self, CLOSE, PING},
    store::StoreError,
};

/// Frames that an anonymous socket may send: a client needs one, and an attacker who guesses needs more than these.
const ANONYMOUS_FRAMES_MAX: usize = 32;

/// The reasons for which the connection's task wakes up.
enum Event {
    Incoming(Incoming),
    Delivery,
    Heartbeat,
}

impl Connection {
    /// Serves the socket until one side ends it.
    pub(super) async fn serve(mut self) {
        let end = self.run().await;
        let user_id = self.holder.as_ref().map(|holder| &holder.identity.user.id);
        tracing::debug!(user.id = user_id, ?end, "a socket ended");
        self.rooms.clear();
        self.user_log.clear();
        self.activity = None;
        // The peer may be gone already, or leave before it answers: then the close has no reader.
        drop(timeout(CLOSE_TIMEOUT, self.close(end)).await);
    }

    /// Closes the socket of a request whose session has ended.
    pub(super) async fn close_without_session(mut self) {
        drop(timeout(CLOSE_TIMEOUT, self.close(End::Close(close::NO_SESSION))).await);
    }

    async fn run(&mut self) -> End {
        let stop = self.state.lifetime.stop.clone();
        let mut heartbeat = interval(PING_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut has_more = false;
        if self.holder.is_none()
            && let Err(end) = Box::pin(self.authenticate_first_frame()).await
        {
            return end;
        }
        loop {
            if self.frame_writer.is_full() {
                // Until the peer has taken this, it is not read from: each answer would only come on top.
                match stop.run_until_cancelled(self.frame_writer.drain(self.state.write_timeout)).await {
                    None => return End::Close(close::GOING_AWAY),
                    Some(Err(_)) => return End::Gone,
                    Some(Ok(())) => heard = Instant::now(), // while we wrote, its silence said nothing
                }
            }
            let session = self.holder.as_ref().map(|holder| &holder.session);
            let event = tokio::select! {
                biased; // a revoked user neither sends nor gets anything more
                () = revoked(session) => return End::Close(close::NO_SESSION),
                () = stop.cancelled() => return End::Close(close::GOING_AWAY),
                _ = heartbeat.tick() => Ok(Event::Heartbeat),
                message = next_message(&mut self.frame_reader, &self.frame_writer) => message.map(Event::Incoming),
                // A room that had more than one batch goes on in the next turn, after the client was heard.
                () = async {}, if has_more => Ok(Event::Delivery),
                () = self.wakeup.notified() => Ok(Event::Delivery),
            };
            let done = match event {
                Ok(Event::Incoming(message)) => {
                    heard = Instant::now();
                    // In a box, so that the future of an answer is not part of every idle connection.
                    Box::pin(self.on_message(message)).await
                }
                Ok(Event::Delivery) => self.deliver().await.map(|more| has_more = more),
                Ok(Event::Heartbeat) if heard.elapsed() > SILENCE_MAX => Err(End::Gone),
                Ok(Event::Heartbeat) => {
                    self.frame_writer.write(&wire_format::frame(PING, b""));
                    Ok(())
                }
                Err(end) => Err(end),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Waits for the frame that authenticates the socket. All others are rejected until then.
    async fn authenticate_first_frame(&mut self) -> Result<(), End> {
        let (stop, deadline) = (self.state.lifetime.stop.clone(), Instant::now() + AUTH_TIMEOUT);
        for _ in 0..ANONYMOUS_FRAMES_MAX {
            let message = next_message(&mut self.frame_reader, &self.frame_writer);
            let heard = tokio::select! {
                () = stop.cancelled() => return Err(End::Close(close::GOING_AWAY)),
                heard = timeout_at(deadline, message) => heard,
            };
            match heard {
                Ok(message) => self.on_message(message?).await?,
                Err(_) => return Err(End::Close(close::NO_SESSION)),
            }
            if self.holder.is_some() {
                return Ok(());
            }
            if self.frame_writer.is_full() {
                // A peer that sends much and takes no answer is not about to sign in.
                break;
            }
        }
        Err(End::Close(close::NO_SESSION))
    }

    /// Writes one batch of what each room and the user's own log have for this reader. Returns true if one of them has
    /// more.
    async fn deliver(&mut self) -> Result<bool, End> {
        let Self { state, rooms, user_log, frame_writer, .. } = self;
        let delivered = async {
            let more_marks = user_log.deliver(&state.metrics, frame_writer).await?;
            let delivered = rooms.deliver(&state.chat, &state.metrics, frame_writer).await?;
            Ok::<_, StoreError>((more_marks, delivered))
        };
        match delivered.await {
            Ok((more_marks, Delivered { has_more, evicted })) => {
                for room in evicted {
                    let rejection = self.state.rights.eviction_from(&room);
                    self.reject(Some(room.as_str().to_owned()), None, rejection);
                }
                self.deliver_unread().await?;
                Ok(has_more || more_marks)
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// Says what is unread in the rooms that have something new.
    async fn deliver_unread(&self) -> Result<(), End> {
        let Some(activity) = &self.activity else { return Ok(()) };
        // In a box, as the future of an answer.
        let (rooms, list) =
            Box::pin(self.state.chat.unread(activity)).await.map_err(|error| failed(&error))?;
        if list || !rooms.is_empty() {
            self.send(&ServerFrame::Unread { rooms, list });
        }
        Ok(())
    }

    /// Ends the protocol in order, so that the peer reads the code.
    async fn close(&mut self, end: End) {
        let (code, is_answer) = match end {
            End::Gone => return,
            End::Closed(code) => (code, true),
            End::Close(code) => (code, false),
        };
        let mut payload = code.to_be_bytes().to_vec();
        if code == close::GOING_AWAY && !is_answer {
            payload.extend_from_slice(format!("retry {}", return_after_ms()).as_bytes());
        }
        self.frame_writer.write(&wire_format::frame(CLOSE, &payload));
        if self.frame_writer.drain(CLOSE_TIMEOUT).await.is_err() || is_answer {
            return;
        }
        // Waits for the answer. A connection that is dropped with something unread is reset, and the peer would
        // lose the close and its code.
        loop {
            match next_message(&mut self.frame_reader, &self.frame_writer).await {
                Ok(Incoming::Close(_)) | Err(End::Gone) => return,
                Ok(_) => {}
                // The peer's further bytes cannot be read as frames any more.
                Err(End::Close(_) | End::Closed(_)) => return self.frame_writer.closed().await,
            }
        }
    }
}

/// The end of a socket whose data cannot be read.
fn failed(error: &dyn Display) -> End {
    tracing::error!(%error, "closing a socket: the store failed");
    End::Close(close::INTERNAL_ERROR)
}
