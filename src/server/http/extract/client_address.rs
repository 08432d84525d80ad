//! The address of the client behind a request: the peer's, or the one that a trusted proxy reports. The limits count by
//! it.
//!
//! Never take an address from a header in any other way: anybody may write such a header.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderName, header, request::Parts},
};

use crate::server::{limits::TrustedProxies, state::AppState};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client behind a request. An IPv4 address mapped into IPv6 is given as IPv4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(in crate::server::http) IpAddr);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let ConnectInfo(peer) =
            parts.extensions.get::<ConnectInfo<SocketAddr>>().expect("`accept` gives it to every request");
        Ok(Self(client_of(peer.ip().to_canonical(), &parts.headers, &state.trusted_proxies)))
    }
}

/// Returns the last address on the way here that belongs to no trusted proxy.
fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    if !trusted.contain(peer) {
        return peer;
    }
    let walk = |name, hops: fn(&str) -> Vec<Option<IpAddr>>| {
        let has_any = headers.contains_key(&name);
        has_any.then(|| walk_back(peer, &lines(headers, &name).flat_map(hops).collect::<Vec<_>>(), trusted))
    };
    match (walk(header::FORWARDED, forwarded), walk(X_FORWARDED_FOR, x_forwarded_for)) {
        // A proxy that writes one of the headers passes the other on as the client made it up: if the two differ,
        // neither is believed.
        (Some(one), Some(other)) if one != other => peer,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => peer,
    }
}

/// Follows the hops back from `peer` to the client. Each hop was written by the one after it, so it is as true as that
/// one is trusted. `None` is a hop without an address, at which the way back ends.
fn walk_back(peer: IpAddr, hops: &[Option<IpAddr>], trusted: &TrustedProxies) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        match hop {
            Some(address) if trusted.contain(client) => client = *address,
            _ => break,
        }
    }
    client
}

/// Returns the lines of a header; several are one list (RFC 9110, 5.3). A line that is not text becomes a hop without
/// an address.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().map(|line| line.to_str().unwrap_or("?"))
}

/// The hops of `Forwarded` (RFC 7239, section 4).
fn forwarded(line: &str) -> Vec<Option<IpAddr>> {
    let hop = |hop: Result<rfc7239::Forwarded<'_>, _>| Some(hop.ok()?.forwarded_for?.ip()?.to_canonical());
    rfc7239::parse(line).map(hop).collect()
}

/// The hops of `X-Forwarded-For`: addresses, to which some proxies add the port.
fn x_forwarded_for(line: &str) -> Vec<Option<IpAddr>> {
    let hop = |hop: &str| {
        let address = hop.trim().parse().or_else(|_| hop.trim().parse().map(|hop: SocketAddr| hop.ip()));
        address.ok().map(|address: IpAddr| address.to_canonical())
    };
    line.split(',').map(hop).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's address at a server that trusts 10.0.0.0/8 and `fd00::1`.
    fn client(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted = TrustedProxies::new(vec![
            "10.0.0.0/8".parse().expect("a network"),
            "fd00::1/128".parse().expect("a network"),
        ]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header"));
        }
        client_of(peer.parse().expect("an address"), &map, &trusted).to_string()
    }

    #[test]
    fn without_a_trusted_proxy_a_header_changes_nothing() {
        for name in ["forwarded", "x-forwarded-for"] {
            assert_eq!(client("192.0.2.1", &[(name, "for=203.0.113.9")]), "192.0.2.1");
            assert_eq!(client("192.0.2.1", &[(name, "203.0.113.9")]), "192.0.2.1");
        }
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn a_trusted_proxy_says_who_asks() {
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "203.0.113.9")]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "203.0.113.9:4711")]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "::ffff:203.0.113.9")]), "203.0.113.9");
        assert_eq!(
            client("fd00::1", &[("forwarded", "For=\"[2001:db8::9]:47\";proto=https")]),
            "2001:db8::9"
        );
        assert_eq!(client("10.0.0.1", &[("forwarded", "by=10.0.0.1;for=203.0.113.9")]), "203.0.113.9");
    }

    #[test]
    fn only_what_trusted_proxies_wrote_counts() {
        // The first was made up by the client, the last was written by the proxy that connects.
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9")]), "203.0.113.9");
        assert_eq!(
            client("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.2")]),
            "203.0.113.9"
        );
        assert_eq!(
            client("10.0.0.1", &[("forwarded", "for=1.1.1.1, for=203.0.113.9, for=10.0.0.2")]),
            "203.0.113.9"
        );
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client("10.0.0.1", &lines), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[("forwarded", "for=\"1.1.1.1, for=203.0.113.9")]), "203.0.113.9");
    }

    #[test]
    fn where_nobody_knows_further_the_last_known_is_taken() {
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, unknown")]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, ?, 10.0.0.2")]), "10.0.0.2");
        assert_eq!(client("10.0.0.1", &[("forwarded", "for=203.0.113.9, for=_hidden")]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[("forwarded", "proto=https")]), "10.0.0.1");
    }

    #[test]
    fn of_two_headers_that_differ_neither_is_believed() {
        let [one, other] = ["203.0.113.9", "198.51.100.7"];
        assert_eq!(
            client("10.0.0.1", &[("forwarded", &format!("for={one}")), ("x-forwarded-for", one)]),
            one
        );
        let differing = [("forwarded", &*format!("for={one}")), ("x-forwarded-for", other)];
        assert_eq!(client("10.0.0.1", &differing), "10.0.0.1");
    }
}
