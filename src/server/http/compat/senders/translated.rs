//! An event of a sender, between its JSON and what is stored. The senders' files and other doors make it; it is stored as a
//! notification of a channel or as a message of a room.
//!
//! In a room its texts are escaped, because they are plain or come from anybody who may open an issue: they must not look like
//! a message's own markup, and must never mention people of the room.

use crate::{
    protocol::{
        feed::{Body, Details, Level},
        problem::Rejection,
        publication::{
            Publication, TAGS_MAX, TEXT_MAX_CHARACTERS, TITLE_MAX_CHARACTERS, WORD_MAX_CHARACTERS,
        },
        text::{clean_line, is_blank},
    },
    server::{
        auth::hash,
        chat::HookMessage,
        http::compat::bounds::{cut, is_address, silenced, within_message},
    },
};

/// The end of a text that was cut.
const CUT: &str = "\n… (cut)";

/// An event.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::server::http::compat) struct Translated {
    /// One good line.
    pub(in crate::server::http::compat) title: String,
    /// More than that, if there is more.
    pub(in crate::server::http::compat) text: String,
    /// The text is Markdown.
    pub(in crate::server::http::compat) markdown: bool,
    /// The level.
    pub(in crate::server::http::compat) level: Level,
    /// The urgency, from 1 to 5, if the sender gives one.
    pub(in crate::server::http::compat) priority: Option<u8>,
    /// The page about it at the sender.
    pub(in crate::server::http::compat) link: Option<String>,
    /// A few words by which one finds it.
    pub(in crate::server::http::compat) tags: Vec<String>,
    /// Of events with the same key the newest stands for all: the states of one run, or of one alert.
    pub(in crate::server::http::compat) key: Option<String>,
    /// A text that the event has whenever it is sent, by which a repetition is known.
    pub(in crate::server::http::compat) once: Option<String>,
}

impl Translated {
    /// The event as a notification; `label`: the title of one that has none.
    pub(in crate::server::http::compat) fn publication(&self, label: &str) -> Result<Publication, Rejection> {
        let tags = self.tags.iter().map(|tag| clean_line(tag)).filter(|tag| !is_blank(tag));
        let body = Body::Notification {
            title: Some(self.title_or(label)),
            text: cut(self.text.trim(), TEXT_MAX_CHARACTERS, CUT),
            level: self.level,
            tags: tags.take(TAGS_MAX).map(|tag| cut(&tag, WORD_MAX_CHARACTERS, "…")).collect(),
            link: self.web_link(),
            key: self.short_key(),
            details: Details { priority: self.priority, markdown: self.markdown, ..Details::default() },
        };
        Publication::new(body)
    }

    /// The event as a message of a room, in the thread of its key.
    pub(in crate::server::http::compat) fn message(&self, label: &str, once: Option<String>) -> HookMessage {
        let title = escaped(&self.title_or(label));
        let title = match self.web_link() {
            Some(link) => format!("**[{title}]({})**", link.replace('(', "%28").replace(')', "%29")),
            None => format!("**{title}**"),
        };
        let sign = match self.level {
            Level::Error => "🔴 ",
            Level::Warning => "🟠 ",
            Level::Success => "🟢 ",
            Level::Info => "",
        };
        let more = self.text.trim();
        let more = if self.markdown { more.to_owned() } else { escaped(more) };
        let text =
            if is_blank(&more) { format!("{sign}{title}") } else { format!("{sign}{title}\n\n{more}") };
        HookMessage {
            name: None,
            text: within_message(silenced(&text)),
            thread_key: self.short_key(),
            key: once,
        }
    }

    /// The key by which the store knows a repetition. `request`: the key of the whole request and the event's number in it.
    pub(in crate::server::http::compat) fn once(
        &self,
        sender: &str,
        request: Option<(&str, usize)>,
    ) -> Option<String> {
        let of_request = || request.map(|(key, index)| format!("{key}/{index}"));
        // Hashed, because senders' ids have no bound.
        self.once.clone().or_else(of_request).map(|once| format!("{sender}/{}", hash(&once)))
    }

    fn title_or(&self, label: &str) -> String {
        let title = clean_line(&self.title);
        cut(if is_blank(&title) { label } else { &title }, TITLE_MAX_CHARACTERS, "…")
    }

    fn web_link(&self) -> Option<String> {
        self.link.clone().filter(|link| is_address(link))
    }

    /// The key, of which the hash stands for a long one.
    fn short_key(&self) -> Option<String> {
        let key = clean_line(self.key.as_deref()?);
        let key = if key.chars().count() > WORD_MAX_CHARACTERS { hash(&key) } else { key };
        Some(key).filter(|key| !is_blank(key))
    }
}

/// A plain text in Markdown. An underscore within a word is one anyway.
fn escaped(text: &str) -> String {
    let (mut out, mut before) = (String::with_capacity(text.len() + 8), None::<char>);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_in_word = c == '_'
            && before.is_some_and(char::is_alphanumeric)
            && characters.peek().copied().is_some_and(char::is_alphanumeric);
        if matches!(c, '\\' | '*' | '_' | '`' | '~' | '[' | ']' | '|') && !is_in_word {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(title: &str, text: &str) -> Translated {
        Translated { title: title.to_owned(), text: text.to_owned(), ..Translated::default() }
    }

    #[test]
    fn in_a_room_an_event_is_its_title_with_its_level_and_link_and_its_text() {
        let event = Translated {
            level: Level::Error,
            link: Some("https://ci.example/a(b)".to_owned()),
            key: Some("run/7".to_owned()),
            ..event("*api* node_exporter [x]", "see _this_\nmail a@b.example")
        };
        let message = event.message("CI", Some("once".to_owned()));
        let expected = "🔴 **[\\*api\\* node_exporter \\[x\\]](https://ci.example/a%28b%29)**\n\nsee \\_this\\_\n\
                        mail a@\u{200a}b.example";
        assert_eq!(message.text, expected);
        assert_eq!((message.thread_key.as_deref(), message.key.as_deref()), (Some("run/7"), Some("once")));
        assert_eq!(super::Translated::default().message("CI", None).text, "**CI**");
        let markdown = Translated { markdown: true, ..self::event("t", "*b*") };
        assert_eq!(markdown.message("", None).text, "**t**\n\n*b*");
    }

    #[test]
    fn what_is_too_long_for_a_channel_is_cut_and_a_bad_link_left_out() {
        let long = Translated {
            key: Some("k".repeat(100)),
            link: Some("javascript:alert(1)".to_owned()),
            tags: vec!["y".repeat(100); 20],
            ..event(&"x".repeat(300), &"井".repeat(5_000))
        };
        let publication = long.publication("CI").expect("within the limits");
        let Body::Notification { title, text, tags, link, key, .. } = publication.body() else {
            panic!("a notification")
        };
        assert!(title.as_deref().is_some_and(|title| title.ends_with("x…")) && text.ends_with(CUT));
        assert!(tags.len() == TAGS_MAX && link.is_none());
        assert_eq!(key.as_deref().map(str::len), Some(64));
    }

    #[test]
    fn an_event_is_known_again_by_its_own_text_and_else_by_its_request() {
        let own = Translated { once: Some("d1".to_owned()), ..Translated::default() };
        assert_eq!(own.once("github", Some(("k", 0))), own.once("github", None));
        assert_ne!(own.once("github", None), own.once("gitea", None));
        let other = Translated::default();
        assert_ne!(other.once("a", Some(("k", 0))), other.once("a", Some(("k", 1))));
        assert_eq!(other.once("a", None), None);
    }
}
