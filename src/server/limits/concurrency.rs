//! Limits of what one key, such as a person or an address, may have at the same time. Each thing takes a permit and
//! holds it as long as it lasts. The limits of connections are made of these.
//!
//! It never waits for a permit to become free.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use crate::server::config::Limit;

/// The number of permits that each key has taken. Holds only keys that have taken one.
pub struct ConcurrencyLimiter<K: Eq + Hash> {
    taken: Mutex<HashMap<K, u32>>,
    limit: u32,
}

/// A permit of one key. Dropping it gives it back.
pub struct Permit<K: Eq + Hash> {
    limiter: Arc<ConcurrencyLimiter<K>>,
    key: K,
}

impl<K: Clone + Eq + Hash> ConcurrencyLimiter<K> {
    /// A limiter with `limit` permits for each key.
    pub fn new(Limit(limit): Limit<u32>) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), limit: limit.unwrap_or(u32::MAX) })
    }

    /// Takes a permit of `key`; `None` when all are taken.
    pub fn take(self: &Arc<Self>, key: &K) -> Option<Permit<K>> {
        let mut taken = self.lock();
        let count = taken.get(key).copied().unwrap_or_default();
        if count >= self.limit {
            return None;
        }
        taken.insert(key.clone(), count + 1);
        Some(Permit { limiter: self.clone(), key: key.clone() })
    }
}

impl<K: Eq + Hash> ConcurrencyLimiter<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, u32>> {
        self.taken.lock()
    }
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut taken = self.limiter.lock();
        match taken.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_is_given_back_and_a_key_without_one_is_forgotten() {
        let limiter = ConcurrencyLimiter::new(Limit(Some(2)));
        let first = limiter.take(&"alice").expect("free");
        let second = limiter.take(&"alice").expect("free");
        assert!(limiter.take(&"alice").is_none(), "both are taken");
        assert!(limiter.take(&"bob").is_some(), "he has permits of his own");
        drop(first);
        let third = limiter.take(&"alice").expect("free again");
        drop((second, third));
        assert!(limiter.lock().is_empty());
    }

    #[test]
    fn without_a_limit_there_is_always_one() {
        let limiter = ConcurrencyLimiter::new(Limit(None));
        let taken: Vec<_> = (0..1_000).map(|_| limiter.take(&1).expect("free")).collect();
        assert_eq!(taken.len(), 1_000);
    }
}
