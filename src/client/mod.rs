//! The browser's sockets, streams, polls, time-outs, storage and clock. Called only from effects and event handlers,
//! never while a page is rendered: on the server there is no window, and what was rendered must not depend on one.
//!
//! A [`connection::Connection`] is what the app holds: it finds a transport that works, comes back after a drop, and
//! reports what it hears. Under it an *attempt* is one try of one transport. Both are values; dropping one closes it
//! and takes its listeners, requests and time-outs along.

pub mod connection;
pub mod dom;
pub mod executor;
mod transports;
