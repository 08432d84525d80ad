//! ntfy's actions, in the short form (`view, Open, https://a.example; http, …`) and as JSON. `view` and `http` become links
//! that a reader may follow: the server never requests an address, and the method, headers and body of an `http` action,
//! which may hold a secret, are not kept. Actions for apps only (`broadcast`, `copy`) are left out.

use serde_json::Value;

use super::fault::{ACTIONS, Fault};
use crate::{
    protocol::{
        feed::Action,
        publication::WORD_MAX_CHARACTERS,
        text::{clean_line, is_blank},
    },
    server::http::compat::bounds::{cut, is_address},
};

/// The most actions of a message at ntfy.
const ACTIONS_MAX: usize = 3;

/// The keys of the short form whose values are not kept.
const UNUSED: [&str; 5] = ["clear", "method", "body", "intent", "value"];

/// The members of one action that are looked at.
#[derive(Debug, Default)]
struct Parts {
    action: String,
    label: String,
    url: String,
}

/// Parses the actions of a message.
pub(super) fn parse(text: &str) -> Result<Vec<Action>, Fault> {
    let text = text.trim();
    let found = if text.starts_with('[') { from_json(text)? } else { from_short_form(text)? };
    if found.len() > ACTIONS_MAX {
        return Err(bad(format!("only {ACTIONS_MAX} actions allowed")));
    }
    let links = found.into_iter().map(link_of).collect::<Result<Vec<_>, _>>()?;
    Ok(links.into_iter().flatten().collect())
}

/// The link of an action; `None` for one that is for apps only.
fn link_of(parts: Parts) -> Result<Option<Action>, Fault> {
    let Parts { action, label, url } = parts;
    let kind = action.to_ascii_lowercase();
    if !matches!(&*kind, "view" | "http" | "broadcast" | "copy") {
        return Err(bad(format!("action '{}' unknown", clean_line(&action))));
    }
    let label = cut(&clean_line(&label), WORD_MAX_CHARACTERS, "…");
    if is_blank(&label) {
        return Err(bad("parameter 'label' is required"));
    }
    if matches!(&*kind, "broadcast" | "copy") {
        return Ok(None);
    }
    if url.trim().is_empty() {
        return Err(bad(format!("parameter 'url' is required for action '{kind}'")));
    }
    // Another address, such as geo:0,0, is for an app.
    let url = url.trim().to_owned();
    Ok(is_address(&url).then_some(Action { label, url }))
}

fn from_json(text: &str) -> Result<Vec<Parts>, Fault> {
    let list: Vec<Value> = serde_json::from_str(text).map_err(|_| bad("this is no JSON array of actions"))?;
    let parts = list.into_iter().map(|item| {
        let text = |name| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match item.is_object() {
            true => Ok(Parts { action: text("action"), label: text("label"), url: text("url") }),
            false => Err(bad("an action is an object")),
        }
    });
    parts.collect()
}

fn from_short_form(text: &str) -> Result<Vec<Parts>, Fault> {
    let (mut found, mut rest) = (Vec::new(), text);
    while !rest.trim().is_empty() {
        let (mut parts, before) = (Parts::default(), rest);
        for place in 0.. {
            let (section, end) = Section::read(rest)?;
            rest = &rest[end..];
            parts.take(place, &section)?;
            if section.is_last {
                break;
            }
        }
        let written = &before[..before.len() - rest.len()];
        // Not if there is a separator more than there are actions.
        if !written.trim_matches([',', ';', ' ', '\t']).is_empty() {
            found.push(parts);
        }
    }
    Ok(found)
}

/// One value between commas, and its key if it has one.
struct Section {
    key: String,
    value: String,
    /// It ends its action.
    is_last: bool,
}

impl Section {
    /// Reads a section at the beginning of `text`. Returns it with the place behind its end.
    fn read(text: &str) -> Result<(Self, usize), Fault> {
        let key = key_at(text);
        let start = text.len() - text[key.map_or(0, |(_, end)| end)..].trim_start().len();
        let (value, end) = match text[start..].chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let (value, length) = quoted(&text[start + 1..], quote)?;
                (value, start + 1 + length)
            }
            _ => {
                let end = text[start..].find([',', ';']).map_or(text.len(), |length| start + length);
                (text[start..end].trim().to_owned(), end)
            }
        };
        let behind = text[end..].trim_start();
        let (is_last, length) = match behind.chars().next() {
            None => (true, 0),
            Some(';') => (true, 1),
            Some(',') => (false, 1),
            Some(other) => return Err(bad(format!("unexpected character '{other}' behind a quoted value"))),
        };
        let key = key.map(|(key, _)| key.to_ascii_lowercase()).unwrap_or_default();
        Ok((Self { key, value, is_last }, text.len() - behind.len() + length))
    }
}

/// The key in front of a value, `key=`, and the place behind it.
fn key_at(text: &str) -> Option<(&str, usize)> {
    let (key, _) = text.split_once('=')?;
    let name = key.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, key.len() + 1))
}

/// A quoted value without its escapes, and the length up to behind its closing quote.
fn quoted(text: &str, quote: char) -> Result<(String, usize), Fault> {
    let (mut value, mut characters) = (String::new(), text.char_indices().peekable());
    while let Some((at, c)) = characters.next() {
        match (c, characters.peek()) {
            (c, _) if c == quote => return Ok((value, at + c.len_utf8())),
            ('\\', Some((_, next))) if *next == quote => {
                value.push(quote);
                characters.next();
            }
            _ => value.push(c),
        }
    }
    Err(bad("unexpected end of input in a quoted value"))
}

impl Parts {
    fn take(&mut self, place: usize, section: &Section) -> Result<(), Fault> {
        let key = match (&*section.key, place) {
            ("", 0) => "action",
            ("", 1) => "label",
            ("", 2) => "url",
            (key, _) => key,
        };
        match key {
            "action" => self.action.clone_from(&section.value),
            "label" => self.label.clone_from(&section.value),
            "url" => self.url.clone_from(&section.value),
            key if UNUSED.contains(&key) || key.starts_with("headers.") || key.starts_with("extras.") => {}
            "" if section.value.is_empty() => {} // a comma at the end
            "" => return Err(bad(format!("term '{}' unknown", clean_line(&section.value)))),
            key => return Err(bad(format!("key '{key}' unknown"))),
        }
        Ok(())
    }
}

fn bad(reason: impl AsRef<str>) -> Fault {
    Fault::new(ACTIONS, reason)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let actions = parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        actions.into_iter().map(|action| (action.label, action.url)).collect()
    }

    #[test]
    fn the_short_form_and_json_are_read_alike() {
        let url = "https://a.example/x";
        for text in [
            "view, Open it, https://a.example/x",
            "view, Open it, https://a.example/x;",
            ";;view, Open it, https://a.example/x; ;,;;",
            "  VIEW ,label=Open it,url=https://a.example/x, clear=true",
            "action=view, \"Open it\", 'https://a.example/x'",
            "http, Open it, https://a.example/x, method=PUT, headers.Authorization=Bearer x, body='{\"a\": 1, b}'",
            r#"[{"action":"http","label":"Open it","url":"https://a.example/x","headers":{"a":"b"},"clear":true}]"#,
        ] {
            assert_eq!(read(text), [("Open it".to_owned(), url.to_owned())], "{text}");
        }
        let both = "view, \"Say \\\"hi\\\", now\", https://a.example/x; http, 井, https://a.example/x";
        let labels: Vec<_> = read(both).into_iter().map(|(label, _)| label).collect();
        assert_eq!(labels, ["Say \"hi\", now", "井"]);
        for text in [
            "broadcast, Take it, extras.a=b",
            "copy, Copy, value=1",
            "view, Map, geo:0,0",
            "view, No, javascript:alert(1)",
            "[]",
        ] {
            assert_eq!(read(&text.replace("geo:0,0", "geo:0")), [], "{text}");
        }
    }

    #[test]
    fn what_is_no_action_is_refused_with_its_reason() {
        for (text, words) in [
            ("dance, Now, https://a.example", "action 'dance' unknown"),
            ("view", "'label' is required"),
            ("view, Open", "'url' is required"),
            ("view, Open, https://a.example, more", "term 'more' unknown"),
            ("view, Open, https://a.example, colour=red", "key 'colour' unknown"),
            ("view, \"Open", "unexpected end"),
            ("view, \"Open\" it, https://a.example", "unexpected character 'i'"),
            ("view,a,https://a.b;view,a,https://a.b;view,a,https://a.b;view,a,https://a.b", "only 3"),
            ("[1]", "is an object"),
            ("[{", "no JSON"),
        ] {
            let fault = parse(text).expect_err(text);
            assert_eq!(fault.known(), ACTIONS, "{text}");
            assert!(format!("{fault:?}").contains(words), "{text}: {fault:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_links_or_a_reason(text in "([a-z]{0,5}|view|http|[,;='\"\\\\ \\[{]|\\PC|https://a\\.b){0,24}") {
            for action in parse(&text).into_iter().flatten() {
                prop_assert!(is_address(&action.url) && !is_blank(&action.label), "{:?}", action);
            }
        }
    }
}
