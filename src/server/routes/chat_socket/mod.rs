//! `GET /ws`: the chat over a WebSocket (RFC 6455). One task a connection, which owns all of it.
//!
//! The task waits for three things: a message of the client, the connection's bell, and the heartbeat. There is no
//! queue: what the client has not read yet stays in the log. A client that keeps up is written to by the delivery of
//! its rooms' topics, and its task sleeps; the bell rings when the task has to read for it.
//!
//! The WebSocket is our own, between the handshake and the frames: a library's buffers would be most of what an idle
//! connection costs, and it could not be written into from outside.

mod connection;
mod handshake;
mod inlet;

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::HeaderMap, response::Response};

use self::{connection::Connection, inlet::Inlet};
use super::{BODY_MAX_BYTES, page_query::connect, visitor::Visitor};
use crate::{
    protocol::problem::Rejection,
    server::{form::Form, metrics::Kind, outlet::Outlet, state::AppState, takeover::Takeover},
};

/// The largest frame that is read; above it the client is told so and the socket goes on.
const FRAME_MAX_BYTES: usize = BODY_MAX_BYTES;
/// The largest message that is taken into memory to be refused. Above it the protocol leaves only the close 1009.
const MESSAGE_MAX_BYTES: usize = 4 * FRAME_MAX_BYTES;
/// Rooms one socket may follow: more than a person reads, few enough to walk through at every ring.
const JOINS_MAX: usize = 32;
/// The server's own heartbeat. A peer that has said nothing for [`SILENCE_MAX`] is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long the peer has to answer a close, so that it reads ours before the connection goes.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Close codes of RFC 6455, 7.4.1.
mod close {
    pub(super) const NORMAL: u16 = 1000;
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
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let answer = handshake::answer(&headers)?;
    let Visitor(user) = visitor?;
    let counted = connect(&state, Kind::Socket)?;
    let takeover = Takeover::new(move |stream, received| {
        let outlet = Arc::new(Outlet::new(stream, Form::Frame));
        let inlet = Inlet::new(&received, MESSAGE_MAX_BYTES);
        let connection = Connection::new(&state, user, outlet, inlet);
        state.lifetime.live.spawn(async move {
            connection.serve().await;
            drop(counted);
        });
    });
    Ok(takeover.switching_protocols(answer))
}
