//! The limits of TCP connections, in all and from each address, so that slow ones cannot take every file descriptor.
//! `accept` takes a permit for each; it counts until the connection is closed, also after an upgrade.

use std::{net::IpAddr, sync::Arc};

use crate::server::{
    config::Limits,
    limits::{ConcurrencyLimiter, Permit, TrustedProxies, counted_as},
    observability::metrics::Metrics,
};

/// The limits of TCP connections.
pub(crate) struct ConnectionLimiter {
    all: Arc<ConcurrencyLimiter<()>>,
    addresses: Arc<ConcurrencyLimiter<IpAddr>>,
    trusted_proxies: TrustedProxies,
    metrics: Arc<Metrics>,
}

/// A TCP connection that counts until the permit is dropped.
pub(crate) struct ConnectionPermit {
    _all: Permit<()>,
    _address: Option<Permit<IpAddr>>,
}

impl ConnectionLimiter {
    /// A limiter with these settings. `metrics` counts the connections that it rejects.
    pub(crate) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            all: ConcurrencyLimiter::new(limits.max_tcp_connections),
            addresses: ConcurrencyLimiter::new(limits.max_tcp_connections_per_address),
            trusted_proxies: TrustedProxies::new(limits.trusted_proxies.clone()),
            metrics,
        }
    }

    /// Takes a permit for a connection; `None`, which the metrics count, when all are taken.
    pub(crate) fn try_acquire(&self, peer: IpAddr) -> Option<ConnectionPermit> {
        let permit = self.take(peer);
        if permit.is_none() {
            self.metrics.count_refused_connection();
            tracing::debug!(%peer, "refused a connection: limit reached");
        }
        permit
    }

    fn take(&self, peer: IpAddr) -> Option<ConnectionPermit> {
        // All clients behind a proxy have its address.
        let is_one_client = !self.trusted_proxies.contain(peer);
        let address = match is_one_client {
            true => Some(self.addresses.take(&counted_as(peer))?),
            false => None,
        };
        Some(ConnectionPermit { _all: self.all.take(&())?, _address: address })
    }
}
