//! The names of ntfy's topics: a topic is a channel of the feed. Only the router's first path segments are no topics.

use super::fault::{Fault, TOPIC, TOPIC_DISALLOWED};
use crate::protocol::name::parse_channel;

/// The first segments of this server's own addresses: what is sent there is not for a topic. A test compares them with
/// the routes.
const RESERVED: [&str; 44] = [
    "account",
    "actions",
    "api",
    "aside",
    "channels",
    "density",
    "favicon.svg",
    "favourites",
    "feed",
    "files",
    "fn",
    "health",
    "healthz",
    "heartbeats",
    "hooks",
    "icons",
    "join",
    "language",
    "manifest.webmanifest",
    "mentions",
    "message",
    "metrics",
    "name",
    "notifications",
    "outgoing",
    "people",
    "ping",
    "pkg",
    "publishers",
    "readyz",
    "reports",
    "reset",
    "rooms",
    "service-worker.js",
    "search",
    "share",
    "sign-in",
    "sign-out",
    "socket.io",
    "status",
    "theme",
    "v1",
    "version",
    "ws",
];

/// The most topics of one reader: each costs a look at every entry.
const TOPICS_MAX: usize = 50;

/// The ends of the addresses at which programs read topics, or publish by GET.
const ENDS: [&str; 8] = ["auth", "json", "publish", "raw", "send", "sse", "trigger", "ws"];

/// Returns true for the path of one of these addresses.
pub(super) fn is_of_topics(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    matches!(parts[..], [topics, end] if ENDS.contains(&end) && !RESERVED.contains(&topics))
}

/// Parses the name of one topic.
pub(super) fn parse(text: &str) -> Result<String, Fault> {
    if RESERVED.contains(&text) {
        let reason =
            format!("{text} is the beginning of other addresses of this server; choose another name");
        return Err(Fault::new(TOPIC_DISALLOWED, reason));
    }
    parse_channel(text).map_err(|rejection| Fault::new(TOPIC, rejection.message))
}

/// Parses the topics of a reader: `a,b`.
pub(super) fn parse_list(list: &str) -> Result<Vec<String>, Fault> {
    let mut topics: Vec<String> = Vec::new();
    for topic in list.split(',') {
        let topic = parse(topic)?;
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    match topics.len() {
        0..=TOPICS_MAX => Ok(topics),
        _ => Err(Fault::new(TOPIC, format!("one reader follows at most {TOPICS_MAX} topics"))),
    }
}
