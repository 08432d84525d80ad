//! A notification from a plain text and the headers beside it, and the `Idempotency-Key`. `read.rs` and `mod.rs` call it.

use axum::http::{HeaderMap, header};

use super::encoded_words;
use crate::{
    protocol::{
        feed::{Body, Level},
        problem::{Code, Rejection},
        publication::{Publication, parse_level, split_tags},
        text::is_blank,
    },
    server::routes::charset::decode_header,
};

/// Longest `Idempotency-Key`, in bytes: a UUID or a hash fits many times.
const KEY_MAX_BYTES: usize = 200;

/// The notification of a text.
pub(super) fn notification(headers: &HeaderMap, text: &str) -> Result<Publication, Rejection> {
    let level = text_of(headers, "level").map_or(Ok(Level::default()), |level| {
        parse_level(&level.trim().to_lowercase()).ok_or_else(|| {
            Rejection::new(Code::BadRequest, "The header Level is info, success, warning or error.")
        })
    })?;
    Publication::new(Body::Notification {
        title: text_of(headers, "title"),
        text: text.to_owned(),
        level,
        tags: text_of(headers, "tags").map(|tags| split_tags(&tags)).unwrap_or_default(),
        link: text_of(headers, header::LINK.as_str()).map(|link| without_brackets(&link)),
        key: None,
    })
}

/// The `Idempotency-Key`, if there is one that is not empty.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Rejection> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bad = |message: String| Err(Rejection::new(Code::BadRequest, message));
    if values.any(|other| other != value) {
        return bad("The request has several Idempotency-Key headers; send one.".to_owned());
    }
    let key = decode_header(value.as_bytes());
    match key.trim() {
        key if is_blank(key) => Ok(None),
        key if key.len() > KEY_MAX_BYTES => bad(format!(
            "The Idempotency-Key has {} bytes; at most {KEY_MAX_BYTES} bytes are taken.",
            key.len()
        )),
        key if key.chars().any(char::is_control) => {
            bad("The Idempotency-Key has control characters.".to_owned())
        }
        key => Ok(Some(key.to_owned())),
    }
}

/// A header's text: repeated ones joined (RFC 9110, 5.3), encoded words decoded (RFC 2047). `None` when it is empty.
fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| encoded_words::decode(&decode_header(value.as_bytes())))
        .collect();
    Some(values.iter().filter(|value| !is_blank(value)).cloned().collect::<Vec<_>>().join(", "))
        .filter(|text| !text.is_empty())
}

/// The address in a `Link` header as RFC 8288 has it: `<https://a.example>; rel=alternate`.
fn without_brackets(link: &str) -> String {
    let bracketed = link.trim().strip_prefix('<').and_then(|rest| rest.split_once('>'));
    bracketed.map_or(link, |(address, _)| address).to_owned()
}
