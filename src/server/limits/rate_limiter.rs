//! A rate limit of one action, counted for each key, such as a person or an address, on this node: the generic cell
//! rate algorithm, by `governor`. `RateLimits` has one for each action; it never waits.

use std::{hash::Hash, time::Duration};

use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

use crate::{
    protocol::problem::{Code, Rejection},
    server::config::{Limit, Rate},
};

/// The rate limit of one action. It holds nothing of an idle key after the next sweep.
pub(super) struct Limiter<K: Clone + Eq + Hash> {
    /// `None`: the limit is off.
    keys: Option<DefaultKeyedRateLimiter<K>>,
    clock: DefaultClock,
    message: &'static str,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// A limiter of this rate. `message` is the message of its rejections.
    pub(super) fn new(Limit(rate): Limit<Rate>, message: &'static str) -> Self {
        let keys = rate.map(|rate| DefaultKeyedRateLimiter::keyed(quota(rate)));
        Self { keys, clock: DefaultClock::default(), message }
    }

    /// Takes one of the key's allowance; the rejection says when the next one is free.
    pub(super) fn check(&self, key: &K) -> Result<(), Rejection> {
        let Some(keys) = &self.keys else { return Ok(()) };
        keys.check_key(key).map_err(|not_until| self.rejection(not_until.wait_time_from(self.clock.now())))
    }

    /// The 429 rejection; retry after `wait`.
    pub(super) fn rejection(&self, wait: Duration) -> Rejection {
        Rejection::new(Code::TooManyRequests, self.message).retry_after(wait)
    }

    /// Forgets every key that has its full allowance again.
    pub(super) fn sweep(&self) {
        if let Some(keys) = &self.keys {
            keys.retain_recent();
            keys.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.keys.as_ref().map_or(0, governor::RateLimiter::len)
    }
}

/// The rate as a quota: `count` at once, then one whenever its share of `period` has passed.
pub(super) fn quota(Rate { count, period }: Rate) -> Quota {
    let quota = Quota::with_period(period / count.get()).expect("a rate is at most a million a second");
    quota.allow_burst(count)
}
