//! The message that quotes an event: its title and text as a quote, and the link to it. What a program wrote is text there
//! and nothing else: no markup, and no mention of anybody.

use crate::{app::i18n::Language, protocol::feed::Entry, server::http::pages::event_state::EventState};

/// Characters of an event's text that are quoted: enough to know what it is about, and the link leads to the rest.
const TEXT_MAX: usize = 500;
/// Characters of its title.
const TITLE_MAX: usize = 200;

/// The text of the message about an event with this address.
pub(in crate::server::http) fn quote(language: Language, entry: &Entry, address: &str) -> String {
    let EventState { word, title, text, .. } = EventState::of(language, entry);
    let (title, text) = (shortened(&title, TITLE_MAX), shortened(&text, TEXT_MAX));
    let word = word.map(|word| format!("{word}: ")).unwrap_or_default();
    let mut lines = vec![format!("> **{word}{}**", plain(&one_line(&title)))];
    lines
        .extend(text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("> {}", plain(line))));
    let channel = plain(&entry.channel);
    format!("{}\n\n[{channel}]({address})", lines.join("\n"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A line as Markdown that reads the same: words that could be markup, an emoji's or a name's are code, in which nothing is.
fn plain(line: &str) -> String {
    let words = line.split_whitespace().enumerate();
    let word = |(at, word): (usize, &str)| match is_plain(word, at == 0) {
        true => word.to_owned(),
        false => format!("`{}`", word.replace('`', "'")),
    };
    words.map(word).collect::<Vec<_>>().join(" ")
}

fn is_plain(word: &str, is_first: bool) -> bool {
    const PUNCTUATION: &str = ".,;:/%?!'\"()-+=&$…–—、。，：；！？・「」（）";
    // `1.` and `-` begin a list, signs alone may be a line below a heading, and two colons may stand around an emoji's name.
    let number = word.strip_suffix(['.', ')']).unwrap_or_default();
    let is_item = is_first && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_sign = word.chars().all(|c| matches!(c, '-' | '+' | '='));
    let is_of_text = |c: char| c.is_alphanumeric() || PUNCTUATION.contains(c);
    word.chars().all(is_of_text) && word.matches(':').count() < 2 && !is_item && !is_sign
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::server::markdown;

    fn quoted(members: Value) -> String {
        let mut body =
            json!({ "type": "notification", "channel": "ops_1", "offset": 1, "timestamp": 0, "text": "" });
        body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        quote(
            Language::En,
            &serde_json::from_value(body).expect("an entry"),
            "http://a.example/feed/ops_1/1-ab",
        )
    }

    #[test]
    fn a_message_quotes_the_title_and_the_text_and_links_to_the_event() {
        let text =
            quoted(json!({ "title": "Disk full", "text": "92 % of /var\n\nsince noon", "level": "error" }));
        let html = markdown::html_of(&text).expect("markup");
        for part in ["<blockquote", "Error: Disk full", "92 % of /var", "since noon"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(html.contains(r#"<a href="http://a.example/feed/ops_1/1-ab""#), "{html}");
    }

    #[test]
    fn what_a_program_writes_is_text_and_mentions_nobody() {
        let hostile = "# **x** [a](http://b.example) <b> `c` @room\n@here, a@b.example ＠alice `@bob`\n- :tada: ~~d~~ | 1. e";
        let text = quoted(json!({ "title": hostile, "text": hostile }));
        let html = markdown::html_of(&text).expect("markup");
        for part in ["<h", "<li", "<del", "<i>", "🎉", "http://b.example\""] {
            assert!(!html.contains(part), "{part}: {html}");
        }
        let prose = markdown::prose(&text).join(" ");
        assert!(!prose.contains(['@', '＠']), "{prose}");
        assert!(html.contains(">**x**</code>"), "{html}");
    }

    #[test]
    fn a_long_event_is_quoted_in_part() {
        let text = quoted(json!({ "title": "日".repeat(300), "text": "*".repeat(30_000) }));
        assert!(text.contains('…') && text.chars().count() < 2_000, "{}", text.chars().count());
    }
}
