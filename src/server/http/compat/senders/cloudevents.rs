//! `CloudEvents` 1.0 by HTTP (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>):
//! structured, in batches, and binary, with the attributes in headers. Of the data the members `title`, `text`, `level`,
//! `link` and `key` have the meaning that they have elsewhere; other data is shown as it is.

use axum::{body::Bytes, http::HeaderMap};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{
    super::json_body,
    read::{first, header, id, level_of, link, not_sent_by, text},
    translated::Translated,
};
use crate::{protocol::problem::Rejection, server::http::compat::bounds::cut};

/// The longest text that is shown of data that has none.
const DATA_MAX_CHARACTERS: usize = 1_000;
/// The attributes without which there is no event.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// Translates a request.
pub(super) fn translate(headers: &HeaderMap, body: Bytes) -> Result<Vec<Translated>, Rejection> {
    if headers.contains_key("ce-specversion") {
        return Ok(vec![event(&binary(headers, &body))?]);
    }
    match json_body::read(headers, body)? {
        Value::Array(events) => events.iter().map(event).collect(),
        one => Ok(vec![event(&one)?]),
    }
}

/// An event in binary mode, in the shape of a structured one.
fn binary(headers: &HeaderMap, body: &[u8]) -> Value {
    let attributes = headers.keys().filter_map(|name| {
        let attribute = name.as_str().strip_prefix("ce-")?;
        let value = percent_decode_str(header(headers, name.as_str())).decode_utf8_lossy().into_owned();
        Some((attribute.to_owned(), Value::String(value)))
    });
    let mut event: Map<String, Value> = attributes.collect();
    let data = serde_json::from_slice(body);
    let data = data.unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()));
    event.insert("data".to_owned(), data);
    Value::Object(event)
}

fn event(event: &Value) -> Result<Translated, Rejection> {
    if let Some(missing) = REQUIRED.into_iter().find(|name| text(event, &format!("/{name}")).is_empty()) {
        return Err(not_sent_by("a sender of CloudEvents", &format!("the attribute {missing} is missing")));
    }
    let (kind, source) = (text(event, "/type"), text(event, "/source"));
    let title = match (first(event, &["/data/title", "/data/summary"]), text(event, "/subject")) {
        ("", "") => kind.to_owned(),
        ("", subject) => format!("{kind}: {subject}"),
        (title, _) => title.to_owned(),
    };
    let level = ["level", "severity"].map(|name| id(event, &format!("/data/{name}")));
    let key = text(event, "/data/key").to_owned();
    Ok(Translated {
        title,
        text: data_text(event.get("data")),
        level: level.iter().find_map(|word| level_of(word)).unwrap_or_default(),
        link: link(event, &["/data/link", "/data/url"]),
        tags: vec![kind.to_owned(), source.to_owned()],
        once: Some(format!("{source} {}", text(event, "/id"))),
        key: (!key.is_empty()).then_some(key),
        ..Translated::default()
    })
}

fn data_text(data: Option<&Value>) -> String {
    match data {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(data) => match first(data, &["/text", "/message", "/description"]) {
            "" => cut(&data.to_string(), DATA_MAX_CHARACTERS, "…"),
            text => text.to_owned(),
        },
    }
}
