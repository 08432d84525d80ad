//! The blocks of a payload (Slack's Block Kit) as Markdown: `payload` calls it. A block that it does not know is left out,
//! because a sender repeats in `text` what matters. A divider is an empty line, as between any two blocks.

use serde_json::Value;

use super::mrkdwn::{decoded, link, markdown_of, push_code};

/// The text of some blocks; empty if none of them says anything.
pub(super) fn text_of(blocks: &Value) -> String {
    paragraphs(items(blocks).map(block))
}

/// The first header, which is a title.
pub(super) fn header_of(blocks: &Value) -> Option<String> {
    let header = items(blocks).find(|block| block["type"] == "header")?;
    Some(decoded(header["text"]["text"].as_str()?)).filter(|text| !text.trim().is_empty())
}

/// The members of a list; of anything else none.
pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Texts with an empty line between them.
pub(super) fn paragraphs(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn block(block: &Value) -> String {
    match block["type"].as_str().unwrap_or_default() {
        "header" => bold(&text_object(&block["text"])),
        "section" => section(block),
        "context" => joined(&block["elements"], " ", element),
        "actions" => joined(&block["elements"], " · ", element),
        "image" => element(block),
        "markdown" => block["text"].as_str().unwrap_or_default().to_owned(),
        "rich_text" => items(&block["elements"]).map(rich).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

fn section(block: &Value) -> String {
    let texts = [text_object(&block["text"])].into_iter().chain(items(&block["fields"]).map(text_object));
    paragraphs(texts.chain([element(&block["accessory"])]))
}

fn joined(list: &Value, between: &str, text: impl Fn(&Value) -> String) -> String {
    items(list).map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(between)
}

/// A text, a button that leads somewhere, or a picture as a link.
fn element(element: &Value) -> String {
    let text = |name: &str| element[name].as_str().unwrap_or_default();
    match text("type") {
        "button" if !text("url").is_empty() => link(text("url"), &text_object(&element["text"])),
        "image" if !text("image_url").is_empty() => link(text("image_url"), text("alt_text")),
        "mrkdwn" | "plain_text" => text_object(element),
        _ => String::new(),
    }
}

/// `{"type": "mrkdwn"|"plain_text", "text": …}`.
fn text_object(object: &Value) -> String {
    let text = object["text"].as_str().unwrap_or_default();
    if object["type"] == "plain_text" { decoded(text) } else { markdown_of(text) }
}

/// A text in bold; its lines become one.
pub(super) fn bold(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('*', "");
    if line.is_empty() { line } else { format!("**{line}**") }
}

/// An element of rich text.
fn rich(part: &Value) -> String {
    let inline = || items(&part["elements"]).map(rich_inline).collect::<String>();
    match part["type"].as_str().unwrap_or_default() {
        "rich_text_list" => {
            let indent = "    ".repeat(part["indent"].as_u64().unwrap_or_default().min(8) as usize);
            let mark = |number: usize| {
                if part["style"] == "ordered" { format!("{}.", number + 1) } else { "-".to_owned() }
            };
            let line = |(number, item): (usize, &Value)| format!("{indent}{} {}", mark(number), rich(item));
            items(&part["elements"]).enumerate().map(line).collect::<Vec<_>>().join("\n")
        }
        "rich_text_quote" => inline().lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n"),
        "rich_text_preformatted" => {
            let code: String = items(&part["elements"]).filter_map(|one| one["text"].as_str()).collect();
            let mut block = String::new();
            push_code(&code, &mut block);
            block
        }
        _ => inline(),
    }
}

fn rich_inline(part: &Value) -> String {
    let text = |name: &str| part[name].as_str().unwrap_or_default();
    match text("type") {
        "text" => styled(text("text"), &part["style"]),
        "link" => link(text("url"), text("text")),
        "emoji" => format!(":{}:", text("name")),
        "user" => format!("@{}", text("user_id")),
        "channel" => format!("#{}", text("channel_id")),
        "broadcast" if text("range") == "here" => "@here".to_owned(),
        "broadcast" => "@room".to_owned(),
        "date" => text("fallback").to_owned(),
        _ => text("text").to_owned(),
    }
}

/// Signs of style touch the text, so blanks at its ends stay outside of them.
fn styled(text: &str, style: &Value) -> String {
    let inside = text.trim();
    if inside.is_empty() || inside.contains('\n') {
        return text.to_owned();
    }
    let signs = [("code", "`"), ("bold", "**"), ("italic", "_"), ("strike", "~~")];
    let signs = signs.into_iter().filter(|(name, _)| style[*name] == true).map(|(_, sign)| sign);
    let styled = signs.fold(inside.to_owned(), |text, sign| format!("{sign}{text}{sign}"));
    text.replacen(inside, &styled, 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_become_paragraphs() {
        let blocks = json!([
            { "type": "header", "text": { "type": "plain_text", "text": "Deploy *failed*" } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "*api* on <https://ci.example/7|build 7>" },
              "fields": [{ "type": "mrkdwn", "text": "*Branch*\nmain" }, { "type": "plain_text", "text": "by &lt;bob&gt;" }],
              "accessory": { "type": "button", "text": { "type": "plain_text", "text": "Logs" }, "url": "https://ci.example/7/logs" } },
            { "type": "divider" },
            { "type": "context", "elements": [
                { "type": "image", "image_url": "https://ci.example/a.png", "alt_text": "red" }, { "type": "mrkdwn", "text": "at _noon_" }] },
            { "type": "actions", "elements": [
                { "type": "button", "text": { "type": "plain_text", "text": "Retry" }, "url": "https://ci.example/retry" },
                { "type": "button", "text": { "type": "plain_text", "text": "Ignore" }, "value": "no" }] },
            { "type": "video", "title": {} }, "nonsense", null,
        ]);
        let expected = "**Deploy failed**\n\n**api** on [build 7](https://ci.example/7)\n\n**Branch**\nmain\n\nby <bob>\n\n\
                        [Logs](https://ci.example/7/logs)\n\n[red](https://ci.example/a.png) at _noon_\n\n\
                        [Retry](https://ci.example/retry)";
        assert_eq!(text_of(&blocks), expected);
        assert_eq!(header_of(&blocks).as_deref(), Some("Deploy *failed*"));
        assert_eq!((text_of(&json!({})), header_of(&json!(7))), (String::new(), None));
    }

    #[test]
    fn rich_text_keeps_its_styles_lists_and_code() {
        let text = |text: &str, style: Value| json!({ "type": "text", "text": text, "style": style });
        let section = |elements: Value| json!({ "type": "rich_text_section", "elements": elements });
        let blocks = json!([{ "type": "rich_text", "elements": [
            section(json!([text("bold ", json!({ "bold": true })), text("and ", json!({})), text("code", json!({ "code": true })),
                { "type": "emoji", "name": "tada" }, { "type": "link", "url": "https://a.example", "text": "a" }])),
            { "type": "rich_text_list", "style": "ordered", "elements": [section(json!([text("one", json!({}))])), section(json!([text("two", json!({}))]))] },
            { "type": "rich_text_quote", "elements": [text("said\ntwice", json!({}))] },
            { "type": "rich_text_preformatted", "elements": [text("let a;\n", json!({}))] },
        ] }]);
        let expected = "**bold** and `code`:tada:[a](https://a.example)\n1. one\n2. two\n> said\n> twice\n```\nlet a;\n```";
        assert_eq!(text_of(&blocks), expected);
    }
}
