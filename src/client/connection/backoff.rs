//! The wait before reconnecting: exponential with full jitter, so that a thousand pages that lost the same server do
//! not return in the same second. The connection's recovery calls it.

const FIRST_MS: f64 = 500.0;
const MAX_MS: f64 = 30_000.0;

/// The wait in milliseconds after `failures` failures in a row, for a random number in 0..1.
pub(super) fn wait_ms(failures: u32, random: f64) -> u32 {
    let ceiling = (FIRST_MS * 2_f64.powi(failures.min(16) as i32)).min(MAX_MS);
    // Never quite 0: a server that accepts and closes must not be called in a tight loop.
    (ceiling * random).max(FIRST_MS * 0.2) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_its_bound_and_is_spread() {
        assert_eq!(wait_ms(0, 1.0), 500);
        assert_eq!(wait_ms(3, 1.0), 4_000);
        assert_eq!(wait_ms(99, 1.0), 30_000);
        assert_eq!(wait_ms(99, 0.5), 15_000);
        assert_eq!(wait_ms(5, 0.0), 100);
    }
}
