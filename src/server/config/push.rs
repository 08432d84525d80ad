//! The settings of push notifications and outgoing webhooks, a part of [`super::Config`]. `notify` and `outgoing` apply them.

use clap::Args;
use ipnet::IpNet;

use super::{
    limits::network,
    values::{TimeSpan, within, yes_or_no},
};

/// Push notifications (RFC 8030).
#[derive(Clone, Debug, Args)]
pub struct PushSettings {
    /// Offer no push notifications, and call no push service
    #[arg(long, env = "IDOBATA_NO_PUSH", value_parser = yes_or_no)]
    pub no_push: bool,

    // RFC 8292 asks for it, and Apple's service requires it.
    /// Contact for the operators of push services, such as `mailto:admin@idobata.example`; default: the public URL
    #[arg(long, env = "IDOBATA_PUSH_CONTACT", value_name = "URL", value_parser = contact)]
    pub push_contact: Option<String>,

    // A page that is open marks what it shows within a second; a person looks at it a little later.
    /// How long to wait for a message to be read in an open page before it is pushed
    #[arg(long, env = "IDOBATA_PUSH_WAIT", default_value = "5s", value_name = "TIME")]
    pub push_wait: TimeSpan,

    // Of what is older one learns when one opens the page.
    /// How long a push service keeps a push for a device that it cannot reach, counted from the message
    #[arg(long, env = "IDOBATA_PUSH_AGE", default_value = "1d", value_name = "TIME")]
    pub push_age: TimeSpan,

    // Longer than the services' short troubles. A message that comes later still is found by its reader.
    /// How long to try again when a push service is in trouble
    #[arg(long, env = "IDOBATA_PUSH_RETRY", default_value = "10m", value_name = "TIME")]
    pub push_retry: TimeSpan,

    // Nobody has so many, and each message is encrypted and sent for each.
    /// Devices of a person that get pushes; with one more the oldest gets none any more
    #[arg(long, env = "IDOBATA_PUSH_DEVICES", default_value_t = 20, value_name = "N", value_parser = devices)]
    pub push_devices: usize,

    /// Inner network in which push services may be, such as 10.1.0.0/16; repeatable, or with commas
    ///
    /// Browsers name the address that this server calls, so it calls none of an inner network otherwise. In the networks
    /// named here a push service may use http.
    #[arg(
        long,
        env = "IDOBATA_PUSH_NETWORKS",
        value_name = "NETWORK",
        value_delimiter = ',',
        value_parser = network
    )]
    pub push_networks: Vec<IpNet>,

    /// Inner network in which receivers of outgoing webhooks may be, such as 10.1.0.0/16; repeatable, or with commas
    ///
    /// Without it no address of an inner network is called, whoever names it. In the networks named here a receiver may use
    /// http.
    #[arg(
        long,
        env = "IDOBATA_WEBHOOK_NETWORKS",
        value_name = "NETWORK",
        value_delimiter = ',',
        value_parser = network
    )]
    pub webhook_networks: Vec<IpNet>,
}

fn contact(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_contact =
        ["mailto:", "https:"].iter().any(|scheme| text.starts_with(scheme)) && !text.contains(' ');
    is_contact.then(|| text.to_owned()).ok_or_else(|| {
        format!("{text:?} is no contact: write mailto:admin@idobata.example, or an address with https")
    })
}

fn devices(text: &str) -> Result<usize, String> {
    within(text, 1..=1_000)
}
