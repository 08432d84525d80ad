//! An event of the feed in a few words, for the parts and pages that only the server draws: beside a message that quotes it,
//! on its own page, and on the board. The feed's list has its own view, which browsers draw too.

use leptos::prelude::*;

use crate::{
    app::{
        i18n::{Language, Texts},
        model::number::short,
    },
    protocol::{
        feed::{Body, Entry, Level, ProgressState},
        text::clean,
    },
    server::markdown::plain_text,
};

/// The words of an event, as plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server::http) struct EventState {
    /// The level: the urgency of the event.
    pub(in crate::server::http) level: Level,
    /// The word for its state; `None`: nothing is to be said about it.
    pub(in crate::server::http) word: Option<&'static str>,
    /// One line.
    pub(in crate::server::http) title: String,
    /// The rest of the text; may be empty.
    pub(in crate::server::http) text: String,
}

impl EventState {
    /// The words of an event in a language, without characters that a document cannot hold: an old database may have some.
    pub(in crate::server::http) fn of(language: Language, entry: &Entry) -> Self {
        let Self { level, word, title, text } = Self::as_stored(language, entry);
        Self { level, word, title: clean(&title).into_owned(), text: clean(&text).into_owned() }
    }

    fn as_stored(language: Language, entry: &Entry) -> Self {
        let texts = language.texts();
        match &entry.body {
            Body::Notification { title, text, level, key, details, .. } => {
                // The signs of Markdown are nothing to read.
                let text = &if details.markdown { plain_text(text) } else { text.clone() };
                let (title, text) = match (title, text.split_once('\n'), key) {
                    (Some(title), ..) => (title.clone(), text.clone()),
                    (None, Some((first, rest)), _) => (first.to_owned(), rest.to_owned()),
                    (None, None, Some(key)) if text.is_empty() => (key.clone(), String::new()),
                    (None, None, _) => (text.clone(), String::new()),
                };
                Self { level: *level, word: level_word(texts, *level), title, text }
            }
            Body::Progress { key, done, total, state, text } => {
                let (level, word) = match state {
                    ProgressState::Running => (Level::Info, None),
                    ProgressState::Paused => (Level::Info, Some(texts.progress_paused)),
                    ProgressState::Failed => (Level::Error, Some(texts.progress_failed)),
                    ProgressState::Done => (Level::Success, Some(texts.progress_done)),
                };
                let amount = match total {
                    Some(total) => format!("{} / {}", short(*done), short(*total)),
                    None => short(*done),
                };
                let text = text.as_ref().map_or_else(|| amount.clone(), |text| format!("{amount} · {text}"));
                Self { level, word, title: key.clone(), text }
            }
            Body::Update { .. } => {
                Self { level: Level::Info, word: None, title: String::new(), text: String::new() }
            }
        }
    }
}

/// The word for a level that asks for attention.
fn level_word(texts: &'static Texts, level: Level) -> Option<&'static str> {
    match level {
        Level::Info => None,
        Level::Success => Some(texts.level_success),
        Level::Warning => Some(texts.level_warning),
        Level::Error => Some(texts.level_error),
    }
}

/// The badge with the word, if there is one.
pub(in crate::server::http) fn badge(state: &EventState) -> impl IntoView + use<> {
    let level = state.level.as_str();
    state.word.map(|word| view! { <span class="badge" data-level=level>{word}</span> })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn words(body: Value) -> (Option<&'static str>, String, String) {
        let mut body = body;
        body["channel"] = json!("ops");
        body["offset"] = json!(1);
        body["timestamp"] = json!(0);
        let entry = serde_json::from_value(body).expect("an entry");
        let EventState { word, title, text, .. } = EventState::of(Language::En, &entry);
        (word, title, text)
    }

    #[test]
    fn an_event_has_one_line_and_the_rest() {
        let notification = |title: Option<&str>, text: &str, key: Option<&str>| {
            words(
                json!({ "type": "notification", "title": title, "text": text, "level": "error", "key": key }),
            )
        };
        let expected = |title: &str, text: &str| (Some("Error"), title.to_owned(), text.to_owned());
        assert_eq!(notification(Some("Disk"), "full\nat once", None), expected("Disk", "full\nat once"));
        assert_eq!(notification(None, "full\nat once", None), expected("full", "at once"));
        assert_eq!(notification(None, "full", Some("disk")), expected("full", ""));
        assert_eq!(notification(None, "", Some("disk")), expected("disk", ""));
        let progress = json!({ "type": "progress", "key": "import", "done": 3, "total": 7, "text": "users" });
        assert_eq!(words(progress), (None, "import".to_owned(), "3 / 7 · users".to_owned()));
    }
}
