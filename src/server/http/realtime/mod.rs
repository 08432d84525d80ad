//! Live connections: WebSocket, server-sent events, long polls and Socket.IO. All read a log through one subscription
//! and write the same encoded entries. The router calls the endpoints. A transport must never decide a right or an
//! order: the chat, the feed and the log do.
//!
//! * `websocket`, `socket_io`, `room_events` and `feed_events` (both by `sse`), `long_poll`: the transports
//! * `beside`: the counts and marks beside a poll
//! * `catch_up`: reading for a reader that is not at the head
//! * `live_connection`: the limits on the number of connections
//! * `handshake`, `shutdown_retry`: the WebSocket upgrade, and the time to return after the server's stop

pub(crate) mod beside;
pub(crate) mod catch_up;
pub(crate) mod feed_events;
pub(crate) mod handshake;
pub(crate) mod live_connection;
pub(crate) mod long_poll;
pub(crate) mod room_events;
pub(crate) mod shutdown_retry;
pub(crate) mod socket_io;
pub(crate) mod sse;
pub(crate) mod websocket;
