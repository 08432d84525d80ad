//! The attachments of a payload as Markdown: many senders put everything there. `payload` calls it.

use serde_json::Value;

use super::{
    blocks::{self, bold, items, paragraphs},
    mrkdwn::{link, markdown_of},
};
use crate::{protocol::feed::Level, server::http::compat::bounds::level_of_color};

/// The text of some attachments, each as a quotation.
pub(super) fn text_of(attachments: &Value) -> String {
    paragraphs(items(attachments).map(|one| quoted(&attachment(one))))
}

/// The title of the first that has one, and where it leads.
pub(super) fn title_of(attachments: &Value) -> Option<(String, Option<String>)> {
    let first = items(attachments).find(|one| !text(one, "title").is_empty())?;
    let leads = Some(text(first, "title_link").to_owned()).filter(|url| !url.is_empty());
    Some((text(first, "title").to_owned(), leads))
}

/// The level that their colours stand for.
pub(super) fn level_of(attachments: &Value) -> Level {
    let levels = items(attachments).map(|one| match text(one, "color").to_ascii_lowercase().as_str() {
        "danger" => Level::Error,
        "warning" => Level::Warning,
        "good" => Level::Success,
        color => level_of_hex(color),
    });
    levels.max().unwrap_or_default()
}

fn level_of_hex(color: &str) -> Level {
    let digits = color.trim_start_matches('#');
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 6);
    number.map(level_of_color).unwrap_or_default()
}

fn text<'a>(one: &'a Value, name: &str) -> &'a str {
    one[name].as_str().unwrap_or_default()
}

fn attachment(one: &Value) -> String {
    let title = match text(one, "title_link") {
        "" => bold(&markdown_of(text(one, "title"))),
        url => bold(&link(url, text(one, "title"))),
    };
    let author = match text(one, "author_link") {
        "" => markdown_of(text(one, "author_name")),
        url => link(url, text(one, "author_name")),
    };
    let actions = items(&one["actions"]).filter(|action| !text(action, "url").is_empty());
    let actions: Vec<_> = actions.map(|action| link(text(action, "url"), text(action, "text"))).collect();
    let picture =
        ["image_url", "thumb_url"].into_iter().map(|name| text(one, name)).find(|url| !url.is_empty());
    let parts = [
        markdown_of(text(one, "pretext")),
        author,
        title,
        markdown_of(text(one, "text")),
        fields(&one["fields"]),
        blocks::text_of(&one["blocks"]),
        picture.map(|url| link(url, "")).unwrap_or_default(),
        actions.join(" · "),
        markdown_of(text(one, "footer")),
    ];
    match paragraphs(parts.into_iter()) {
        said if said.is_empty() => markdown_of(text(one, "fallback")),
        said => said,
    }
}

/// The fields, a line each.
fn fields(list: &Value) -> String {
    let line = |field: &Value| {
        // Senders write numbers and truths, too.
        let value = match &field["value"] {
            Value::String(value) => markdown_of(value),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        match bold(&markdown_of(text(field, "title"))) {
            title if title.is_empty() => value,
            title => format!("{title}: {value}"),
        }
    };
    items(list).map(line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attachment_is_a_quotation_of_all_its_parts() {
        let attachments = json!([{
            "color": "danger", "pretext": "*look*", "author_name": "CI", "author_link": "https://ci.example",
            "title": "Build 7", "title_link": "https://ci.example/7", "text": "failed in `api`",
            "fields": [{ "title": "Branch", "value": "main", "short": true }, { "title": "Tries", "value": 3 }],
            "image_url": "https://ci.example/graph.png", "actions": [{ "type": "button", "text": "Retry", "url": "https://ci.example/r" }],
            "footer": "ci.example", "ts": 1,
        }, { "fallback": "only this" }]);
        let expected = "> **look**\n>\n> [CI](https://ci.example)\n>\n> **[Build 7](https://ci.example/7)**\n>\n> failed in `api`\n>\n\
                        > **Branch**: main\n> **Tries**: 3\n>\n> https://ci.example/graph.png\n>\n> [Retry](https://ci.example/r)\n>\n\
                        > ci.example\n\n> only this";
        assert_eq!(text_of(&attachments), expected);
        assert_eq!(
            title_of(&attachments),
            Some(("Build 7".to_owned(), Some("https://ci.example/7".to_owned())))
        );
        assert_eq!(level_of(&attachments), Level::Error);
    }

    #[test]
    fn colours_stand_for_levels() {
        for (color, level) in [
            ("good", Level::Success),
            ("#36a64f", Level::Info),
            ("warning", Level::Warning),
            ("#ECB22E", Level::Warning),
            ("danger", Level::Error),
            ("#d00000", Level::Error),
            ("#E01E5A", Level::Error),
            ("mauve", Level::Info),
            ("", Level::Info),
        ] {
            assert_eq!(level_of(&json!([{ "color": color }])), level, "{color}");
        }
        assert_eq!((level_of(&json!(null)), text_of(&json!("x"))), (Level::Info, String::new()));
    }
}
