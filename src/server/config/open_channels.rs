//! One of `--open-channels`: a pattern of channels, and the network from which it is open, as they are written. `auth` reads the
//! pattern by its own rules, at the start.

use std::str::FromStr;

use ipnet::IpNet;

use super::limits::network;

/// Channels to which programs publish without a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenChannels {
    /// A channel's name, or the beginning of names and a `*`.
    pub pattern: String,
    /// The network from which they are open; `None`: from everywhere.
    pub network: Option<IpNet>,
}

impl FromStr for OpenChannels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pattern, network_text) = match text.trim().split_once('@') {
            Some((pattern, network)) => (pattern, Some(network)),
            None => (text.trim(), None),
        };
        if pattern.is_empty() {
            return Err("a pattern of channels is missing: write home-*@192.168.0.0/16".to_owned());
        }
        Ok(Self { pattern: pattern.to_owned(), network: network_text.map(network).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_or_a_prefix_or_absent() {
        let read = |text: &str| {
            text.parse::<OpenChannels>().map(|it| (it.pattern, it.network.map(|it| it.to_string())))
        };
        assert_eq!(read("home-*"), Ok(("home-*".into(), None)));
        assert_eq!(read(" door@192.168.1.7 "), Ok(("door".into(), Some("192.168.1.7/32".into()))));
        assert_eq!(read("home-*@fd00::/8"), Ok(("home-*".into(), Some("fd00::/8".into()))));
        for text in ["", "@10.0.0.0/8", "home-*@", "home-*@home", "a@10.0.0.0/8@10.0.0.0/8"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
