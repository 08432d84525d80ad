//! Members of the JSON of senders, read leniently: one of an unexpected type counts as absent. The senders' files call it.

use axum::http::HeaderMap;
use serde_json::Value;

use crate::protocol::{
    feed::Level,
    problem::{Code, Rejection},
    publication::parse_level,
};

/// The text at a path such as `/sender/login`; empty if there is none.
pub(super) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).map(str::trim).unwrap_or_default()
}

/// The first of some paths that has a text.
pub(super) fn first<'a>(value: &'a Value, paths: &[&str]) -> &'a str {
    paths.iter().map(|path| text(value, path)).find(|text| !text.is_empty()).unwrap_or_default()
}

/// A number or a text, as senders write ids; empty if there is none.
pub(super) fn id(value: &Value, path: &str) -> String {
    match value.pointer(path) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The address at the first of some paths that has one.
pub(super) fn link(value: &Value, paths: &[&str]) -> Option<String> {
    Some(first(value, paths).to_owned()).filter(|url| !url.is_empty())
}

/// The members of a list; of anything else none.
pub(super) fn items<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

/// A header's text; empty if there is none.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default()
}

/// The same as what makes a repeated delivery known.
pub(super) fn delivery(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(header(headers, name).to_owned()).filter(|id| !id.is_empty())
}

/// The level that a sender's word stands for.
pub(in crate::server::http::compat) fn level_of(word: &str) -> Option<Level> {
    match word.to_ascii_lowercase().as_str() {
        "page" | "blocker" => Some(Level::Error),
        word => parse_level("level", word),
    }
}

/// The rejection of a body that is not the sender's.
pub(super) fn not_sent_by(sender: &str, missing: &str) -> Rejection {
    let message = format!("This is not what {sender} sends: {missing}. docs/hooks.md says how to set it up.");
    Rejection::new(Code::BadRequest, message)
}

/// A count with its noun: `1 commit`, `2 commits`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A sender's word as people write it: `pull_request` is `pull request`.
pub(super) fn spaced(word: &str) -> String {
    word.replace(['_', '-'], " ")
}
