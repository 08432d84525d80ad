//! `GET /ws`: the chat over a WebSocket (RFC 6455). One task a connection, which owns all of it.
//!
//! The task waits for three things: a message of the client, the connection's wakeup, and the heartbeat. There is no
//! queue: entries that the client has not read yet stay in the log. Live delivery of its rooms' topics writes to a
//! client that keeps up, and its task sleeps; the wakeup is notified when the task has to read for it.
//!
//! The WebSocket is our own, between the handshake and the frames: a library's buffers would be most of what an idle
//! connection costs, and it could not be written into from outside.
//!
//! A frame passes `event_loop`, which takes it from `frame_reader`, and `frames`, which parses it and acts on it. Both
//! call `authentication`, `joined_rooms` and `user_log`, which never call back; all but the latter two share the state
//! in `connection`.

mod authentication;
mod connection;
mod event_loop;
mod frame_reader;
mod frames;
mod joined_rooms;
mod user_log;

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::HeaderMap, response::Response};

use self::connection::{Connection, Holder};
pub(crate) use self::{
    connection::{End, next_message},
    frame_reader::{FrameReader, Incoming},
};
use super::{
    handshake,
    live_connection::{Client, connect},
};
use crate::server::{
    error::Error,
    http::{
        BODY_MAX_BYTES,
        extract::{
            credentials::bearer,
            user::{has_cookie, no_session},
        },
        serve::upgrade::Upgrade,
    },
    log::{frame_writer::FrameWriter, wire_format::WireFormat},
    observability::metrics::Kind,
    state::AppState,
};

/// The largest frame that is read. A larger one is rejected, and the socket goes on.
const FRAME_MAX_BYTES: usize = BODY_MAX_BYTES;
/// The largest message that is taken into memory to be rejected. Above it the protocol leaves only the close 1009.
const MESSAGE_MAX_BYTES: usize = 4 * FRAME_MAX_BYTES;
/// Rooms one socket may follow: more than a person reads, few enough to walk through at every wakeup.
pub(crate) const JOINS_MAX: usize = 32;
/// Most entries `join` with `last` may ask for.
pub(crate) const LAST_MAX: u32 = 200;
/// The server's own heartbeat. A peer that has sent nothing for [`SILENCE_MAX`] is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// Time for a socket to authenticate by its first frame, if its request did not.
const AUTH_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the peer to answer a close, so that it reads ours before the connection goes.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Close codes of RFC 6455, 7.4.1.
pub(crate) mod close {
    pub(crate) const NORMAL: u16 = 1000;
    pub(crate) const GOING_AWAY: u16 = 1001;
    pub(crate) const PROTOCOL_ERROR: u16 = 1002;
    pub(crate) const NOT_UTF8: u16 = 1007;
    /// The peer sends too fast, in spite of rejections.
    pub(crate) const POLICY: u16 = 1008;
    pub(crate) const TOO_BIG: u16 = 1009;
    pub(crate) const INTERNAL_ERROR: u16 = 1011;
    /// Ours, after HTTP's 401: sign in again. The cursors stay good.
    pub(crate) const NO_SESSION: u16 = 4401;
}

/// Opens a socket for a request with a session, or for one that will authenticate by its first frame.
///
/// A browser cannot see why a socket was not opened, so a request whose session has ended gets its socket, and the
/// close code that says so.
pub(crate) async fn get(
    State(state): State<AppState>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let answer = handshake::answer(&headers)?;
    let is_anonymous = client.caller.is_none();
    if is_anonymous && bearer(&headers)?.is_some() {
        return Err(no_session().into());
    }
    let counted = connect(&state, Kind::Socket, &client)?;
    let holder = match client.caller {
        Some(identity) => {
            let session = state.auth.open_live_session(&identity).await?;
            session.map(|session| Holder { identity, session, permit: None })
        }
        None => None,
    };
    let has_ended = holder.is_none() && has_cookie(&state.site, &headers);
    let upgrade = Upgrade::new(move |stream, received, permit| {
        let frame_writer = Arc::new(FrameWriter::new(stream, WireFormat::WebSocket));
        let frame_reader = FrameReader::new(&received, MESSAGE_MAX_BYTES);
        let connection = Connection::new(state.clone(), holder, frame_writer, frame_reader);
        state.lifetime.live.spawn(async move {
            match has_ended {
                true => connection.close_without_session().await,
                false => connection.serve().await,
            }
            drop((counted, permit));
        });
    });
    Ok(upgrade.switching_protocols(answer))
}
