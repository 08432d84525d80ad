//! The payload of a push: the JSON that public/service-worker.js shows, in the language of the device. It is encrypted
//! before it leaves this server.

use serde::{Deserialize, Serialize};

use super::{encryption::TEXT_MAX_BYTES, queued::QueuedEvent};
use crate::{
    app::{i18n::Language, routes},
    protocol::feed::{Body, Entry},
    server::chat::{PushedMessage, QueuedPush},
};

/// Most characters of a text: devices show fewer.
const BODY_MAX_CHARACTERS: usize = 400;
/// Most characters of a name.
const NAME_MAX_CHARACTERS: usize = 80;

/// The reason why a person is told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reason {
    /// It mentions them.
    Mention,
    /// It is a direct message.
    Direct,
    /// They want to hear of every message.
    EveryMessage,
}

/// The members that the service worker reads.
#[derive(Debug, Serialize)]
pub struct Payload {
    title: String,
    body: String,
    /// A later push with the same tag takes the place of an earlier one on the device.
    pub(super) tag: String,
    url: String,
    lang: &'static str,
    dir: &'static str,
    timestamp: i64,
    /// The number on the app's icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u64>,
}

impl Payload {
    /// The push of a message. A repeat has the same tag.
    pub(super) fn of_message(
        push: &QueuedPush,
        message: &PushedMessage,
        reason: Reason,
        language: Language,
    ) -> Self {
        let author = cut(&message.author, NAME_MAX_CHARACTERS);
        let room = cut(message.room.as_deref().unwrap_or_default(), NAME_MAX_CHARACTERS);
        let title = match (language, reason) {
            (Language::En, Reason::Mention) => format!("{author} mentioned you in {room}"),
            (Language::Ja, Reason::Mention) => format!("{author}さんがあなたをメンションしました（{room}）"),
            (_, Reason::Direct) => author,
            (Language::En, Reason::EveryMessage) => format!("{author} in {room}"),
            (Language::Ja, Reason::EveryMessage) => format!("{author}さん（{room}）"),
        };
        Self {
            title,
            body: cut(&message.text, BODY_MAX_CHARACTERS),
            tag: format!("{}/{}", push.room, push.offset),
            url: format!("{}/{}", routes::room(&push.room), push.offset),
            lang: language.as_str(),
            dir: "auto",
            timestamp: push.timestamp,
            badge: None,
        }
    }

    /// The push of an event of the feed; without its entry the word that more came than are pushed. A repeat has the same tag.
    pub(super) fn of_event(event: &QueuedEvent, entry: Option<&Entry>, language: Language) -> Self {
        let (title, body, channel) = match (entry, language) {
            (None, Language::En) => {
                let body = "So many events came that not all are shown here. The feed has them.";
                ("More events in the feed".to_owned(), body.to_owned(), None)
            }
            (None, Language::Ja) => {
                let body = "イベントが多いため、すべては通知していません。フィードでご覧ください。";
                ("フィードに新しいイベントがあります".to_owned(), body.to_owned(), None)
            }
            (Some(entry), _) => {
                let (title, text) = texts_of(&entry.body);
                let title = cut(title, NAME_MAX_CHARACTERS);
                let title = if title.is_empty() { String::new() } else { format!(": {title}") };
                let title = format!("{}{title}", entry.channel);
                (title, cut(text, BODY_MAX_CHARACTERS), Some(entry.channel.as_str()))
            }
        };
        Self {
            title,
            body,
            tag: event.tag(),
            url: routes::feed(channel),
            lang: language.as_str(),
            dir: "auto",
            timestamp: event.timestamp,
            badge: None,
        }
    }

    /// The same with a number for the app's icon.
    pub(super) fn with_badge(self, badge: u64) -> Self {
        Self { badge: Some(badge), ..self }
    }

    /// The push by which a person tries whether pushes come.
    pub(super) fn of_test(language: Language, now_ms: i64) -> Self {
        let (title, body) = match language {
            Language::En => {
                ("Notifications work", "This is how Idobata tells you of mentions on this device.")
            }
            Language::Ja => ("通知は有効です", "この端末では、メンションがこのように通知されます。"),
        };
        Self {
            title: title.to_owned(),
            body: body.to_owned(),
            tag: "test".to_owned(),
            url: routes::NOTIFICATIONS.to_owned(),
            lang: language.as_str(),
            dir: "auto",
            timestamp: now_ms,
            badge: None,
        }
    }

    /// The seconds for which a push service keeps it, if a message is of use for `age` seconds: a minute at least. `now` is in
    /// seconds since the Unix epoch.
    pub(super) fn seconds_left(&self, age: u64, now: u64) -> u64 {
        let since = u64::try_from(self.timestamp / 1_000).unwrap_or(now);
        age.saturating_sub(now.saturating_sub(since)).max(60.min(age))
    }

    /// The JSON, which always fits.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("plain data is serialized");
        assert!(json.len() <= TEXT_MAX_BYTES, "bounded by the characters of its texts");
        json
    }
}

/// The title and the text of an event.
fn texts_of(body: &Body) -> (&str, &str) {
    match body {
        Body::Notification { title, text, .. } => (title.as_deref().unwrap_or_default(), text),
        Body::Update { .. } | Body::Progress { .. } => ("", ""),
    }
}

/// The beginning of a text, in one line.
fn cut(text: &str, max: usize) -> String {
    let is_shown = |character: &char| !character.is_control() || character.is_whitespace();
    let shown: String = text.chars().filter(is_shown).collect();
    let mut line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(max) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{feed::Level, name::RoomId};

    fn payload(text: &str, language: Language) -> Payload {
        let room = RoomId::parse("井戸").expect("fine");
        let push =
            QueuedPush { room, offset: 7, timestamp: 9, author: "a".into(), told: vec![], is_new: true };
        let message =
            PushedMessage { room: Some("井戸".into()), author: "花子".into(), text: text.into() };
        Payload::of_message(&push, &message, Reason::Mention, language)
    }

    #[test]
    fn a_push_is_what_the_service_worker_reads() {
        let json: serde_json::Value =
            serde_json::from_slice(&payload("a\n\nb\u{7}", Language::En).to_json()).expect("JSON");
        let expected = serde_json::json!({
            "title": "花子 mentioned you in 井戸", "body": "a b", "tag": "井戸/7", "url": "/rooms/%E4%BA%95%E6%88%B8/7",
            "lang": "en", "dir": "auto", "timestamp": 9,
        });
        assert_eq!(json, expected);
        assert_eq!(payload("x", Language::Ja).title, "花子さんがあなたをメンションしました（井戸）");
    }

    #[test]
    fn the_push_of_an_event_fits_and_has_the_tag_of_its_key() {
        let event = |text: &str, key: Option<&str>, offset| {
            let body = Body::Notification {
                title: Some(text.repeat(2_000)),
                text: text.repeat(20_000),
                level: Level::Error,
                tags: Vec::new(),
                link: None,
                key: key.map(|key| key.repeat(100)),
                details: Default::default(),
            };
            let entry = Entry { body, channel: "c".repeat(64), offset, timestamp: 9 };
            let cursor = format!("e:{offset}").parse().expect("a cursor");
            let queued = QueuedEvent::of(&entry, cursor).expect("a notification");
            Payload::of_event(&queued, Some(&entry), Language::En).with_badge(u64::MAX)
        };
        for text in ["\u{1F469}", "\"", "\u{1}x", "\\"] {
            for key in [None, Some(text)] {
                assert!(event(text, key, 7).to_json().len() <= TEXT_MAX_BYTES, "{text:?}");
            }
        }
        assert_eq!(event("x", Some("k"), 7).tag, event("y", Some("k"), 8).tag);
        assert_ne!(event("x", Some("k"), 7).tag, event("x", Some("l"), 7).tag);
        assert_ne!(event("x", None, 7).tag, event("x", None, 8).tag);
        let json: serde_json::Value =
            serde_json::from_slice(&event("a\n\n", None, 7).to_json()).expect("JSON");
        assert_eq!((&json["tag"], &json["badge"]), (&"feed/e:7".into(), &u64::MAX.into()));
    }

    #[test]
    fn the_longest_text_fits() {
        for text in ["\u{1F469}", "\"", "\u{1}x", "\\"] {
            let payload = payload(&text.repeat(20_000), Language::Ja);
            assert!(payload.to_json().len() <= TEXT_MAX_BYTES, "{text:?}");
            assert!(payload.body.chars().count() <= BODY_MAX_CHARACTERS + 1, "{text:?}");
        }
    }
}
