//! The operator: administration where users are guests and no account is an administrator's. The routes ask it for
//! requests that manage publishers and the channels' readers, and that publish without a token.
//!
//! A request from the server's own machine is the operator's, as long as no proxy makes every request look like one.
//! With `--public-url` or `--trusted-proxy` there is a proxy: then the operator needs a key, which is stored beside the
//! database. A forwarded request must never count as local.

use std::net::IpAddr;

use url::Host;

use super::{OPERATOR_KEY_FILE, Secret, SecretError, hash};
use crate::server::config::{
    AuthSetting, Config,
    site::{Site, is_loopback},
};

/// The way to recognize the operator.
#[derive(Clone, Debug)]
pub enum Operator {
    /// By being on this machine, for requests without credentials: a request with a token has the rights of the token.
    OnThisMachine,
    /// By a key; this is its hash.
    ByKey(String),
    /// There is no operator: there are administrators.
    Absent,
}

/// The origin of a request, as far as the request tells.
#[derive(Clone, Copy, Debug)]
pub struct Provenance<'a> {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// The header `Host`.
    pub host: &'a str,
    /// The request has headers of a proxy that forwards it.
    pub is_forwarded: bool,
    /// The token in `Authorization: Bearer`.
    pub bearer: Option<&'a str>,
}

impl Operator {
    /// The way that the settings ask for. Creates the key if it is needed and missing.
    pub fn open(config: &Config, site: &Site) -> Result<Self, SecretError> {
        if config.auth != AuthSetting::Guest {
            return Ok(Self::Absent);
        }
        let is_local = site.public_url().is_none_or(|url| url.is_local());
        if is_local && config.limits.trusted_proxies.is_empty() {
            return Ok(Self::OnThisMachine);
        }
        let key = Secret::load_or_create(&config.data, OPERATOR_KEY_FILE)?;
        Ok(Self::ByKey(hash(&key.to_text())))
    }

    /// Returns true if the operator sent this request.
    pub fn sent(&self, from: Provenance<'_>) -> bool {
        match self {
            Self::OnThisMachine => {
                from.bearer.is_none()
                    && !from.is_forwarded
                    && is_loopback(from.peer)
                    && is_name_of_this_machine(from.host)
            }
            Self::ByKey(_) => from.bearer.is_some_and(|bearer| self.has_key(bearer)),
            Self::Absent => false,
        }
    }

    /// Returns true if this token is the operator's key.
    pub fn has_key(&self, token: &str) -> bool {
        matches!(self, Self::ByKey(key) if hash(token) == *key)
    }
}

/// Returns true if this `Host` names the browser's own machine. Names of other sites do not count, whatever address
/// they resolve to (DNS rebinding).
fn is_name_of_this_machine(authority: &str) -> bool {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) && !host.is_empty() => host,
        _ => authority,
    };
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => is_loopback(address.into()),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, host: &'static str, is_forwarded: bool) -> Provenance<'static> {
        Provenance { peer: peer.parse().expect("an address"), host, is_forwarded, bearer: None }
    }

    #[test]
    fn who_is_on_this_machine_and_asks_it_by_its_own_name_runs_it() {
        for host in ["localhost", "localhost:3000", "127.0.0.1:3000", "127.1.2.3", "[::1]:3000", "[::1]"] {
            assert!(Operator::OnThisMachine.sent(from("127.0.0.1", host, false)), "{host}");
            assert!(Operator::OnThisMachine.sent(from("::1", host, false)), "{host}");
            assert!(!Operator::OnThisMachine.sent(from("10.0.0.1", host, false)), "{host} from elsewhere");
            assert!(!Operator::OnThisMachine.sent(from("127.0.0.1", host, true)), "{host} through a proxy");
            assert!(!Operator::Absent.sent(from("127.0.0.1", host, false)), "{host} with administrators");
            let with_token = Provenance { bearer: Some("any"), ..from("127.0.0.1", host, false) };
            assert!(!Operator::OnThisMachine.sent(with_token), "{host} with a token");
        }
        for host in ["", "rebound.example:3000", "localhost.example", "10.0.0.1", "0.0.0.0:3000", "::"] {
            assert!(!Operator::OnThisMachine.sent(from("127.0.0.1", host, false)), "{host}");
        }
    }

    #[test]
    fn behind_a_proxy_only_the_key_counts() {
        let operator = Operator::ByKey(hash("the key"));
        let here = from("127.0.0.1", "localhost", false);
        assert!(!operator.sent(here));
        assert!(
            operator.sent(Provenance { bearer: Some("the key"), ..from("10.0.0.1", "talk.example", true) })
        );
        assert!(!operator.sent(Provenance { bearer: Some("another"), ..here }));
    }
}
