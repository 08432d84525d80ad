//! The time at which readers come back after the server's stop. Every transport sends it with its last message. It must
//! never be the same for all: a thousand readers that return in the same second would be the new server's first
//! trouble.

/// Time enough for a restart.
const RETURN_MIN_MS: u64 = 1_000;
/// Readers return spread over this time.
const RETURN_SPREAD_MS: u64 = 5_000;

/// Milliseconds after which one reader is to come back, at random within the spread.
pub(crate) fn return_after_ms() -> u64 {
    RETURN_MIN_MS + getrandom::u64().unwrap_or(0) % RETURN_SPREAD_MS
}
