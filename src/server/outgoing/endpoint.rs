//! An address that a browser or an administrator names and this server calls: a push service's, a webhook's. It must never
//! lead into the network that this server stands in, unless a setting allows it: every address of the host is checked each
//! time, and the connection goes to an address that was checked (`client`), whatever the name resolves to a moment later.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use ipnet::IpNet;
use url::{Host, Url};

use crate::protocol::problem::{Code, Rejection};

/// Longest address; those of the browsers' services have some hundred characters.
const ENDPOINT_MAX_BYTES: usize = 2_000;

/// The address.
#[derive(Clone, Debug)]
pub struct Endpoint(Url);

/// The error of an endpoint's host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// One of its addresses is of an inner network.
    #[error("the address {0} is of an inner network, and no setting allows it")]
    Inner(IpAddr),
    /// It has no address, or cannot be asked for.
    #[error("the host cannot be resolved: {0}")]
    Unresolved(io::Error),
}

impl Endpoint {
    /// Parses an endpoint. One with http is accepted where `inner` names a network; its host has to be in one of them.
    pub fn parse(text: &str, inner: &[IpNet]) -> Result<Self, Rejection> {
        let fault = |message: &str| Err(Rejection::new(Code::BadRequest, message));
        if text.len() > ENDPOINT_MAX_BYTES {
            return fault("The endpoint is too long.");
        }
        let Ok(url) = Url::parse(text) else {
            return fault("The endpoint is no URL.");
        };
        let is_http = url.scheme() == "http" && !inner.is_empty();
        if (url.scheme() != "https" && !is_http) || url.host().is_none() {
            return fault("The endpoint has to begin with https://.");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return fault("The endpoint must not contain a user name or a password.");
        }
        Ok(Self(url))
    }

    /// The whole address.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Its origin, for which requests are signed: `https://push.example`.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The name of its host, for people.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Returns true if the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The addresses of its host, all of which may be called.
    pub async fn addresses(&self, inner: &[IpNet]) -> Result<Vec<SocketAddr>, HostError> {
        let port = self.0.port_or_known_default().unwrap_or(443);
        let addresses: Vec<_> = match self.0.host() {
            Some(Host::Ipv4(address)) => vec![(address, port).into()],
            Some(Host::Ipv6(address)) => vec![(address, port).into()],
            Some(Host::Domain(name)) => {
                tokio::net::lookup_host((name, port)).await.map_err(HostError::Unresolved)?.collect()
            }
            None => Vec::new(),
        };
        if addresses.is_empty() {
            return Err(HostError::Unresolved(io::Error::other("it has no address")));
        }
        let is_named = |address: IpAddr| inner.iter().any(|network| network.contains(&address));
        let may_be_called = |address: IpAddr| is_named(address) || (self.is_https() && is_public(address));
        match addresses.iter().map(|address| address.ip().to_canonical()).find(|one| !may_be_called(*one)) {
            Some(address) => Err(HostError::Inner(address)),
            None => Ok(addresses),
        }
    }
}

/// Returns true for an address of the public internet (the registries of RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0 // this network
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || (a == 100 && b & 0xc0 == 64) // shared by a carrier's customers (RFC 6598)
        || (a == 192 && b == 0 && c == 0) // protocols (RFC 6890)
        || (a == 192 && b == 88 && c == 99) // relays to IPv6, out of use (RFC 7526)
        || (a == 198 && b & 0xfe == 18) // measurements (RFC 2544)
        || address.is_documentation()
        || a >= 224) // multicast, reserved, broadcast
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // The prefix by which a network without IPv4 reaches it (RFC 6052).
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    let is_global = segments[0] & 0xe000 == 0x2000;
    // Protocols and tunnels (RFC 2928), and documentation.
    let is_special = (segments[0] == 0x2001 && (segments[1] < 0x200 || segments[1] == 0xdb8))
        || segments[0] == 0x2002 // IPv4 within (RFC 3056)
        || segments[0] == 0x3fff; // documentation (RFC 9637)
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().expect("a network")).collect()
    }

    #[test]
    fn addresses_of_inner_networks_are_not_public() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.9.9",
            "192.168.0.1",
            "100.64.0.1",
            "100.127.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::10.0.0.1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "fec0::1",
            "::127.0.0.1",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
        for text in
            ["8.8.8.8", "100.63.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "64:ff9b::8.8.8.8"]
        {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address_with_https() {
        for text in ["https://push.example/send/x?y=1", "https://push.example:8443/"] {
            Endpoint::parse(text, &[]).expect(text);
        }
        let long = format!("https://push.example/{}", "x".repeat(ENDPOINT_MAX_BYTES));
        for text in [
            "",
            "push",
            "http://push.example/x",
            "https://a:b@push.example/",
            "ftp://push.example/",
            "data:x",
            &long,
        ] {
            Endpoint::parse(text, &[]).expect_err(text);
        }
        Endpoint::parse("http://127.0.0.1:9/x", &networks(&["127.0.0.0/8"])).expect("it is named");
    }

    #[tokio::test]
    async fn a_host_within_leads_nowhere_unless_a_setting_names_its_network() {
        let local = networks(&["127.0.0.0/8", "::1/128"]);
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://localhost/",
            "https://[::ffff:127.0.0.1]/",
            "https://10.0.0.1/",
            "https://[fd00::1]/",
        ] {
            let found = Endpoint::parse(url, &[]).expect(url).addresses(&[]).await;
            assert!(matches!(found, Err(HostError::Inner(_))), "{url}: {found:?}");
        }
        for url in ["https://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/"] {
            Endpoint::parse(url, &local).expect(url).addresses(&local).await.expect(url);
        }
        let outside = Endpoint::parse("http://8.8.8.8/", &local).expect("parsed").addresses(&local).await;
        assert!(matches!(outside, Err(HostError::Inner(_))), "only what is named goes without TLS");
    }
}
