//! The HTTP layer: the routes, the middleware and the handlers. `server` serves [`router()`] on a listener. A handler
//! parses the request, calls `chat`, `feed` or another part of the server, and answers; the rules of a request belong
//! to those parts and never to this one.
//!
//! * `router`: the route table
//! * `serve`: TCP connections, deadlines, upgrades
//! * `middleware`: code around every request
//! * `extract`: extractors, which parse requests for the handlers
//! * `api`: JSON for programs
//! * `compat`: other systems' protocols
//! * `realtime`: WebSocket, server-sent events, long polls, Socket.IO
//! * `pages`, `account_pages`: HTML for people
//! * `forms`: the POST handlers of the pages' HTML forms
//! * `redirect`, `problem`: redirects after a form, and rejections

mod account_pages;
pub mod api;
mod channel_choices;
mod compat;
pub mod extract;
mod favourites;
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

/// Maximum size of a request body and of a frame on a socket, in bytes: a message of 4,000 characters of the widest
/// kind fits with room to spare.
pub const BODY_MAX_BYTES: usize = 64 * 1024;
