//! The browser's sockets, streams, time-outs and clock. Called only from effects and event handlers, never while a
//! page is rendered: on the server there is no window, and what was rendered must not depend on one.
//!
//! Every connection here is a value; dropping it closes it and takes its listeners and time-outs along.

pub mod backoff;
pub mod events;
mod listener;
pub mod page;
pub mod socket;
pub mod time;
