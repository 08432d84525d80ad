//! The proxies in front of this server: what they say of a client's address is believed, and who comes through them is not
//! counted by the proxy's own address.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

/// The proxies before this server.
#[derive(Clone, Debug)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// These.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks.into())
    }

    /// Whether the address is one of theirs.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}
