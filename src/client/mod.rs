//! Browser plumbing: connections, transports, storage, requests and the clock. Effects and event handlers call it. Code
//! that renders must not: the server has no window, and what it renders must not depend on one.
//!
//! The app holds a [`connection::Connection`], which finds a transport that works, reconnects after a loss and delivers
//! what it receives. Under it stands one transport at a time. Both are values: dropping one closes it and ends its
//! listeners, requests and timers.

pub mod connection;
pub mod dom;
pub mod executor;
mod transports;
