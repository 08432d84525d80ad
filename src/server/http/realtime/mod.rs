//! Live connections: WebSocket, server-sent events, long polls and Socket.IO. All read a log through one subscription and write
//! the same encoded entries; each file says what its transport adds.

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
