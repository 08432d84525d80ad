//! `/socket.io/`: Socket.IO clients, by polls or a WebSocket each (Engine.IO protocol 4, Socket.IO protocol 5). The engine
//! is a crate's; rooms, order, rights, limits and what is stored are the chat's and the feed's, as on every transport.
//!
//! `answer` is the HTTP of it, `connect` lets a client into a namespace. There a `session` serves it, one task: `inbox`
//! is what the client said, `rooms` or `feed` does it and reads the log, `outbox` is what the engine has not taken yet.
//! `context` is what a connection counts against, `upgraded` the connection below a WebSocket. Never use the engine's own rooms
//! or broadcasts: they know no offsets and no rights.

mod answer;
mod connect;
mod connection_context;
mod feed;
mod frame_meter;
mod inbox;
mod outbox;
mod payload;
mod rooms;
mod session;
mod upgraded_stream;

use std::time::Duration;

use axum::{Extension, Router, routing::get};
use socketioxide::{ParserConfig, SocketIo, service::SocketIoService};
use tokio::time::timeout;

use crate::server::{http::BODY_MAX_BYTES, state::AppState};

/// The largest request body or WebSocket message that is taken into memory, to be refused with an answer. Above it
/// the connection ends: by 413, or by closing the socket.
const PAYLOAD_MAX_BYTES: usize = 4 * BODY_MAX_BYTES;
/// Binary parts of one event and their bytes. No event of ours has any; these few are taken to be refused.
const BINARIES_MAX: usize = 4;
/// Packets the engine holds for a client that does not take them. What is beyond stays in the log.
const BUFFER_PACKETS: usize = 64;
/// The heartbeat: that of the chat socket. A client that is silent for both together is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(25);
/// How long a connection has to enter a namespace.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take for the last words.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// It answers by itself at its own address; the router in it is what it would pass other requests on to.
type Engine = SocketIoService<Router>;

/// The addresses of Socket.IO, and the end of its connections when the server stops.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    let (engine, io) = build();
    connect::mount(&io, state);
    let stop = state.lifetime.stop.clone();
    state.lifetime.live.spawn(async move {
        stop.cancelled().await;
        // A client that takes nothing keeps the engine waiting.
        drop(timeout(CLOSE_TIMEOUT, io.close()).await);
    });
    Router::new()
        .route("/socket.io/", get(answer::get).post(answer::post))
        .route("/socket.io", get(answer::get).post(answer::post))
        .layer(Extension(engine))
}

fn build() -> (Engine, SocketIo) {
    let parser = ParserConfig::common()
        .max_incoming_binaries(BINARIES_MAX)
        .max_incoming_binary_buf_size(PAYLOAD_MAX_BYTES);
    SocketIo::builder()
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .max_payload(PAYLOAD_MAX_BYTES as u64)
        .ws_max_message_size(PAYLOAD_MAX_BYTES)
        .ws_max_frame_size(PAYLOAD_MAX_BYTES)
        .max_buffer_size(BUFFER_PACKETS)
        .with_parser(parser)
        .build_with_inner_svc(Router::new())
}
