//! The feed: its entries, and the pages and control events of `/api/events`. What a program publishes is read by
//! `publication.rs`.

use serde::{Deserialize, Serialize};

use super::cursor::{Cursor, Offset};

/// How much a notification wants to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    #[default]
    Info,
    /// Something ended well.
    Success,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Error,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Body {
    /// A measured value.
    Update {
        /// The number.
        value: f64,
        /// What it is in, such as `MB`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// Which of the channel's series it belongs to; none is a series too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// Something happened.
    Notification {
        /// One line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// The whole of it.
        #[serde(default)]
        text: String,
        /// How much it wants to be seen.
        #[serde(default)]
        level: Level,
        /// Words to find it by.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
        /// Where to read more: an `http` or `https` address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
        /// A later entry with the same key takes its place on the page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// Something is under way.
    Progress {
        /// Which piece of work; the newest of a key stands for it.
        key: String,
        /// How much is done …
        done: f64,
        /// … of how much.
        total: f64,
        /// What is being done right now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

impl Body {
    /// Entries with the same key in the same channel replace each other on the page.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Update { key, .. } | Self::Notification { key, .. } => key.as_deref(),
            Self::Progress { key, .. } => Some(key),
        }
    }

    /// A value: many of them come, and only the recent ones matter.
    pub fn is_update(&self) -> bool {
        matches!(self, Self::Update { .. })
    }
}

/// An entry of the feed as everybody reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it says; its `type` stands first on the wire.
    #[serde(flatten)]
    pub body: Body,
    /// The label it was published under.
    pub channel: String,
    /// Its place in the feed.
    pub offset: Offset,
    /// When the server took it, in milliseconds since the Unix epoch.
    pub timestamp: i64,
}

impl Entry {
    /// Whether this entry takes the place of an older one on the page.
    pub fn replaces(&self, older: &Self) -> bool {
        self.body.key().is_some() && self.channel == older.channel && self.body.key() == older.body.key()
    }
}

/// Entries of the feed, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryPage {
    /// Ascending by offset.
    pub events: Vec<Entry>,
    /// Where to read on: pass it as `before` when the page was read backwards, else as `after`. The newest page's is
    /// the head; to page back from it, pass its epoch with the offset of its first entry as `before`.
    pub cursor: Cursor,
    /// Further entries wait in the direction that was read; behind the newest page: older ones.
    pub more: bool,
    /// The asked-for cursor could not be honoured: entries after it are gone.
    pub reset: bool,
}

/// What the feed looks like right now: where a page starts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Follow the feed from here.
    pub cursor: Cursor,
    /// The newest values of each channel, oldest first.
    pub values: Vec<Entry>,
    /// The newest notifications: entries of any other kind, oldest first.
    #[serde(rename = "notices")]
    pub notifications: Vec<Entry>,
    /// Older notifications exist.
    pub more: bool,
}

impl Snapshot {
    /// Channels with values that a page shows: those that spoke last.
    pub const CHANNELS: usize = 12;
    /// The newest values of each channel that a page is made from: fill the plots of four series.
    pub const VALUES: usize = 240;
}

/// What a stream says besides entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Control {
    /// The stream is open.
    Connected {
        /// The server's time.
        timestamp: i64,
        /// The feed's newest offset: who has read up to here has caught up.
        head: Offset,
    },
    /// The reader's cursor could not be honoured.
    Reset {
        /// Everything after this follows.
        cursor: Cursor,
        /// The server's time.
        timestamp: i64,
    },
}

/// One event of the stream.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// About the stream.
    Control(Control),
    /// Of the feed.
    Entry(Entry),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::publication::Publication;

    #[test]
    fn an_entry_is_flat_on_the_wire() {
        let entry = Entry {
            body: Body::Update { value: 0.5, unit: None, key: Some("cpu".into()) },
            channel: "server".into(),
            offset: 7,
            timestamp: 1_000,
        };
        let text = serde_json::to_string(&entry).expect("plain data");
        assert_eq!(
            text,
            r#"{"type":"update","value":0.5,"key":"cpu","channel":"server","offset":7,"timestamp":1000}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&text).expect("the same"), entry);
    }

    #[test]
    fn a_value_is_the_same_however_often_it_is_stored_and_read() {
        for text in ["1.0761191799323735e+70", "31.245270191439438", "15650558498872093696"] {
            let value: f64 = text.parse().expect("a number");
            let json = serde_json::from_str(&format!(r#"{{"type":"update","value":{text}}}"#)).expect("JSON");
            let (published, _) = Publication::from_json(json).expect("fine");
            let stored = serde_json::to_string(published.body()).expect("plain data");
            let read: Body = serde_json::from_str(&stored).expect("the same");
            assert_eq!(read, Body::Update { value, unit: None, key: None }, "{stored}");
        }
    }

    #[test]
    fn an_event_is_a_control_or_an_entry() {
        let connected =
            serde_json::from_str(r#"{"type":"connected","timestamp":5,"head":3}"#).expect("well formed");
        assert_eq!(Event::Control(Control::Connected { timestamp: 5, head: 3 }), connected);
        let entry = r#"{"type":"notification","text":"hi","channel":"ops","offset":1,"timestamp":5}"#;
        assert!(matches!(serde_json::from_str(entry).expect("well formed"), Event::Entry(_)));
    }
}
