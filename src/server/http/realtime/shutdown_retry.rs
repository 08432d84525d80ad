//! What readers are told when the server stops: when to come back. A thousand that return in the same second would
//! be the new server's first trouble.

/// Time enough for a restart.
const RETURN_MIN_MS: u64 = 1_000;
/// Readers return spread over this time.
const RETURN_SPREAD_MS: u64 = 5_000;

/// Milliseconds after which one reader shall come back; chance spreads them.
pub(crate) fn return_after_ms() -> u64 {
    RETURN_MIN_MS + getrandom::u64().unwrap_or(0) % RETURN_SPREAD_MS
}
