//! How much one key, a person or an address, may have at the same time: each thing takes a place for as long as its
//! guard lives.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use crate::server::config::Limit;

/// The places that are taken. Holds only keys that have one.
pub struct ConcurrencyLimiter<K: Eq + Hash> {
    taken: Mutex<HashMap<K, u32>>,
    limit: u32,
}

/// A place that is taken. Dropping it gives it back.
pub struct Permit<K: Eq + Hash> {
    permits: Arc<ConcurrencyLimiter<K>>,
    key: K,
}

impl<K: Clone + Eq + Hash> ConcurrencyLimiter<K> {
    /// Each key has so many.
    pub fn new(Limit(limit): Limit<u32>) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), limit: limit.unwrap_or(u32::MAX) })
    }

    /// A place for `key`; `None` when all of them are taken.
    pub fn take(self: &Arc<Self>, key: &K) -> Option<Permit<K>> {
        let mut taken = self.lock();
        let count = taken.get(key).copied().unwrap_or_default();
        if count >= self.limit {
            return None;
        }
        taken.insert(key.clone(), count + 1);
        Some(Permit { permits: self.clone(), key: key.clone() })
    }
}

impl<K: Eq + Hash> ConcurrencyLimiter<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, u32>> {
        self.taken.lock()
    }
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut taken = self.permits.lock();
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
    fn a_place_is_given_back_and_a_key_without_one_is_forgotten() {
        let permits = ConcurrencyLimiter::new(Limit(Some(2)));
        let first = permits.take(&"alice").expect("free");
        let second = permits.take(&"alice").expect("free");
        assert!(permits.take(&"alice").is_none(), "both are taken");
        assert!(permits.take(&"bob").is_some(), "he has places of his own");
        drop(first);
        let third = permits.take(&"alice").expect("free again");
        drop((second, third));
        assert!(permits.lock().is_empty());
    }

    #[test]
    fn without_a_limit_there_is_always_one() {
        let permits = ConcurrencyLimiter::new(Limit(None));
        let taken: Vec<_> = (0..1_000).map(|_| permits.take(&1).expect("free")).collect();
        assert_eq!(taken.len(), 1_000);
    }
}
