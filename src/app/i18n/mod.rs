//! The texts of the pages in two languages. The server chooses the language (cookie, then `Accept-Language`) and writes
//! it to `<html lang>`; the browser reads it there, so both render the same words.

mod en;
mod ja;

use leptos::prelude::use_context;

use super::model::room::RejectionReason;
use crate::protocol::problem::Code;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// 日本語
    Ja,
    /// English
    #[default]
    En,
}

impl Language {
    /// The cookie that stores the choice.
    pub const COOKIE: &'static str = "idobata_language";
    /// Every language, in the order of the switch on the page.
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// Parses a language tag: `ja`, `ja-JP`, `en` …
    pub fn parse(tag: &str) -> Option<Self> {
        match tag.split('-').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "ja" => Some(Self::Ja),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The tag for `<html lang>`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The language's own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ja => "日本語",
            Self::En => "English",
        }
    }

    /// The language for a request with this cookie and this `Accept-Language` (RFC 9110, 12.5.4).
    pub fn negotiate(cookie: Option<&str>, accept: Option<&str>) -> Self {
        cookie.and_then(Self::parse).or_else(|| Self::best_of(accept?)).unwrap_or_default()
    }

    fn best_of(accept: &str) -> Option<Self> {
        let mut best = None;
        for range in accept.split(',') {
            let mut parts = range.split(';');
            let Some(language) = parts.next().and_then(|tag| Self::parse(tag.trim())) else { continue };
            let quality =
                parts.find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            if quality > 0.0 && best.is_none_or(|(_, known)| quality > known) {
                best = Some((language, quality));
            }
        }
        best.map(|(language, _)| language)
    }

    /// Every text of the pages in this language.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::Ja => &ja::TEXTS,
            Self::En => &en::TEXTS,
        }
    }
}

/// The page's texts, from the context that [`super::App`] was given.
pub fn use_texts() -> &'static Texts {
    use_context::<Language>().unwrap_or_default().texts()
}

/// Every text of the pages. A field added here must be written in both languages, or it does not compile.
#[derive(Debug)]
#[expect(missing_docs, reason = "a field is named after its text, which is in en.rs and ja.rs")]
pub struct Texts {
    pub tagline: &'static str,
    pub skip_to_content: &'static str,
    pub navigation: &'static str,
    pub language: &'static str,

    pub feed: &'static str,
    pub feed_intro: &'static str,
    pub values: &'static str,
    pub values_empty: &'static str,
    pub latest: &'static str,
    pub plot_of: fn(&str, &str) -> String,
    pub show_values: &'static str,
    pub notifications: &'static str,
    pub notifications_empty: &'static str,
    pub show_more: &'static str,
    pub read_more: &'static str,
    pub level_info: &'static str,
    pub level_success: &'static str,
    pub level_warning: &'static str,
    pub level_error: &'static str,

    pub rooms: &'static str,
    pub new_room: &'static str,
    pub new_room_name: &'static str,
    pub create: &'static str,
    pub private: &'static str,
    pub members: &'static str,
    pub room_title: fn(&str) -> String,
    pub messages: &'static str,
    pub messages_empty: &'static str,
    pub earlier_messages: &'static str,
    pub message_label: fn(&str) -> String,
    pub message_placeholder: &'static str,
    pub send: &'static str,
    pub send_hint: &'static str,
    pub characters_over: fn(usize) -> String,
    pub pending: &'static str,
    pub failed: &'static str,
    pub retry: &'static str,
    pub in_seconds: fn(u64) -> String,
    pub discard: &'static str,
    pub waiting: &'static str,
    pub new_since_you_left: &'static str,
    pub to_the_latest: &'static str,
    pub new_messages: fn(usize) -> String,
    pub older_removed: &'static str,
    pub unknown_author: &'static str,

    pub people: &'static str,
    pub people_empty: &'static str,
    pub you: &'static str,
    pub today: &'static str,
    pub yesterday: &'static str,
    pub has_joined: fn(&str) -> String,
    pub has_left: fn(&str) -> String,
    pub is_typing: fn(&str) -> String,
    pub your_name: &'static str,
    pub change_name: &'static str,
    pub account: &'static str,
    pub accounts: &'static str,
    pub publishers: &'static str,
    pub limited_channels: &'static str,
    pub sign_out: &'static str,
    pub sign_in: &'static str,
    pub sign_in_to_write: &'static str,

    pub connected: &'static str,
    pub connecting: &'static str,
    pub disconnected: &'static str,
    pub signed_out: &'static str,

    pub catching_up: &'static str,
    pub unsent: fn(usize) -> String,

    pub loading: &'static str,
    pub could_not_load: &'static str,
    pub reload: &'static str,
    pub not_found_title: &'static str,
    pub not_found_text: &'static str,
    pub room_not_found: &'static str,
    pub to_the_feed: &'static str,

    pub not_live: &'static str,
    pub no_style: &'static str,

    pub theme: &'static str,
    pub theme_auto: &'static str,
    pub theme_light: &'static str,
    pub theme_dark: &'static str,
    pub density: &'static str,
    pub density_comfortable: &'static str,
    pub density_compact: &'static str,
    pub favourites: &'static str,
    pub add_favourite: &'static str,
    pub remove_favourite: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
    pub welcome: &'static str,
    pub own_menu: &'static str,
    pub menu: &'static str,
    pub show_people: &'static str,

    pub problem: fn(Code) -> &'static str,

    pub newer_version: &'static str,

    pub new_notifications: fn(usize) -> String,

    pub channels: &'static str,
    pub channel_values_empty: &'static str,
    pub show_aside: &'static str,
    pub hide_aside: &'static str,

    pub actions: &'static str,
    pub edit: &'static str,
    pub delete: &'static str,
    pub edited: &'static str,
    pub save: &'static str,
    pub cancel: &'static str,
    pub edit_label: &'static str,
    pub message_deleted: &'static str,
    pub put_back: &'static str,

    pub preview: &'static str,
    pub preview_hint: &'static str,
    pub preview_failed: &'static str,
    pub code_block: &'static str,
    pub table: &'static str,
    pub emoji: &'static str,
    pub too_many_bytes: &'static str,

    pub pin: &'static str,
    pub unpin: &'static str,
    pub pinned: &'static str,
    pub pinned_messages: &'static str,

    pub react: &'static str,
    pub reactions: &'static str,
    pub add_reaction: &'static str,
    /// People by their names, and the number of those who are not named.
    pub people_with: fn(&[String], u64) -> String,
    pub find_emoji: &'static str,
    pub no_emoji: &'static str,
    pub recent_emoji: &'static str,
    pub skin_tone: &'static str,

    pub reply: &'static str,
    pub in_reply_to: &'static str,
    pub replying_to: &'static str,
    pub do_not_reply: &'static str,
    pub answered_gone: &'static str,
    pub answer_in_thread: &'static str,
    pub thread: &'static str,
    pub close_thread: &'static str,
    pub thread_messages: &'static str,
    pub answers: fn(u64) -> String,
    pub last_answer: &'static str,
    pub answer_label: &'static str,
    pub answer_placeholder: &'static str,

    pub mark_unread: &'static str,
    pub unread_messages: fn(u64) -> String,
    pub unread_mentions: fn(u64) -> String,
    pub levels: &'static str,
    pub level_all: &'static str,
    pub level_mentions: &'static str,
    pub level_nothing: &'static str,
    pub write_message: &'static str,

    pub people_to_mention: &'static str,
    pub mention_here: &'static str,
    pub mention_room: &'static str,
    /// The note at a message whose group was not told.
    pub nobody_told: &'static str,

    pub mentions: &'static str,
    pub archived: &'static str,
    pub room_settings: &'static str,
    pub report: &'static str,
    pub direct_messages: &'static str,
    /// The page of push notifications, in the menu of a person.
    pub own_notifications: &'static str,
    pub away: &'static str,
    pub here: &'static str,
    /// The word beside the name of a program that posts to a room.
    pub bot: &'static str,
    /// Of a room without messages in which the viewer may not write.
    pub messages_none: &'static str,
    /// A piece of work that waits.
    pub progress_paused: &'static str,
    /// A piece of work that ended, and not well.
    pub progress_failed: &'static str,
    /// A piece of work that ended well.
    pub progress_done: &'static str,
    /// The page of the jobs that are expected to ping.
    pub heartbeats: &'static str,
    pub all_channels: &'static str,
    pub filter: &'static str,
    pub lowest_level: &'static str,
    /// The levels from each one on, in ascending order.
    pub levels_from: [&'static str; 4],
    pub tag: &'static str,
    pub text_part: &'static str,
    pub apply_filter: &'static str,
    pub filtered: &'static str,
    pub show_all: &'static str,
    pub nothing_matches: &'static str,
    /// The values that the server measures of itself.
    pub own_values: &'static str,
    pub search: &'static str,

    /// The link to the form for files, and the button that opens the picker.
    pub attach: &'static str,
}

impl Texts {
    /// The text of a rejection: the reason, and the wait before a retry.
    pub fn rejection(&self, RejectionReason { code, retry_after_ms }: RejectionReason) -> String {
        let mut words = (self.problem)(code).to_owned();
        if let Some(wait_ms) = retry_after_ms.filter(|_| code == Code::TooManyRequests) {
            words += &(self.in_seconds)(wait_ms.div_ceil(1_000).max(1));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_tells_when_to_try_again() {
        let reason = RejectionReason { code: Code::TooManyRequests, retry_after_ms: Some(11_001) };
        assert!(Language::En.texts().rejection(reason).ends_with("Try again in 12 seconds."));
        assert!(Language::Ja.texts().rejection(reason).contains("12秒後"));
        let soon = RejectionReason { retry_after_ms: Some(3), ..reason };
        assert!(Language::En.texts().rejection(soon).ends_with("Try again in 1 second."));
        let known = RejectionReason::new(Code::TextTooLong);
        assert_eq!(Language::En.texts().rejection(known), (en::TEXTS.problem)(Code::TextTooLong));
    }

    #[test]
    fn people_are_listed_as_one_says_it() {
        let names: Vec<String> = ["alice", "bob", "carol"].map(str::to_owned).to_vec();
        let [en, ja] = [Language::En, Language::Ja].map(|language| language.texts().people_with);
        for (count, others, english, japanese) in [
            (1, 0, "alice", "alice"),
            (2, 0, "alice and bob", "alice、bob"),
            (3, 0, "alice, bob and carol", "alice、bob、carol"),
            (2, 3, "alice, bob and 3 others", "alice、bob、ほか3人"),
            (1, 1, "alice and 1 other", "alice、ほか1人"),
            (0, 5, "5 others", "5人"),
        ] {
            assert_eq!(en(&names[..count], others), english);
            assert_eq!(ja(&names[..count], others), japanese);
        }
    }

    #[test]
    fn the_cookie_comes_before_the_header() {
        assert_eq!(Language::negotiate(Some("ja"), Some("en")), Language::Ja);
        assert_eq!(Language::negotiate(Some("xx"), Some("ja-JP,en;q=0.5")), Language::Ja);
        assert_eq!(Language::negotiate(None, None), Language::En);
    }

    #[test]
    fn the_header_is_read_by_preference() {
        assert_eq!(Language::negotiate(None, Some("fr, en;q=0.3, ja;q=0.8")), Language::Ja);
        assert_eq!(Language::negotiate(None, Some("ja;q=0, en;q=0.1")), Language::En);
        assert_eq!(Language::negotiate(None, Some("de, *;q=0.5")), Language::En);
    }
}
