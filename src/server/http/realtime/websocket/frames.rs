//! The path of a client's message: rate limit, size, parse, and the action of each frame. `event_loop` calls it for
//! each message. Every frame that fails is answered by `rejected`; only a close or a flood ends the socket here.

use super::{
    FRAME_MAX_BYTES, LAST_MAX, close,
    connection::{Connection, End},
    frame_reader::Incoming,
};
use crate::{
    protocol::{
        change::{MessageChanged, NewChange},
        chat::{ClientFrame, Message, NewMessage, ServerFrame},
        cursor::Offset,
        mark::NewMark,
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        error::Error,
        http::extract::user::no_session,
        limits::TooFast,
        log::{
            hub::StartFrom,
            wire_format::{self, PONG},
        },
    },
};

impl Connection {
    /// Acts on one message.
    pub(super) async fn on_message(&mut self, message: Incoming) -> Result<(), End> {
        let too_fast = match self.frame_rate.step() {
            Ok(()) => None,
            Err(TooFast { must_disconnect: true, .. }) => return Err(End::Close(close::POLICY)),
            Err(TooFast { rejection, .. }) => Some(rejection),
        };
        match message {
            Incoming::Text(text) => self.on_text(&text, too_fast).await,
            Incoming::Binary => {
                let bad_json = || {
                    Rejection::new(
                        Code::BadJson,
                        "A frame must be a text message with JSON, not a binary one.",
                    )
                };
                self.reject(None, None, too_fast.unwrap_or_else(bad_json));
            }
            Incoming::Ping(payload) if too_fast.is_none() => {
                self.frame_writer.write(&wire_format::frame(PONG, &payload))
            }
            // The protocol has no answer to a ping but a pong, so one that came too fast gets none.
            Incoming::Ping(_) | Incoming::Pong => {}
            Incoming::Close(code) => return Err(End::Closed(code)),
        }
        Ok(())
    }

    async fn on_text(&mut self, text: &str, too_fast: Option<Rejection>) {
        if text.len() > FRAME_MAX_BYTES {
            let message = format!("A frame has at most {FRAME_MAX_BYTES} bytes.");
            return self.reject(None, None, Rejection::new(Code::TooLarge, message));
        }
        let frame = match ClientFrame::parse(text) {
            Ok(frame) => frame,
            Err(rejection) => return self.reject(None, None, rejection),
        };
        let done = match too_fast {
            None => self.on_frame(&frame).await,
            Some(rejection) => Err(rejection.into()),
        };
        if let Err(error) = done {
            let (room, id) = room_and_id(frame);
            self.reject(room, id, error.into_rejection());
        }
    }

    async fn on_frame(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        match frame {
            ClientFrame::Auth { token } => self.authenticate(token).await?,
            ClientFrame::Join { room, after, last } => {
                let joined = self.join(room, after.as_deref(), *last).await;
                // The entries that the cursor lacks are there already, so nothing else announces them. A join that
                // fails may have detached a room that is followed already: it goes on as before.
                self.wakeup.notify();
                joined?;
            }
            ClientFrame::Leave { room } => self.rooms.leave(&self.state.chat, room)?,
            ClientFrame::Post { room, message } => self.post(room, message.clone()).await?,
            ClientFrame::Change { room, target, change } => {
                self.change(room, *target, change.clone()).await?
            }
            ClientFrame::Typing { room } => {
                let (room, _) = self.rooms.find(&self.state.chat, room)?;
                self.state.chat.typing(&room, &self.identity()?.user).await?;
            }
            ClientFrame::Mark(mark) => self.mark(mark.clone()).await?,
            ClientFrame::Follow { after } => {
                let followed = self.follow(after.as_deref()).await;
                // As after a join.
                self.wakeup.notify();
                followed?;
            }
            ClientFrame::Unread => self.follow_unread().await?,
            ClientFrame::Ping => self.send(&ServerFrame::Pong),
        }
        Ok(())
    }

    async fn join(&mut self, room: &str, after: Option<&str>, last: Option<u32>) -> Result<(), Error> {
        let start = match (after, last) {
            (Some(after), _) => StartFrom::After(after.parse()?),
            (None, Some(last)) => StartFrom::Last(last.min(LAST_MAX) as usize),
            (None, None) => StartFrom::New,
        };
        let Self { state, holder, rooms, wakeup, .. } = self;
        let identity = &holder.as_ref().ok_or_else(no_session)?.identity;
        let frames = rooms.join(&state.chat, room, identity, start, wakeup).await?;
        frames.iter().for_each(|frame| self.send(frame));
        Ok(())
    }

    async fn follow(&mut self, after: Option<&str>) -> Result<(), Error> {
        let Self { state, holder, user_log, wakeup, .. } = self;
        let identity = &holder.as_ref().ok_or_else(no_session)?.identity;
        let frames = user_log.follow(&state.chat, identity, after, wakeup).await?;
        frames.iter().for_each(|frame| self.send(frame));
        Ok(())
    }

    /// Says what is unread, and goes on doing so.
    async fn follow_unread(&mut self) -> Result<(), Error> {
        let activity = self.state.chat.activity().follow(self.identity()?, self.wakeup.clone());
        let (rooms, list) = self.state.chat.unread(&activity).await?;
        self.send(&ServerFrame::Unread { rooms, list });
        self.activity = Some(activity);
        Ok(())
    }

    /// Stores a mark. The room need not be joined: it is marked from a list of rooms as well.
    async fn mark(&self, mark: NewMark) -> Result<(), Error> {
        let identity = self.identity()?;
        // The author gets `marked` before the entry itself, as with a post.
        self.user_log.detach_live();
        self.wakeup.notify();
        let (marked, _) = self.state.chat.mark(identity, mark).await?;
        self.send(&ServerFrame::Marked(marked));
        Ok(())
    }

    async fn post(&self, room: &str, message: NewMessage) -> Result<(), Error> {
        // The client's own spelling of the id, so that it finds its draft.
        let (identity, room, id) = (self.identity()?, self.room_to_write(room)?, message.id.clone());
        let (stored, _) = self.state.chat.post(&room, identity, message).await?;
        let Message { offset, timestamp, .. } = stored;
        self.send(&ServerFrame::Posted { room, id, offset, timestamp });
        Ok(())
    }

    async fn change(&self, room: &str, target: Offset, change: NewChange) -> Result<(), Error> {
        let (identity, room, id) = (self.identity()?, self.room_to_write(room)?, change.id.clone());
        let (changed, _) = self.state.chat.change(&room, identity, target, change).await?;
        let MessageChanged { offset, timestamp, .. } = changed;
        self.send(&ServerFrame::Posted { room, id, offset, timestamp });
        Ok(())
    }

    /// The joined room, prepared for an entry of this user.
    fn room_to_write(&self, room: &str) -> Result<RoomId, Error> {
        let (room, joined) = self.rooms.find(&self.state.chat, room)?;
        if joined.subscription.is_evicted() {
            return Err(self.state.rights.eviction_from(&room).into());
        }
        // The author gets `posted` before the entry itself: live delivery is detached, and the task reads it later.
        joined.subscription.detach_live();
        self.wakeup.notify();
        Ok(room)
    }
}

/// The room that a frame names, and the id of a post or a change: a page finds its draft by it.
fn room_and_id(frame: ClientFrame) -> (Option<String>, Option<String>) {
    match frame {
        ClientFrame::Post { room, message } => (Some(room), Some(message.id)),
        ClientFrame::Change { room, change, .. } => (Some(room), Some(change.id)),
        ClientFrame::Join { room, .. } | ClientFrame::Leave { room } | ClientFrame::Typing { room } => {
            (Some(room), None)
        }
        ClientFrame::Mark(mark) => (Some(mark.room), Some(mark.id)),
        ClientFrame::Follow { .. } | ClientFrame::Unread | ClientFrame::Auth { .. } | ClientFrame::Ping => {
            (None, None)
        }
    }
}
