//! Apprise's notifications by `json://` and `form://`, after <https://appriseit.com/services/json/>: `{"version", "title",
//! "message", "attachments", "type"}` as JSON, or as the fields of a form. Its attachments are named in a line and not kept.

use axum::{body::Bytes, http::HeaderMap};
use serde_json::{Map, Value};

use super::{
    super::json_body,
    read::{counted, first, items, level_of, not_sent_by, text},
    translated::Translated,
};
use crate::{
    protocol::{
        problem::{Code, Rejection},
        publication::TITLE_MAX_CHARACTERS,
        text::clean_line,
    },
    server::http::extract::{
        body::fields_of,
        media_type::{Kind, MediaType},
    },
};

/// The most attachments whose names are told.
const NAMED_MAX: usize = 5;

/// Translates a notification.
pub(super) fn translate(headers: &HeaderMap, body: Bytes) -> Result<Vec<Translated>, Rejection> {
    let body = &read(headers, body)?;
    let (title, message) = (text(body, "/title"), text(body, "/message"));
    if title.is_empty() && message.is_empty() {
        return Err(not_sent_by("Apprise", "the member message is missing"));
    }
    let (title, message) = if title.is_empty() { first_line(message) } else { (title, message) };
    let parts = [message.to_owned(), attachments(body)];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Ok(vec![Translated {
        title: title.to_owned(),
        text: parts.join("\n\n"),
        level: level_of(text(body, "/type")).unwrap_or_default(),
        ..Translated::default()
    }])
}

/// The members of a body. A form is what `form://` sends without attachments; with them it is multipart.
fn read(headers: &HeaderMap, body: Bytes) -> Result<Value, Rejection> {
    match MediaType::of(headers)?.kind {
        Kind::Multipart => Err(Rejection::new(
            Code::BadMediaType,
            "Files are not taken here. Let Apprise send without attachments, or by json://, which names them.",
        )),
        Kind::Form if !json_body::begins_as_json(&body) => {
            let fields = fields_of(headers, body)?.into_iter();
            Ok(fields.map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>().into())
        }
        _ => json_body::read(headers, body),
    }
}

/// A message without a title: its first line is the title, if it is short enough to be one.
fn first_line(message: &str) -> (&str, &str) {
    let (line, rest) = message.split_once('\n').unwrap_or((message, ""));
    if line.chars().count() > TITLE_MAX_CHARACTERS { ("", message) } else { (line.trim(), rest.trim()) }
}

/// The line that names the attachments.
fn attachments(body: &Value) -> String {
    let count = items(body, "/attachments").count();
    if count == 0 {
        return String::new();
    }
    let name = |attachment| match clean_line(first(attachment, &["/filename", "/name"])) {
        name if name.is_empty() => "without a name".to_owned(),
        name => name,
    };
    let mut names: Vec<_> = items(body, "/attachments").take(NAMED_MAX).map(name).collect();
    if count > NAMED_MAX {
        names.push("…".to_owned());
    }
    format!("{} not kept: {}", counted(count, "attachment"), names.join(", "))
}
