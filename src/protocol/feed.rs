//! The feed: its entries, and the pages and control events of `/api/events`. Server and browser use them; `publication`
//! parses the entries that programs send.

mod filter;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::value::RawValue;

pub use self::filter::EventFilter;
use super::{
    cursor::{Cursor, Offset},
    mark::UserRoom,
    problem::{MISSING, UNKNOWN_TYPE},
};

/// The urgency of a notification, in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

impl Level {
    /// Every level, in ascending order.
    pub const ALL: [Self; 4] = [Self::Info, Self::Success, Self::Warning, Self::Error];

    /// The level as written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The state of a piece of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressState {
    /// It goes on.
    #[default]
    Running,
    /// It waits.
    Paused,
    /// It ended, and not well.
    Failed,
    /// It ended well.
    Done,
}

impl ProgressState {
    /// The state as written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }

    /// Returns true for what goes on, which need not be said.
    pub fn is_running(&self) -> bool {
        *self == Self::Running
    }
}

/// The content of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", try_from = "Members")]
pub enum Body {
    /// A measured value.
    Update {
        /// The number.
        value: f64,
        /// The unit, such as `MB`.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// The series within the channel; values without a key are a series too.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// Something happened.
    Notification {
        /// One line.
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// The full text.
        text: String,
        /// The urgency.
        level: Level,
        /// Keywords.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
        /// An `http` or `https` address with more about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        link: Option<String>,
        /// A later entry with the same key replaces it on the page.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The rest, which only some senders have.
        #[serde(flatten)]
        details: Details,
    },
    /// A piece of work is under way.
    Progress {
        /// The piece of work; the newest entry of a key represents it.
        key: String,
        /// The amount that is done …
        done: f64,
        /// … of this total, if it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<f64>,
        /// Its state.
        #[serde(skip_serializing_if = "ProgressState::is_running")]
        state: ProgressState,
        /// The current step.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

/// The members of a notification that senders to ntfy have (`server/http/compat/ntfy`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// The priority from 1 to 5, which is finer than the level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// The `http` or `https` address of a picture. No page of ours loads it: it stands on another site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The text is Markdown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub markdown: bool,
    /// The HTML of that Markdown, by the server. It is never stored, and none of a sender is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// More links, each with a label of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// The choices of a question, of which somebody takes one: then the answer takes the question's place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The choice that was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The name of the person who took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// It says nothing but that what had its key is gone: no page shows either.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// A link of a notification with its label. Only who clicks it follows it; the server never does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// One line.
    pub label: String,
    /// An `http` or `https` address.
    pub url: String,
}

impl Body {
    /// The key. Entries with the same key in the same channel replace each other on the page.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Update { key, .. } | Self::Notification { key, .. } => key.as_deref(),
            Self::Progress { key, .. } => Some(key),
        }
    }

    /// Returns true for the deletion of what had its key.
    pub fn is_deletion(&self) -> bool {
        matches!(self, Self::Notification { details: Details { deleted: true, .. }, .. })
    }

    /// Returns true for a value: there are many, and only the recent ones matter.
    pub fn is_update(&self) -> bool {
        matches!(self, Self::Update { .. })
    }
}

/// An entry of the feed as every reader gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Members")]
pub struct Entry {
    /// The content; its `type` comes first on the wire.
    #[serde(flatten)]
    pub body: Body,
    /// The channel it was published to.
    pub channel: String,
    /// Its offset in the feed.
    pub offset: Offset,
    /// The time at which the server accepted it, in milliseconds since the Unix epoch.
    pub timestamp: i64,
}

impl Entry {
    /// Returns true if this entry replaces an older one on the page.
    pub fn replaces(&self, older: &Self) -> bool {
        self.body.key().is_some() && self.channel == older.channel && self.body.key() == older.body.key()
    }
}

/// A page of entries, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryPage {
    /// The entries, ascending by offset.
    pub events: Vec<Entry>,
    /// The cursor from which to read on: pass it as `before` when the page was read backwards, else as `after`. The
    /// newest page's is the head; to page back from there, pass its epoch with the offset of its first entry as
    /// `before`.
    pub cursor: Cursor,
    /// More entries exist in the direction that was read; after the newest page: older ones.
    pub more: bool,
    /// The requested cursor could not be honoured: entries after it are gone.
    pub reset: bool,
}

/// The state of the feed from which a page starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The cursor from which to follow the feed.
    pub cursor: Cursor,
    /// The newest values of each channel, oldest first.
    pub values: Vec<Entry>,
    /// The newest notifications: entries of any other kind, oldest first.
    #[serde(rename = "notices")]
    pub notifications: Vec<Entry>,
    /// Older notifications exist.
    pub more: bool,
    /// The filter that the notifications pass, and that those that arrive are to pass. (Absent in the version before.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<EventFilter>,
}

impl Snapshot {
    /// The most channels with values on a page: those with the newest values.
    pub const CHANNELS: usize = 12;
    /// The newest values of each channel in a snapshot: they fill the plots of four series.
    pub const VALUES: usize = 240;
}

/// An event of a stream that is not an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Control {
    /// The stream is open.
    Connected {
        /// The server's time.
        timestamp: i64,
        /// The feed's newest offset: a reader at this offset has caught up.
        head: Offset,
    },
    /// The reader's cursor could not be honoured.
    Reset {
        /// Every retained entry after this cursor follows.
        cursor: Cursor,
        /// The server's time.
        timestamp: i64,
    },
    /// The state of rooms, for a reader who asked for it: as [`super::chat::ServerFrame::Unread`].
    Unread {
        /// The rooms.
        rooms: Vec<UserRoom>,
        /// The list of rooms has changed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        list: bool,
    },
}

/// One event of the stream.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are entries")]
pub enum Event {
    /// An event about the stream.
    Control(Control),
    /// An entry of the feed.
    Entry(Entry),
    /// An entry that only a newer build can read.
    Unreadable(UnreadableEntry),
}

/// The position of an entry that a newer build wrote in a way that this one does not know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UnreadableEntry {
    /// The channel it was published to.
    pub channel: String,
    /// Its offset in the feed.
    pub offset: Offset,
}

/// The members of every entry and every control event, side by side as they are on the wire.
///
/// serde would read a type with `tag`, `flatten` or `untagged` by way of a buffer, by code that is compiled once more
/// for each of the types within it. From these members one derived reader serves all types of this module.
#[derive(Deserialize)]
struct Members {
    r#type: String,
    channel: Option<String>,
    offset: Option<Offset>,
    timestamp: Option<i64>,
    value: Option<f64>,
    unit: Option<String>,
    key: Option<String>,
    title: Option<String>,
    text: Option<String>,
    #[serde(default)]
    level: Level,
    #[serde(default)]
    tags: Vec<String>,
    link: Option<String>,
    /// Read as the other numbers are: a reader of `u8` would be one more in the browser's module.
    priority: Option<Offset>,
    icon: Option<String>,
    #[serde(default)]
    markdown: bool,
    html: Option<String>,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    choices: Vec<String>,
    answer: Option<String>,
    answered_by: Option<String>,
    #[serde(default)]
    deleted: bool,
    done: Option<f64>,
    total: Option<f64>,
    #[serde(default)]
    state: ProgressState,
    head: Option<Offset>,
    cursor: Option<Cursor>,
    #[serde(default)]
    rooms: Vec<UserRoom>,
    #[serde(default)]
    list: bool,
}

impl TryFrom<Members> for Body {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, Self::Error> {
        let Members { value, unit, key, title, text, level, tags, link, done, total, state, .. } = members;
        let details = Details {
            priority: members.priority.and_then(|priority| u8::try_from(priority).ok()),
            icon: members.icon,
            markdown: members.markdown,
            html: members.html,
            actions: members.actions,
            choices: members.choices,
            answer: members.answer,
            answered_by: members.answered_by,
            deleted: members.deleted,
        };
        Ok(match &*members.r#type {
            "update" => Self::Update { value: value.ok_or(MISSING)?, unit, key },
            "notification" => {
                Self::Notification { title, text: text.unwrap_or_default(), level, tags, link, key, details }
            }
            "progress" => {
                let (key, done) = (key.ok_or(MISSING)?, done.ok_or(MISSING)?);
                Self::Progress { key, done, total, state, text }
            }
            _ => return Err(UNKNOWN_TYPE),
        })
    }
}

impl TryFrom<Members> for Entry {
    type Error = &'static str;

    fn try_from(mut members: Members) -> Result<Self, Self::Error> {
        Ok(Self {
            channel: members.channel.take().ok_or(MISSING)?,
            offset: members.offset.ok_or(MISSING)?,
            timestamp: members.timestamp.ok_or(MISSING)?,
            body: Body::try_from(members)?,
        })
    }
}

impl TryFrom<Members> for Event {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, Self::Error> {
        let Members { timestamp, head, cursor, .. } = &members;
        let timestamp = timestamp.ok_or(MISSING);
        Ok(match &*members.r#type {
            "connected" => {
                Self::Control(Control::Connected { timestamp: timestamp?, head: head.ok_or(MISSING)? })
            }
            "reset" => {
                let cursor = cursor.clone().ok_or(MISSING)?;
                Self::Control(Control::Reset { cursor, timestamp: timestamp? })
            }
            "unread" => Self::Control(Control::Unread { rooms: members.rooms, list: members.list }),
            _ => Self::Entry(Entry::try_from(members)?),
        })
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <Box<RawValue>>::deserialize(deserializer)?;
        Self::parse(json.get()).map_err(D::Error::custom)
    }
}

impl Event {
    /// Parses an event. One with an offset that this build cannot read is [`Self::Unreadable`].
    pub fn parse(json: &str) -> serde_json::Result<Self> {
        let members = serde_json::from_str::<Members>(json);
        let event = members.and_then(|members| Self::try_from(members).map_err(Error::custom));
        event.or_else(|error| serde_json::from_str(json).map(Self::Unreadable).map_err(|_| error))
    }

    /// The offset, if it is an entry.
    pub fn offset(&self) -> Option<Offset> {
        match self {
            Self::Control(_) => None,
            Self::Entry(Entry { offset, .. }) | Self::Unreadable(UnreadableEntry { offset, .. }) => {
                Some(*offset)
            }
        }
    }
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
    fn a_value_survives_storing_and_reading() {
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
        for entry in [
            r#"{"type":"picture","url":"/a","channel":"ops","offset":1,"timestamp":5}"#,
            r#"{"type":"update","value":"high","channel":"ops","offset":1,"timestamp":5}"#,
        ] {
            let event: Event = serde_json::from_str(entry).expect("well formed");
            assert!(matches!(event, Event::Unreadable(_)), "{entry}");
            assert_eq!(event.offset(), Some(1));
        }
    }
}
