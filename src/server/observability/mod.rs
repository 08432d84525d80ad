//! The server's log and its metrics. Every other part of the server may write to them; they import the settings and
//! nothing else of it.

pub mod logging;
pub mod metrics;
