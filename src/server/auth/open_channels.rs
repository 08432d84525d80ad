//! The channels to which programs may publish without a token, by the address that they come from (`--open-channels`).
//! `http/api/publish/author.rs` asks for a request without any credentials, and `authz::publishing` decides by the answer.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Pattern;
use crate::{protocol::problem::Rejection, server::config};

/// The open channels of this server.
#[derive(Clone, Debug, Default)]
pub struct OpenChannels(Vec<(Pattern, Option<IpNet>)>);

impl OpenChannels {
    /// Those of the setting. Rejects what is no pattern.
    pub fn parse(settings: &[config::OpenChannels]) -> Result<Self, Rejection> {
        let parse = |one: &config::OpenChannels| Ok((Pattern::parse(&one.pattern)?, one.network));
        settings.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Returns true if a channel is open to a client with this address.
    pub fn are_open(&self, channel: &str, address: IpAddr) -> bool {
        let is_from = |network: &Option<IpNet>| network.is_none_or(|network| network.contains(&address));
        self.0.iter().any(|(pattern, network)| pattern.matches(channel) && is_from(network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_open_to_its_network_alone() {
        let settings =
            ["home-*@192.168.0.0/16", "home-*@fd00::/8", "ping"].map(|it| it.parse().expect("one"));
        let open = OpenChannels::parse(&settings).expect("patterns");
        for (channel, address, expected) in [
            ("home-door", "192.168.1.7", true),
            ("home-door", "192.169.1.7", false),
            ("home-door", "fd00::1", true),
            ("home-door", "::1", false),
            ("home", "192.168.1.7", false),
            ("ping", "203.0.113.9", true),
            ("ops", "192.168.1.7", false),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(open.are_open(channel, address), expected, "{channel} {address}");
        }
        OpenChannels::parse(&["a*b".parse().expect("no network")]).expect_err("no pattern");
    }
}
