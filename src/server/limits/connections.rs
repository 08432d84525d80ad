//! Who may connect at all: TCP connections in all and from each address, so that slow ones cannot take every file
//! descriptor. `accept` asks for each; what it lets in counts until it is closed, whatever it goes on as.

use std::{net::IpAddr, sync::Arc};

use super::{ConcurrencyLimiter, Permit, TrustedProxies, counted_as};
use crate::server::{config::Limits, observability::metrics::Metrics};

/// See the module.
pub(crate) struct ConnectionLimiter {
    all: Arc<ConcurrencyLimiter<()>>,
    addresses: Arc<ConcurrencyLimiter<IpAddr>>,
    trusted_proxies: TrustedProxies,
    metrics: Arc<Metrics>,
}

/// A connection that is in. Dropping it is its end.
pub(crate) struct ConnectionPermit {
    _all: Permit<()>,
    _address: Option<Permit<IpAddr>>,
}

impl ConnectionLimiter {
    /// With these settings. `metrics` counts who is refused.
    pub(crate) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            all: ConcurrencyLimiter::new(limits.max_tcp_connections),
            addresses: ConcurrencyLimiter::new(limits.max_tcp_connections_per_address),
            trusted_proxies: TrustedProxies::new(limits.trusted_proxies.clone()),
            metrics,
        }
    }

    /// Lets a connection in, or counts that it was refused.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<ConnectionPermit> {
        let admitted = self.permits(peer);
        if admitted.is_none() {
            self.metrics.count_refused_connection();
            tracing::debug!(%peer, "a connection is refused: there are too many");
        }
        admitted
    }

    /// Everybody behind a proxy comes from its address.
    fn permits(&self, peer: IpAddr) -> Option<ConnectionPermit> {
        let is_one_client = !self.trusted_proxies.contain(peer);
        let address = match is_one_client {
            true => Some(self.addresses.take(&counted_as(peer))?),
            false => None,
        };
        Some(ConnectionPermit { _all: self.all.take(&())?, _address: address })
    }
}
