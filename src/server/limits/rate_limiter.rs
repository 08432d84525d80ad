//! How often one key, a person or an address, may do a thing: the generic cell rate algorithm, by `governor`.

use std::{hash::Hash, time::Duration};

use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

use crate::{
    protocol::problem::{Code, Rejection},
    server::config::{Limit, Rate},
};

/// See the module. Of a key that is idle it holds nothing after the next sweep.
pub(super) struct Limiter<K: Clone + Eq + Hash> {
    /// `None`: the limit is off.
    keys: Option<DefaultKeyedRateLimiter<K>>,
    clock: DefaultClock,
    refusal: &'static str,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// `refusal` is the sentence for who comes too often.
    pub(super) fn new(Limit(rate): Limit<Rate>, refusal: &'static str) -> Self {
        let keys = rate.map(|rate| DefaultKeyedRateLimiter::keyed(quota(rate)));
        Self { keys, clock: DefaultClock::default(), refusal }
    }

    /// Takes one of the key's allowance; the refusal says when there is one again.
    pub(super) fn check(&self, key: &K) -> Result<(), Rejection> {
        let Some(keys) = &self.keys else { return Ok(()) };
        keys.check_key(key).map_err(|not_until| self.refuse(not_until.wait_time_from(self.clock.now())))
    }

    /// What who comes too often is told: there is one again after `wait`.
    pub(super) fn refuse(&self, wait: Duration) -> Rejection {
        Rejection::new(Code::TooManyRequests, self.refusal).retry_after(wait)
    }

    /// Forgets every key whose allowance is whole again.
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

/// As many at once, then one whenever its share of the time has passed.
pub(super) fn quota(Rate { count, period }: Rate) -> Quota {
    let quota = Quota::with_period(period / count.get()).expect("a rate is at most a million a second");
    quota.allow_burst(count)
}
