//! The state of one chat socket, and the ways to hear from and speak to its peer. `event_loop` drives it, `frames` and
//! `authentication` act on it. It must stay small: there may be many thousands of open sockets.

use std::sync::Arc;

use super::{
    frame_reader::{Fault, FrameReader, Incoming},
    joined_rooms::JoinedRooms,
    user_log::UserLog,
};
use crate::{
    protocol::{chat::ServerFrame, problem::Rejection},
    server::{
        auth::{Identity, LiveSession},
        chat::{ActivityFollower, encode_frame},
        http::extract::user::no_session,
        limits::{FrameRateLimiter, Permit},
        log::{frame_writer::FrameWriter, topic::Wakeup, wire_format::WireFormat},
        state::AppState,
    },
};

/// The authenticated user of a socket, for as long as their session lasts.
pub(super) struct Holder {
    pub(super) identity: Identity,
    pub(super) session: LiveSession,
    /// The permit among the user's own connections, unless the request took it.
    pub(super) permit: Option<Permit<String>>,
}

/// The reason for the connection's end. There is nothing to repair: the client resumes from its cursor.
#[derive(Debug)]
pub(crate) enum End {
    /// The peer is gone.
    Gone,
    /// The peer closed, and is answered with this code.
    Closed(u16),
    /// The server closes, with this code.
    Close(u16),
}

/// One socket and all that it holds.
pub(super) struct Connection {
    pub(super) state: AppState,
    /// The user of the socket. An anonymous socket can do nothing but authenticate.
    pub(super) holder: Option<Holder>,
    pub(super) wakeup: Arc<Wakeup>,
    pub(super) frame_reader: FrameReader,
    pub(super) frame_writer: Arc<FrameWriter>,
    pub(super) frame_rate: FrameRateLimiter,
    pub(super) rooms: JoinedRooms,
    pub(super) user_log: UserLog,
    /// Set if the client wants to know what is unread.
    pub(super) activity: Option<ActivityFollower>,
}

impl Connection {
    pub(super) fn new(
        state: AppState,
        holder: Option<Holder>,
        frame_writer: Arc<FrameWriter>,
        frame_reader: FrameReader,
    ) -> Self {
        let frame_rate = state.limits.frame_rate_limiter();
        let (wakeup, rooms, user_log) = (Arc::default(), JoinedRooms::default(), UserLog::default());
        Self {
            state,
            holder,
            wakeup,
            frame_reader,
            frame_writer,
            frame_rate,
            rooms,
            user_log,
            activity: None,
        }
    }

    /// The authenticated user, or the rejection of an anonymous socket.
    pub(super) fn identity(&self) -> Result<&Identity, Rejection> {
        self.holder.as_ref().map(|holder| &holder.identity).ok_or_else(no_session)
    }

    pub(super) fn send(&self, frame: &ServerFrame) {
        self.frame_writer.write(&WireFormat::WebSocket.encode(None, &encode_frame(frame)));
    }

    /// Sends a `rejected` frame about a room and a post, as the client wrote them, if the rejection is about any.
    pub(super) fn reject(&self, room: Option<String>, id: Option<String>, rejection: Rejection) {
        let Rejection { code, message, retry_after_ms } = rejection;
        self.send(&ServerFrame::Rejected { room, id, code, message, retry_after_ms });
    }
}

/// Waits for the next message of the peer. Loses nothing when the future is dropped.
pub(crate) async fn next_message(
    frame_reader: &mut FrameReader,
    frame_writer: &FrameWriter,
) -> Result<Incoming, End> {
    loop {
        match frame_reader.next() {
            Ok(Some(message)) => return Ok(message),
            Ok(None) => {}
            Err(Fault(code)) => return Err(End::Close(code)),
        }
        let is_open = match frame_writer.stream().readable().await {
            Ok(()) => frame_reader.fill(frame_writer.stream()),
            Err(error) => Err(error),
        };
        if !is_open.unwrap_or(false) {
            return Err(End::Gone);
        }
    }
}
