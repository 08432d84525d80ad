//! `GET /ws`: the chat over a WebSocket (RFC 6455). One task a connection, which owns all of it.
//!
//! The task waits for three things: a frame of the client, the connection's bell (something was said or whispered
//! in a room it follows), and the heartbeat. When the bell rings it writes everything its rooms have for it and
//! flushes once. There is no queue: what it has not read yet stays in the log.

mod connection;

use std::time::Duration;

use axum::{
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::{IntoResponse, Response},
};

use self::connection::Connection;
use super::{BODY_MAX_BYTES, page_query::connect, visitor::Visitor};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{metrics::Kind, state::AppState},
};

/// The largest frame that is read; above it the client is told so and the socket goes on.
const FRAME_MAX_BYTES: usize = BODY_MAX_BYTES;
/// The largest message that is taken into memory to be refused. Above it the protocol leaves only the close 1009.
const MESSAGE_MAX_BYTES: usize = 4 * FRAME_MAX_BYTES;
/// Per connection and always there, so small: most frames are a few hundred bytes.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Frames are collected up to this before they are written, so that a reader that catches up costs few writes.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// The largest frame of ours: the `joined` of a room with as many people as the server has connections. Taken only
/// while such a frame is written.
const SENT_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Rooms one socket may follow: more than a person reads, few enough to walk through at every ring.
const JOINS_MAX: usize = 32;
/// The server's own heartbeat. A peer that has said nothing for [`SILENCE_MAX`] is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long the peer has to answer a close, so that it reads ours before the connection goes.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Close codes of RFC 6455, 7.4.1.
mod close {
    pub(super) const GOING_AWAY: u16 = 1001;
    pub(super) const PROTOCOL_ERROR: u16 = 1002;
    pub(super) const NOT_UTF8: u16 = 1007;
    pub(super) const TOO_BIG: u16 = 1009;
    pub(super) const INTERNAL_ERROR: u16 = 1011;
}

/// Opens a socket for whoever has a session.
pub(super) async fn get(
    State(state): State<AppState>,
    visitor: Result<Visitor, Rejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return Rejection::new(Code::BadRequest, "This address takes WebSocket upgrades only.")
            .into_response();
    };
    let user = match visitor {
        Ok(Visitor(user)) => user,
        Err(rejection) => return rejection.into_response(),
    };
    let counted = match connect(&state, Kind::Socket) {
        Ok(counted) => counted,
        Err(rejection) => return rejection.into_response(),
    };
    let sockets = state.lifetime.sockets.clone();
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(SENT_MAX_BYTES)
        .max_message_size(MESSAGE_MAX_BYTES)
        .max_frame_size(MESSAGE_MAX_BYTES)
        .on_upgrade(move |socket| {
            // The HTTP server does not wait for upgraded connections; the tracker does.
            sockets.track_future(async move {
                Connection::new(state, user).serve(socket).await;
                drop(counted);
            })
        })
}
