//! What the server tells of itself: its log and its counters. It depends on nothing but the settings.

pub mod logging;
pub mod metrics;
