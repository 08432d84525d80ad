//! A rate limit of one action on all nodes together: each node counts for itself, and takes from an allowance that the
//! nodes share over the backplane. `RateLimits` has one for each action of people, names and tokens.
//!
//! The node's own count comes first: it costs nothing, and it decides alone when the backplane cannot be reached. So a
//! node that is cut off accepts as much as it would without other nodes, and never more.

use std::{fmt::Display, hash::Hash, sync::Arc};

use super::rate_limiter::Limiter;
use crate::{
    protocol::problem::Rejection,
    server::{
        cluster::backplane::{Allowance, Backplane, Unreachable},
        config::{Limit, Rate},
    },
};

/// The shared rate limit of one action.
pub(super) struct SharedLimiter<K: Clone + Eq + Hash> {
    own: Limiter<K>,
    /// The name of the action in the shared keys.
    name: &'static str,
    rate: Option<Rate>,
    backplane: Arc<dyn Backplane>,
}

impl<K: Clone + Eq + Hash + Display> SharedLimiter<K> {
    /// A limiter of the action `name`. `message` is the message of its rejections.
    pub(super) fn new(
        backplane: &Arc<dyn Backplane>,
        name: &'static str,
        limit: Limit<Rate>,
        message: &'static str,
    ) -> Self {
        let backplane = backplane.clone();
        Self { own: Limiter::new(limit, message), name, rate: limit.0, backplane }
    }

    /// Takes one of the key's allowance; the rejection says when the next one is free. Waits for the backplane, which
    /// answers in 250 ms or is unreachable. A key must not be a secret: the server of the backplane keeps it.
    pub(super) async fn check(&self, key: &K) -> Result<(), Rejection> {
        self.own.check(key)?;
        let Some(rate) = self.rate.filter(|_| self.backplane.is_shared()) else { return Ok(()) };
        let key = format!("{}/{key}", self.name);
        match self.backplane.allow(&key, rate).await {
            Ok(Allowance::UsedUp(wait)) => Err(self.own.rejection(wait)),
            // Unreachable, or too slow: the own count has accepted it.
            Ok(Allowance::Taken) | Err(Unreachable) => Ok(()),
        }
    }

    /// Forgets every key that has its full own allowance again. Shared allowances expire by themselves.
    pub(super) fn sweep(&self) {
        self.own.sweep();
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.own.known()
    }
}

#[cfg(test)]
mod tests;
