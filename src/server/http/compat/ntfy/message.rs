//! Messages in ntfy's shape: what is published and followed. `publish` answers with one, `follow` writes them. Every
//! format is made of them here.

use serde::Serialize;

use super::message_id;
use crate::{
    protocol::{
        cursor::{Cursor, Epoch},
        feed::{Action, Body, Details, Entry, Level, ProgressState},
    },
    server::{emoji, feed::scheduled::Scheduled},
};

/// One message or event.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Message {
    pub(super) id: String,
    /// In seconds since the Unix epoch.
    pub(super) time: i64,
    pub(super) event: &'static str,
    pub(super) topic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequence_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// 3, the usual one, is left out, as ntfy does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) click: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) icon: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) actions: Vec<View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<&'static str>,
}

/// A link, as an action that opens it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct View {
    id: String,
    action: &'static str,
    label: String,
    url: String,
    clear: bool,
}

/// ntfy's usual priority.
pub(super) const USUAL_PRIORITY: u8 = 3;
/// The priority of a progress that has not ended: apps show it without a sound.
const QUIET_PRIORITY: u8 = 1;
/// The names of events.
pub(super) const MESSAGE: &str = "message";
const DELETE: &str = "message_delete";
const OPEN: &str = "open";
const KEEP_ALIVE: &str = "keepalive";

impl Message {
    /// The message of an entry; `None` for a measured value, which is no news to a person.
    pub(super) fn of(epoch: &Epoch, entry: Entry) -> Option<Self> {
        let id = message_id::encode(epoch, entry.offset);
        let message = Self {
            time: entry.timestamp.div_euclid(1_000),
            event: MESSAGE,
            topic: entry.channel,
            ..Self::default()
        };
        let message = match entry.body {
            Body::Update { .. } => return None,
            Body::Progress { key, done, total, state, text } => {
                let amount = total.map_or_else(|| done.to_string(), |total| format!("{done} / {total}"));
                let state_word = (!state.is_running()).then(|| state.as_str().to_owned());
                let parts = [state_word, Some(amount), text].into_iter().flatten();
                // Its end is news.
                let is_quiet = matches!(state, ProgressState::Running | ProgressState::Paused);
                Self {
                    message: Some(parts.collect::<Vec<_>>().join(" · ")),
                    title: Some(key.clone()),
                    sequence_id: Some(key),
                    priority: is_quiet.then_some(QUIET_PRIORITY),
                    ..message
                }
            }
            Body::Notification { key, details: Details { deleted: true, .. }, .. } => {
                Self { event: DELETE, sequence_id: key, ..message }
            }
            Body::Notification { title, text, level, tags, link, key, details } => {
                let Details { priority, icon, markdown, actions, .. } = details;
                // Every client shows the message, and not all a title without one.
                let (title, text) = match title {
                    Some(title) if text.is_empty() => (None, title),
                    title => (title, text),
                };
                Self {
                    sequence_id: key,
                    title,
                    message: Some(text),
                    priority: priority.or_else(|| priority_of(level)).filter(|one| *one != USUAL_PRIORITY),
                    tags: tags.into_iter().map(short_code).collect(),
                    click: link,
                    icon,
                    actions: actions.into_iter().enumerate().map(|(n, one)| View::of(&id, n, one)).collect(),
                    content_type: markdown.then_some("text/markdown"),
                    ..message
                }
            }
        };
        Some(Self { id, ..message })
    }

    /// A message that waits for its time.
    pub(super) fn scheduled(scheduled: &Scheduled) -> Self {
        let message = Self::of(&Epoch::unwritten(), scheduled.entry()).expect("it is a notification");
        Self { id: scheduled.id.clone(), ..message }
    }

    /// The first event of a stream.
    pub(super) fn open(at: &Cursor, topics: &str, now_ms: i64) -> Self {
        Self::event(OPEN, at, topics, now_ms)
    }

    /// The event that says that a stream is alive.
    pub(super) fn keep_alive(at: &Cursor, topics: &str, now_ms: i64) -> Self {
        Self::event(KEEP_ALIVE, at, topics, now_ms)
    }

    /// The message to a reader whose history is gone. Its id is the position from which the reader goes on.
    pub(super) fn loss(at: &Cursor, topic: &str, now_ms: i64) -> Self {
        Self {
            title: Some("Messages are missing".to_owned()),
            message: Some(
                "Some older messages were removed before this reader came back for them.".to_owned(),
            ),
            ..Self::event(MESSAGE, at, topic, now_ms)
        }
    }

    fn event(event: &'static str, at: &Cursor, topic: &str, now_ms: i64) -> Self {
        let id = message_id::encode(&at.epoch, at.offset);
        Self { id, time: now_ms.div_euclid(1_000), event, topic: topic.to_owned(), ..Self::default() }
    }

    /// Returns true if it says that an earlier message is gone.
    pub(super) fn is_deletion(&self) -> bool {
        self.event == DELETE
    }

    /// The JSON in one line.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }

    /// The text in one line; an event without a text is an empty one.
    pub(super) fn to_line(&self) -> String {
        self.message.as_deref().unwrap_or_default().replace('\n', " ") + "\n"
    }

    /// The server-sent event. Its id lets a browser resume.
    pub(super) fn to_sse(&self) -> String {
        let event = if self.event == MESSAGE { String::new() } else { format!("event: {}\n", self.event) };
        format!("id: {}\n{event}data: {}\n\n", self.id, self.to_json())
    }
}

impl View {
    fn of(message: &str, number: usize, action: Action) -> Self {
        let Action { label, url } = action;
        Self { id: format!("{message}-{}", number + 1), action: "view", label, url, clear: false }
    }
}

/// The priority of a notification that has none of its own.
fn priority_of(level: Level) -> Option<u8> {
    match level {
        Level::Error => Some(5),
        Level::Warning => Some(4),
        Level::Info | Level::Success => None,
    }
}

/// A tag as ntfy's clients expect it: an emoji by its short code.
fn short_code(tag: String) -> String {
    emoji::shortcode_of(&tag).map_or(tag, str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(body: serde_json::Value) -> Option<serde_json::Value> {
        let body = serde_json::from_value(body).expect("a body");
        let entry = Entry { body, channel: "ops".into(), offset: 7, timestamp: 1_795_000_000_999 };
        let message = Message::of(&Epoch::parse("0123456789ab").expect("an epoch"), entry)?;
        serde_json::to_value(message).ok()
    }

    #[test]
    fn a_notification_is_a_message_in_ntfys_shape() {
        let url = "https://a.example/";
        let mut found = message(json!({
            "type": "notification", "title": "Disk", "text": "full", "level": "warning", "priority": 2, "key": "disk",
            "tags": ["⚠️", "db-1"], "link": url, "icon": url, "markdown": true,
            "actions": [{ "label": "Open", "url": url }],
        }))
        .expect("a message");
        let id = found["id"].as_str().expect("a text").to_owned();
        found["id"] = json!("ID");
        assert_eq!(
            found,
            json!({
                "id": "ID", "time": 1_795_000_000, "event": "message", "topic": "ops", "sequence_id": "disk",
                "title": "Disk", "message": "full", "priority": 2, "tags": ["warning", "db-1"], "click": url,
                "icon": url, "content_type": "text/markdown",
                "actions": [{ "id": format!("{id}-1"), "action": "view", "label": "Open", "url": url, "clear": false }],
            })
        );
    }

    #[test]
    fn what_other_senders_publish_has_a_shape_too() {
        let error =
            message(json!({ "type": "notification", "title": "Down", "level": "error" })).expect("one");
        assert_eq!((&error["message"], &error["priority"]), (&json!("Down"), &json!(5)));
        assert!(error.get("title").is_none());
        let usual = message(json!({ "type": "notification", "text": "x", "priority": 3 })).expect("one");
        assert!(usual.get("priority").is_none());
        let job =
            message(json!({ "type": "progress", "key": "import", "done": 3, "total": 10 })).expect("one");
        assert_eq!((&job["message"], &job["sequence_id"]), (&json!("3 / 10"), &json!("import")));
        assert_eq!(job["priority"], 1);
        let ended =
            json!({ "type": "progress", "key": "import", "done": 7, "state": "failed", "text": "disk" });
        let job = message(ended).expect("one");
        assert_eq!(job["message"], "failed · 7 · disk");
        assert!(job.get("priority").is_none(), "it is news");
        assert!(message(json!({ "type": "update", "value": 1.5 })).is_none());
        let mut gone =
            message(json!({ "type": "notification", "key": "disk", "deleted": true })).expect("one");
        gone["id"] = json!("ID");
        let expected = json!({
            "id": "ID", "time": 1_795_000_000, "event": "message_delete", "topic": "ops", "sequence_id": "disk",
        });
        assert_eq!(gone, expected);
    }

    #[test]
    fn events_have_their_form_in_each_format() {
        let at: Cursor = "0123456789ab:7".parse().expect("a cursor");
        let open = Message::open(&at, "a,b", 5_000);
        let json = format!(r#"{{"id":"{}","time":5,"event":"open","topic":"a,b"}}"#, open.id);
        assert_eq!((open.to_json(), open.to_line()), (json.clone(), "\n".to_owned()));
        assert_eq!(open.to_sse(), format!("id: {}\nevent: open\ndata: {json}\n\n", open.id));
        let message = Message { event: MESSAGE, message: Some("a\nb".into()), ..open };
        assert_eq!(message.to_line(), "a b\n");
        assert!(!message.to_sse().contains("event: "));
    }
}
