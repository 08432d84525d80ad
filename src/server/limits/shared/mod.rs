//! How often one key may do a thing at all nodes together: each node counts for itself, and takes of the allowance that
//! they share.
//!
//! The own count comes first: it costs nothing, and stands alone when the others cannot be reached. So a node that is
//! cut off lets through what it would if it were alone, and never more.

use std::{fmt::Display, hash::Hash, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::rate_limiter::Limiter;
use crate::{
    protocol::problem::Rejection,
    server::{
        cluster::backplane::{Allowance, Backplane},
        config::{Limit, Rate},
    },
};

/// How long the shared allowance is waited for: people feel more than this, and would rather be counted less exactly.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);

/// See the module.
pub(super) struct SharedLimiter<K: Clone + Eq + Hash> {
    own: Limiter<K>,
    /// What is limited, in the shared keys.
    name: &'static str,
    rate: Option<Rate>,
    backplane: Arc<dyn Backplane>,
}

impl<K: Clone + Eq + Hash + Display> SharedLimiter<K> {
    /// `refusal` is the sentence for who comes too often.
    pub(super) fn new(
        backplane: &Arc<dyn Backplane>,
        name: &'static str,
        limit: Limit<Rate>,
        refusal: &'static str,
    ) -> Self {
        let backplane = backplane.clone();
        Self { own: Limiter::new(limit, refusal), name, rate: limit.0, backplane }
    }

    /// Takes one of the key's allowance; the refusal says when there is one again. A key must not be a secret: the
    /// other nodes' server keeps it.
    pub(super) async fn check(&self, key: &K) -> Result<(), Rejection> {
        self.own.check(key)?;
        let Some(rate) = self.rate.filter(|_| self.backplane.is_shared()) else { return Ok(()) };
        let key = format!("{}/{key}", self.name);
        match timeout(ANSWER_TIMEOUT, self.backplane.allow(&key, rate)).await {
            Ok(Ok(Allowance::UsedUp(wait))) => Err(self.own.refuse(wait)),
            // Unreachable, or too slow: the own count has said yes.
            Ok(Ok(Allowance::Taken) | Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Forgets every key whose own allowance is whole again. The shared ones end by themselves.
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
