//! The channel of the feed to which a node publishes its own values, and which names the node. `feed::self_metrics`
//! publishes there, and the store's record of the clock has one entry per such name.

use std::net::SocketAddr;

pub use crate::protocol::name::NODE_CHANNEL as CHANNEL;
use crate::protocol::name::parse_channel;

/// The channel of a server at this address. `name` is the setting; `is_shared` says that there may be other nodes.
pub fn channel(name: Option<&str>, address: SocketAddr, is_shared: bool) -> String {
    match name {
        Some(name) => format!("{CHANNEL}-{name}"),
        None if is_shared => {
            // Asked of the system, not read from /proc, which a service may not see.
            let system = rustix::system::uname();
            let host = system.nodename().to_string_lossy();
            let is_plain = |character: &char| character.is_ascii_alphanumeric() || *character == '-';
            let host: String = host.trim().chars().filter(is_plain).take(HOST_MAX_CHARACTERS).collect();
            format!("{CHANNEL}-{host}-{}", address.port())
        }
        None => CHANNEL.to_owned(),
    }
}

/// So many of the host's name fit into the channel's with the rest.
const HOST_MAX_CHARACTERS: usize = 40;

/// Parses the setting `--node-name`: what fits into the channel's name.
pub(super) fn node_name(text: &str) -> Result<String, String> {
    let channel = parse_channel(&format!("{CHANNEL}-{text}"));
    channel
        .map(|_| text.to_owned())
        .map_err(|_| "write up to 57 of the characters A-Z a-z 0-9 . - _".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_a_channel_of_its_own() {
        let address = "127.0.0.1:3001".parse().expect("an address");
        assert_eq!(channel(None, address, false), "server");
        assert_eq!(channel(Some("a"), address, true), "server-a");
        let named = channel(None, address, true);
        assert!(named.starts_with("server-") && named.ends_with("-3001"), "{named}");
        parse_channel(&named).expect("a channel's name");
    }
}
