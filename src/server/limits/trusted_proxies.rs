//! The proxies in front of this server, by `--trusted-proxy`. The server believes them about the address of a client,
//! and does not count the clients behind them by the address of the proxy.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

/// The networks of the trusted proxies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// The proxies in these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks.into())
    }

    /// Returns true if the address is in one of the networks.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}
