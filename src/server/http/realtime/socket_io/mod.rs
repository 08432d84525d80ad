//! `/socket.io/`: Socket.IO clients, by polls or a WebSocket each (Engine.IO protocol 4, Socket.IO protocol 5). A crate
//! is the engine; the chat and the feed decide rooms, order, rights, limits and storage, as on every transport.
//!
//! `answer` is its HTTP, `connect` lets a client into a namespace. There a `session` serves it, in one task: `inbox`
//! holds the client's events, `rooms` or `feed` acts on them and reads the log, `outbox` holds the packets that the
//! engine has not taken yet. `connection_context` has the permits and the user of a connection, `upgraded_stream` and
//! `frame_meter` are below a WebSocket. Never use the engine's own rooms or broadcasts: they know no offsets and no
//! rights.

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

/// The largest request body or WebSocket message that is taken into memory, to be rejected with an answer. Above it
/// the connection ends: by 413, or by closing the socket.
const PAYLOAD_MAX_BYTES: usize = 4 * BODY_MAX_BYTES;
/// Binary parts of one event. No event of ours has any; these few are taken to be rejected.
const BINARIES_MAX: usize = 4;
/// Packets that the engine holds for a client that does not take them. Further entries stay in the log.
const BUFFER_PACKETS: usize = 64;
/// The heartbeat: that of the chat socket. A client that is silent for both together is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(25);
/// Time for a connection to enter a namespace.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a client to take the last packets.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The engine. It answers by itself at its own address; it would pass other requests on to the router in it.
type Engine = SocketIoService<Router>;

/// The routes of Socket.IO. Spawns the task that ends its connections when the server stops.
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
