//! The settings of the limits, a part of [`super::Config`]: how often, and how much at a time. `server::limits`
//! enforces them; nothing here counts.
//!
//! Anybody can make guests without end, so a limit per user is always held up by one per address.

use std::{net::IpAddr, num::NonZeroU32, ops::RangeInclusive, str::FromStr, time::Duration};

use clap::Args;
use ipnet::IpNet;

use super::values::{TimeSpan, within};

/// All limits. `off` turns one off.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits (N/TIME such as 100/1m, or off)")]
pub struct Limits {
    // More than a person types, little enough that one cannot drown a room.
    /// Messages of a user: N at once, then one more whenever its share of TIME has passed
    #[arg(
        long = "limit-messages",
        env = "IDOBATA_LIMIT_MESSAGES",
        default_value = "100/1m",
        value_name = "N/TIME"
    )]
    pub messages: Limit<Rate>,

    // Each may replay hundreds of messages; a page joins one room at each opening, and again when a drop is over.
    /// Rooms that a user joins, by socket or stream
    #[arg(long = "limit-joins", env = "IDOBATA_LIMIT_JOINS", default_value = "60/1m", value_name = "N/TIME")]
    pub joins: Limit<Rate>,

    // Rooms stay, and there is an end to them (--max-rooms).
    /// Rooms that a user makes
    #[arg(long = "limit-rooms", env = "IDOBATA_LIMIT_ROOMS", default_value = "10/1h", value_name = "N/TIME")]
    pub rooms: Limit<Rate>,

    // To write to a new person each few minutes is busy; a program that writes to everybody is not.
    /// Direct messages that a user starts with people with whom they had none
    #[arg(
        long = "limit-direct",
        env = "IDOBATA_LIMIT_DIRECT",
        default_value = "20/1h",
        value_name = "N/TIME"
    )]
    pub direct: Limit<Rate>,

    // A page sends one every 2.5 s while the user types, in each of its tabs.
    /// Typing indicators that a user sends
    #[arg(
        long = "limit-typing",
        env = "IDOBATA_LIMIT_TYPING",
        default_value = "120/1m",
        value_name = "N/TIME"
    )]
    pub typing: Limit<Rate>,

    // A page that is read sends one every second at most, in each of its tabs; none of them takes anything of the
    // messages.
    /// Marks of a user: what they have read, and what they are told of; to follow them counts as one
    #[arg(
        long = "limit-marks",
        env = "IDOBATA_LIMIT_MARKS",
        default_value = "120/1m",
        value_name = "N/TIME"
    )]
    pub marks: Limit<Rate>,

    // A classroom that opens the page together; not a stream of new guests, each with limits of their own.
    /// Sessions and new names from an address; a first visit to a page makes a session too
    #[arg(
        long = "limit-sessions",
        env = "IDOBATA_LIMIT_SESSIONS",
        default_value = "30/1m",
        value_name = "N/TIME"
    )]
    pub sessions: Limit<Rate>,

    // A user who has to try all their passwords, not a program that has a list of them.
    /// Attempts to sign in to one account from one address
    #[arg(
        long = "limit-sign-ins",
        env = "IDOBATA_LIMIT_SIGN_INS",
        default_value = "10/10m",
        value_name = "N/TIME"
    )]
    pub sign_ins: Limit<Rate>,

    // Guessing from many addresses: a list of a million passwords takes months. Five addresses that try all the time
    // stay below it, so that locking a user out of their account takes more than that.
    /// Attempts to sign in to one account from all addresses together
    #[arg(
        long = "limit-sign-ins-per-account",
        env = "IDOBATA_LIMIT_SIGN_INS_PER_ACCOUNT",
        default_value = "300/1h",
        value_name = "N/TIME"
    )]
    pub sign_ins_per_account: Limit<Rate>,

    // An office on a Monday morning, not one password tried on every account.
    /// Attempts to sign in from one address, to any account
    #[arg(
        long = "limit-sign-ins-per-address",
        env = "IDOBATA_LIMIT_SIGN_INS_PER_ADDRESS",
        default_value = "50/10m",
        value_name = "N/TIME"
    )]
    pub sign_ins_per_address: Limit<Rate>,

    // A list that is asked for at each pause of somebody who types, and no more: a search is the dearest of all reads.
    /// Searches, per user; without a session, per address
    #[arg(
        long = "limit-searches",
        env = "IDOBATA_LIMIT_SEARCHES",
        default_value = "120/1m",
        value_name = "N/TIME"
    )]
    pub searches: Limit<Rate>,

    // A folder of pictures dropped at once, and some more; how many bytes is --max-files-per-person.
    /// Files that a user uploads
    #[arg(
        long = "limit-files",
        env = "IDOBATA_LIMIT_FILES",
        default_value = "100/10m",
        value_name = "N/TIME"
    )]
    pub uploads: Limit<Rate>,

    // An office of ten who do so; not a stream of new guests, each with a limit of their own.
    /// Files that are uploaded from an address
    #[arg(
        long = "limit-files-per-address",
        env = "IDOBATA_LIMIT_FILES_PER_ADDRESS",
        default_value = "1000/1h",
        value_name = "N/TIME"
    )]
    pub uploads_per_address: Limit<Rate>,

    // Ten a second: a busy script, not a loop without a pause.
    /// Requests that publish to the feed, per token; without a token, per address
    #[arg(
        long = "limit-publishes",
        env = "IDOBATA_LIMIT_PUBLISHES",
        default_value = "600/1m",
        value_name = "N/TIME"
    )]
    pub publishes: Limit<Rate>,

    // One looks at ten; of more one opens the feed. Each wakes every device of the user.
    /// Events of the feed that are pushed to a user; of more than these one push says that they came
    #[arg(
        long = "limit-feed-pushes",
        env = "IDOBATA_LIMIT_FEED_PUSHES",
        default_value = "10/1m",
        value_name = "N/TIME"
    )]
    pub feed_pushes: Limit<Rate>,

    // Some three hundred first visits at once, or twenty long polls answered each second. A page that polls too fast
    // waits as long as the answer says and then reads all it missed in one answer.
    /// Requests of any kind from an address, except for files and the operator's addresses
    ///
    /// Raise it where many users share one address.
    #[arg(
        long = "limit-requests",
        env = "IDOBATA_LIMIT_REQUESTS",
        default_value = "1200/1m",
        value_name = "N/TIME"
    )]
    pub requests: Limit<Rate>,

    // Half as much again as the limits of a user let through, all of it on one connection: it never meets who stays
    // below those.
    /// Frames of a WebSocket or events of Socket.IO, per connection; raise it with the limits of messages, joins,
    /// typing and marks
    #[arg(
        long = "limit-frames",
        env = "IDOBATA_LIMIT_FRAMES",
        default_value = "600/1m",
        value_name = "N/TIME"
    )]
    pub frames: Limit<Rate>,

    // GitHub's own limit is 25 MiB, for pushes of thousands of commits; what people read of a document stands in its
    // first kilobytes, and documents of usual events have 10 to 300 KiB. One of 1 MiB takes some 10 MiB while it is read.
    /// Longest body of a webhook's sender (/hooks/TOKEN/SENDER)
    #[arg(
        long,
        env = "IDOBATA_MAX_HOOK_BODY",
        default_value = "1MiB",
        value_name = "SIZE",
        value_parser = hook_body
    )]
    pub max_hook_body: usize,

    // Ten tabs with two connections each.
    /// Live connections (sockets, streams, waiting polls) of a user at the same time, or off
    #[arg(
        long = "max-connections-per-person",
        env = "IDOBATA_MAX_CONNECTIONS_PER_PERSON",
        default_value = "20",
        value_name = "N"
    )]
    pub connections_per_person: Limit<u32>,

    // An office of a hundred users behind one address.
    /// Live connections from an address at the same time, or off
    #[arg(
        long = "max-connections-per-address",
        env = "IDOBATA_MAX_CONNECTIONS_PER_ADDRESS",
        default_value = "200",
        value_name = "N"
    )]
    pub connections_per_address: Limit<u32>,

    // --max-connections, and some for the requests beside them.
    /// TCP connections of all kinds together, or off; one more is closed at once
    #[arg(long, env = "IDOBATA_MAX_TCP_CONNECTIONS", default_value = "12000", value_name = "N")]
    pub max_tcp_connections: Limit<u32>,

    // The live ones of an address, and more than as many again for its requests: a browser holds six.
    /// TCP connections from an address, or off; those of a trusted proxy are not counted
    #[arg(long, env = "IDOBATA_MAX_TCP_CONNECTIONS_PER_ADDRESS", default_value = "500", value_name = "N")]
    pub max_tcp_connections_per_address: Limit<u32>,

    /// Proxies whose `Forwarded`, `X-Forwarded-For` and `X-Request-Id` are trusted: addresses, or networks such as
    /// 10.0.0.0/8
    ///
    /// Without it every client is counted by the address it connects from.
    #[arg(
        long = "trusted-proxy",
        env = "IDOBATA_TRUSTED_PROXY",
        value_name = "NETWORK",
        value_delimiter = ',',
        value_parser = network
    )]
    pub trusted_proxies: Vec<IpNet>,
}

/// A limit that can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit<T>(pub Option<T>);

/// `count` per `period`: all of them at once if need be, then one more whenever its share of the period has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Highest number within the period.
    pub count: NonZeroU32,
    /// At least a second.
    pub period: Duration,
}

/// Highest count of a rate: its share of even a second is then a time that can be measured.
const COUNT_MAX: u32 = 1_000_000;

/// Highest number of connections; more than one process can have open.
const CONNECTIONS_MAX: u32 = 1_000_000;

/// Smallest and largest bound of a webhook's body: what every other request may have, and GitHub's own limit.
const HOOK_BODY_BYTES: RangeInclusive<usize> = 64 * 1024..=25 * 1024 * 1024;

/// A size: a number and `KiB` or `MiB`.
fn hook_body(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let units = [("kib", 1024), ("mib", 1024 * 1024)];
    let read = units.into_iter().find_map(|(unit, bytes)| {
        let lower = text.to_ascii_lowercase();
        lower.strip_suffix(unit)?.trim().parse::<usize>().ok()?.checked_mul(bytes)
    });
    read.filter(|bytes| HOOK_BODY_BYTES.contains(bytes)).ok_or_else(|| {
        format!("{text:?} is not a size from 64KiB to 25MiB: write a number with KiB or MiB, such as 1MiB")
    })
}

/// The word that turns a limit off.
pub(super) fn is_off(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("off")
}

impl FromStr for Rate {
    type Err = ();

    /// `100/1m`, or `100/m` for short.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (count, period) = text.split_once('/').ok_or(())?;
        let count = within(count, 1..=COUNT_MAX).ok().and_then(NonZeroU32::new).ok_or(())?;
        let period = period.trim();
        let period = match period.starts_with(|first: char| first.is_ascii_alphabetic()) {
            true => format!("1{period}").parse::<TimeSpan>(),
            false => period.parse(),
        };
        period.map(|TimeSpan(period)| Self { count, period }).map_err(drop)
    }
}

impl FromStr for Limit<Rate> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_off(text) {
            return Ok(Self(None));
        }
        text.parse().map(|rate| Self(Some(rate))).map_err(|()| {
            format!(
                "{text:?} is not a rate: write how many (1 to {COUNT_MAX}) in what time (1s to 36500d), such as 100/1m, \
                 or off"
            )
        })
    }
}

impl FromStr for Limit<u32> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_off(text) {
            return Ok(Self(None));
        }
        let number = within(text, 1..=CONNECTIONS_MAX).map_err(|fault| format!("{fault}, or off"));
        number.map(|number| Self(Some(number)))
    }
}

pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| {
        format!(
            "{text:?} is not a network: write an address such as 127.0.0.1, or a network such as 10.0.0.0/8"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_how_many_in_what_time() {
        let rate = |count, seconds| {
            let count = NonZeroU32::new(count).expect("above 0");
            Ok(Limit(Some(Rate { count, period: Duration::from_secs(seconds) })))
        };
        assert_eq!("100/1m".parse(), rate(100, 60));
        assert_eq!("10/10s".parse(), rate(10, 10));
        assert_eq!("100/m".parse(), rate(100, 60));
        for off in ["off", "Off", "OFF", " off "] {
            assert_eq!(off.parse(), Ok(Limit::<Rate>(None)));
            assert_eq!(off.parse(), Ok(Limit::<u32>(None)));
        }
        for text in
            ["", "100", "100/", "/1m", "0/1m", "-1/1m", "1/0s", "1/1", "5000000/1s", "none", "1/1m/1m"]
        {
            let fault = text.parse::<Limit<Rate>>().expect_err(text);
            assert!(fault.contains("1 to 1000000"), "{fault}");
        }
    }

    #[test]
    fn a_number_is_above_zero_or_off() {
        assert_eq!("20".parse(), Ok(Limit(Some(20_u32))));
        assert_eq!("off".parse(), Ok(Limit::<u32>(None)));
        for text in ["", "0", "-1", "many", "1/1m", "5000000"] {
            let fault = text.parse::<Limit<u32>>().expect_err(text);
            assert!(fault.contains("from 1 to 1000000, or off"), "{fault}");
        }
    }

    #[test]
    fn the_body_of_a_webhook_has_a_size_within_bounds() {
        for (text, bytes) in [("1MiB", 1 << 20), (" 64 kib", 1 << 16), ("25mib", 25 << 20)] {
            assert_eq!(hook_body(text), Ok(bytes), "{text:?}");
        }
        for text in ["", "1", "1MB", "63KiB", "26MiB", "-1MiB", "99999999999999999999MiB"] {
            let fault = hook_body(text).expect_err(text);
            assert!(fault.contains("from 64KiB to 25MiB"), "{fault}");
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        assert_eq!(network("10.1.0.0/16").expect("fine").to_string(), "10.1.0.0/16");
        assert_eq!(network("127.0.0.1").expect("fine").to_string(), "127.0.0.1/32");
        assert_eq!(network("::1").expect("fine").to_string(), "::1/128");
        for text in ["", "proxy", "10.0.0.0/33", "10.0.0.1:80"] {
            network(text).expect_err(text);
        }
    }
}
