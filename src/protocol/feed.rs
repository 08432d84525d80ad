//! The feed: its entries, what a program publishes, and the pages and control events of `/api/events`.

use serde::{Deserialize, Serialize};

use super::{
    cursor::{Cursor, Offset},
    json::{Decode, Json, decode, field, members},
    problem::{Code, Rejection},
    text::{check_length, count_characters},
};

/// Most entries in one `POST`: what one commit takes without making others wait.
pub const PUBLISH_MAX_ENTRIES: usize = 100;

const TITLE_MAX_CHARACTERS: usize = 200;
const TEXT_MAX_CHARACTERS: usize = 4_000;
const WORD_MAX_CHARACTERS: usize = 64; // a tag, a unit, a key
const TAGS_MAX: usize = 10;
const LINK_MAX_CHARACTERS: usize = 2_000;

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
pub struct Page {
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
    /// The newest other entries, oldest first.
    pub notices: Vec<Entry>,
    /// Older notices are there.
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

impl Decode for Level {
    fn decode(json: &impl Json) -> Option<Self> {
        match json.text()?.as_str() {
            "info" => Some(Self::Info),
            "success" => Some(Self::Success),
            "warning" => Some(Self::Warning),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}

impl Decode for Body {
    fn decode(json: &impl Json) -> Option<Self> {
        Some(match field::<String>(json, "type")?.as_str() {
            "update" => members!(json => Self::Update { value, unit, key }),
            "notification" => Self::Notification {
                title: field(json, "title")?,
                text: field(json, "text")?,
                level: field(json, "level")?,
                tags: field::<Option<_>>(json, "tags")?.unwrap_or_default(),
                link: field(json, "link")?,
                key: field(json, "key")?,
            },
            "progress" => members!(json => Self::Progress { key, done, total, text }),
            _ => return None,
        })
    }
}

impl Decode for Entry {
    fn decode(json: &impl Json) -> Option<Self> {
        Some(Self {
            body: Body::decode(json)?,
            channel: field(json, "channel")?,
            offset: field(json, "offset")?,
            timestamp: field(json, "timestamp")?,
        })
    }
}

impl Decode for Event {
    fn decode(json: &impl Json) -> Option<Self> {
        Some(match field::<String>(json, "type")?.as_str() {
            "connected" => Self::Control(members!(json => Control::Connected { timestamp, head })),
            "reset" => Self::Control(members!(json => Control::Reset { cursor, timestamp })),
            _ => Self::Entry(Entry::decode(json)?),
        })
    }
}

decode! {
    Page { events, cursor, more, reset }
    Snapshot { cursor, values, notices, more }
}

/// What a program publishes: a [`Body`] within the limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication(Body);

impl Publication {
    /// Reads one object of the JSON body. Without a `type` it is a notification.
    pub fn from_json(mut value: serde_json::Value) -> Result<Self, Rejection> {
        let Some(object) = value.as_object_mut() else {
            return Err(Rejection::new(
                Code::BadRequest,
                "An entry is a JSON object, or an array of objects.",
            ));
        };
        object.entry("type").or_insert_with(|| "notification".into());
        let body = serde_json::from_value(value).map_err(|error| {
            Rejection::new(Code::BadRequest, format!("The entry is not well formed: {error}."))
        })?;
        Self::new(body)
    }

    /// Checks every part of `body` against its limit.
    pub fn new(body: Body) -> Result<Self, Rejection> {
        check_word("key", body.key())?;
        match &body {
            Body::Update { unit, .. } => check_word("unit", unit.as_deref())?,
            Body::Notification { title, text, tags, link, .. } => {
                check_notification(title.as_deref(), text, tags, link.as_deref())?;
            }
            Body::Progress { done, total, text, .. } => {
                if !(*total > 0.0 && (0.0..=*total).contains(done)) {
                    return Err(bad("done counts from 0 up to total, and total is above 0"));
                }
                text.as_deref().map_or(Ok(()), |text| check_length(text, TEXT_MAX_CHARACTERS))?;
            }
        }
        Ok(Self(body))
    }

    /// What shall be stored.
    pub fn body(&self) -> &Body {
        &self.0
    }
}

fn check_notification(
    title: Option<&str>,
    text: &str,
    tags: &[String],
    link: Option<&str>,
) -> Result<(), Rejection> {
    title.map_or(Ok(()), |title| check_length(title, TITLE_MAX_CHARACTERS))?;
    if title.is_none() || !text.is_empty() {
        check_length(text, TEXT_MAX_CHARACTERS)?;
    }
    if tags.len() > TAGS_MAX {
        return Err(bad(&format!("at most {TAGS_MAX} tags are taken")));
    }
    tags.iter().try_for_each(|tag| check_word("tag", Some(tag)))?;
    let Some(link) = link else { return Ok(()) };
    // Anything else, javascript: above all, would run or mislead when a reader clicks it.
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    if !is_web
        || count_characters(link) > LINK_MAX_CHARACTERS
        || link.chars().any(|c| c.is_control() || c == ' ')
    {
        return Err(bad(&format!(
            "link is an http or https address of at most {LINK_MAX_CHARACTERS} characters"
        )));
    }
    Ok(())
}

fn check_word(name: &str, word: Option<&str>) -> Result<(), Rejection> {
    match word {
        Some(word) if !(1..=WORD_MAX_CHARACTERS).contains(&count_characters(word)) => {
            Err(bad(&format!("a {name} has 1 to {WORD_MAX_CHARACTERS} characters")))
        }
        _ => Ok(()),
    }
}

fn bad(what: &str) -> Rejection {
    Rejection::new(Code::BadRequest, format!("The entry is not well formed: {what}."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            let published = Publication::from_json(json).expect("fine");
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

    #[test]
    fn an_object_without_type_is_a_notification() {
        let publication = Publication::from_json(json!({"text": "backup done"})).expect("fine");
        assert!(matches!(publication.body(), Body::Notification { text, .. } if text == "backup done"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for value in [
            json!([]),
            json!("text"),
            json!({}),
            json!({"text": ""}),
            json!({"type": "dance"}),
            json!({"type": "update"}),
            json!({"type": "update", "value": "1"}),
            json!({"type": "update", "value": 1, "unit": "x".repeat(65)}),
            json!({"type": "progress", "key": "k", "done": 3, "total": 2}),
            json!({"type": "progress", "key": "", "done": 1, "total": 2}),
            json!({"text": "hi", "link": "javascript:alert(1)"}),
            json!({"text": "hi", "tags": vec!["t"; 11]}),
            json!({"text": "x".repeat(4_001)}),
        ] {
            assert!(Publication::from_json(value.clone()).is_err(), "{value}");
        }
    }
}
