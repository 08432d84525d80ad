//! The HTML of exported messages: one page that needs neither a network nor a script. The HTML of a text is the one that
//! readers of the room get (`chat`); everything else is escaped here.

use html_escape::{encode_double_quoted_attribute, encode_text};
use jiff::{Timestamp, tz::TimeZone};

use super::{names, words::Words};
use crate::protocol::{chat::Message, file::MessageFile};

/// Nothing of it runs or loads anything, whatever is in it.
const POLICY: &str = "script-src 'none'; object-src 'none'; frame-src 'none'; connect-src 'none'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;\
    color:#222;background:#fff;overflow-wrap:anywhere}\
    article{border-top:1px solid #ddd;padding:.5rem 0}article:target{background:#fff6d6}\
    header p,.meta{margin:0;color:#666;font-size:.875rem}.meta b{color:#222;font-size:1rem}\
    pre{overflow-x:auto;background:#f4f4f4;padding:.5rem}img{max-width:100%;max-height:20rem;height:auto}\
    .deleted{color:#666;font-style:italic}.thread{margin-inline-start:2rem}ul.files{list-style:none;padding:0}\
    @media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}.meta b{color:#eee}\
    header p,.meta,.deleted{color:#aaa}article{border-color:#333}article:target{background:#3a3210}\
    pre{background:#222}a{color:#8ab4f8}}";

/// The beginning of a page with this title, and a line below it.
pub(super) fn beginning(words: &Words, title: &str, line: &str, now_ms: i64) -> String {
    let (title, line) = (encode_text(title), encode_text(line));
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<header>\n<h1 dir=\"auto\">{title}</h1>\n<p dir=\"auto\">{line}</p>\n<p>{} {}. {}</p>\n</header>\n<main>\n",
        words.language,
        words.exported,
        time(now_ms),
        words.times_in,
    )
}

/// The end of a page.
pub(super) const END: &str = "</main>\n</body>\n</html>\n";

/// A heading between messages.
pub(super) fn heading(text: &str) -> String {
    format!("<h2 dir=\"auto\">{}</h2>\n", encode_text(text))
}

/// A message. `anchors` is the beginning of the names by which messages of its room refer to each other.
pub(super) fn message(words: &Words, anchors: &str, message: &Message, files: &[MessageFile]) -> String {
    let Message { offset, user, timestamp, .. } = message;
    let class = if message.thread.is_some() { " class=\"thread\"" } else { "" };
    let mut html = format!(
        "<article id=\"{anchors}{offset}\"{class}>\n<p class=\"meta\"><b><bdi>{}</bdi></b> <a href=\"#{anchors}{offset}\">{}</a>",
        encode_text(user),
        time(*timestamp),
    );
    let link = |offset, word| format!(" · <a href=\"#{anchors}{offset}\">{word}</a>");
    let notes = [
        message.thread.map(|root| link(root, words.in_thread)),
        message.reply_to.filter(|_| !message.deleted).map(|target| link(target, words.answers)),
        message.edited.then(|| format!(" · {}", words.edited)),
        message.pinned.then(|| format!(" · {}", words.pinned)),
    ];
    html.extend(notes.into_iter().flatten());
    html.push_str("</p>\n");
    match (message.deleted, &message.html) {
        (true, _) => html.push_str(&format!("<p class=\"deleted\">{}</p>\n", words.deleted)),
        (false, Some(rendered)) => html.push_str(&format!("<div dir=\"auto\">{rendered}</div>\n")),
        (false, None) if message.text.is_empty() => {}
        (false, None) => html.push_str(&format!("<p dir=\"auto\">{}</p>\n", encode_text(&message.text))),
    }
    if !files.is_empty() {
        let items = files.iter().map(|file| format!("<li>{}</li>", self::file(file)));
        html.push_str(&format!("<ul class=\"files\">{}</ul>\n", items.collect::<String>()));
    }
    if !message.reactions.is_empty() {
        let reactions = message
            .reactions
            .iter()
            .map(|reaction| format!("{} {}", encode_text(&reaction.emoji), reaction.count));
        html.push_str(&format!("<p class=\"meta\">{}</p>\n", reactions.collect::<Vec<_>>().join(" · ")));
    }
    html.push_str("</article>\n");
    html
}

/// A file: a picture in its place, everything else as a link.
fn file(file: &MessageFile) -> String {
    let address = names::address(&names::of_content(&file.id, &file.name));
    let name = encode_text(&file.name);
    let is_picture = file.media_type.starts_with("image/") && file.media_type != "image/svg+xml";
    if is_picture {
        let alt = encode_double_quoted_attribute(file.alt.as_deref().unwrap_or(&file.name));
        return format!("<a href=\"{address}\"><img src=\"{address}\" alt=\"{alt}\" loading=\"lazy\"></a>");
    }
    format!("<a href=\"{address}\"><bdi>{name}</bdi></a>")
}

/// A time in UTC, to the second.
fn time(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(TimeZone::UTC);
    let shown = time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    format!("<time datetime=\"{}\">{shown}</time>", time.strftime("%Y-%m-%dT%H:%M:%SZ"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::i18n::Language, server::export::words};

    #[test]
    fn names_and_texts_are_escaped_wherever_they_stand() {
        let hostile = "\"><script>alert(1)</script>";
        let mut said = serde_json::from_value::<Message>(serde_json::json!({
            "room": "general", "offset": 3, "id": "1", "user": hostile, "user_id": "u", "text": hostile,
            "timestamp": 1_795_827_600_000_i64, "reply_to": 2, "edited": true,
        }))
        .expect("a message");
        let files = ["image/png", "text/plain"].map(|media_type| MessageFile {
            id: "1f".into(),
            name: hostile.into(),
            media_type: media_type.into(),
            ..MessageFile::default()
        });
        let words = words::of(Language::En);
        let html =
            message(words, "m", &said, &files) + &beginning(words, hostile, hostile, 0) + &heading(hostile);
        assert!(!html.contains("<script") && html.contains("2026-11-28 01:00:00 UTC"), "{html}");
        assert!(html.contains("href=\"#m2\"") && html.contains("src=\"files/1f/"), "{html}");
        said.deleted = true;
        assert!(!message(words, "m", &said, &[]).contains("alert(1)&lt;/script&gt;</p>"));
    }
}
