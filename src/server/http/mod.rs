//! HTTP: requests in, answers out. A handler reads the request, calls `chat`, `feed` or another part of the server, and
//! answers; what a request means is decided there and not here.
//!
//! * `router`: the route table
//! * `serve`: TCP connections, deadlines, upgrades
//! * `middleware`: what every request passes
//! * `extract`: what handlers read from a request
//! * `api`: JSON for programs
//! * `realtime`: WebSocket, server-sent events, long polls, Socket.IO
//! * `pages`, `account_pages`: HTML for people

mod account_pages;
pub mod api;
pub mod extract;
mod forms;
pub mod middleware;
mod pages;
mod problem;
#[cfg(test)]
mod properties;
pub mod realtime;
mod redirect;
mod router;
pub mod serve;

pub use self::router::router;

/// The largest request body, and the largest frame on a socket: a message of 4,000 characters of the widest kind
/// with room to spare.
pub const BODY_MAX_BYTES: usize = 64 * 1024;
