//! The limits of connections, in one place: `tcp` bounds TCP connections, each of which takes a file descriptor; `live`
//! bounds the live connections among them, which stay open. Both count on this node alone and never wait.
//!
//! `http/serve/accept` and `http/realtime/live_connection` take the permits.

mod live;
mod tcp;

pub use self::live::{LiveConnectionLimiter, LiveConnectionPermit};
pub(crate) use self::tcp::{ConnectionLimiter, ConnectionPermit};
