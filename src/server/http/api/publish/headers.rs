//! Builds a notification from a plain text and its metadata in headers or the query, and reads the `Idempotency-Key`.
//! `read.rs` and `mod.rs` call it.

use axum::http::HeaderMap;

use super::encoded_words;
use crate::{
    protocol::{
        feed::{Body, Details, Level},
        members::{NAMED_MAX, echoed_name},
        problem::{Code, Rejection},
        publication::{
            LEVEL_NAMES, LINK_NAMES, Publication, TAGS_NAMES, TITLE_NAMES, parse_level, parse_priority,
            split_tags,
        },
        text::is_blank,
    },
    server::http::extract::{charset::decode_header, query},
};

/// Maximum length of an `Idempotency-Key`, in bytes: a UUID or a hash fits many times.
const KEY_MAX_BYTES: usize = 200;
/// The one of these headers that HTTP itself defines, for something else (RFC 9218): browsers and proxies send it.
const PRIORITY: &str = "priority";
/// Short names of the priority.
const PRIORITY_NAMES: [&str; 2] = ["prio", "p"];
/// A short name of the title. In a query it is also a parameter that keeps caches away.
const SHORT_TITLE: &str = "t";

/// The metadata of a request beside its body: in headers and, from senders that can set none, in its query.
pub(super) struct Beside<'a> {
    headers: &'a HeaderMap,
    query: Vec<(String, String)>,
}

impl<'a> Beside<'a> {
    /// Reads the metadata of a request. Errors: [`Code::BadRequest`] for a query that is not UTF-8.
    pub(super) fn of(headers: &'a HeaderMap, query: Option<&str>) -> Result<Self, Rejection> {
        let mut pairs = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (query::decode(name, name)?, query::decode(name, value)?);
            pairs.push((name, value));
        }
        Ok(Self { headers, query: pairs })
    }

    /// Builds the notification with this text.
    pub(super) fn notification(&mut self, text: &str) -> Result<Publication, Rejection> {
        let (level, priority) = self.urgency()?;
        Publication::new(Body::Notification {
            title: self.take(&[&TITLE_NAMES[..], &[SHORT_TITLE]].concat()).map(|(_, title)| title),
            text: text.to_owned(),
            level,
            tags: self
                .take(&[&TAGS_NAMES[..], &["tag", "ta"]].concat())
                .map(|(_, tags)| split_tags(&tags))
                .unwrap_or_default(),
            link: self.take(&LINK_NAMES).map(|(_, link)| without_brackets(&link)),
            key: None,
            details: Details { priority, ..Details::default() },
        })
    }

    /// Returns the names of the query's parameters that were not used.
    pub(super) fn ignored(self) -> Vec<String> {
        let names = self.query.into_iter().map(|(name, _)| name).filter(|name| !query::is_meaningless(name));
        names.map(|name| format!("?{}", echoed_name(&name))).take(NAMED_MAX).collect()
    }

    /// Takes the level, with the priority if it came as one from 1 to 5.
    fn urgency(&mut self) -> Result<(Level, Option<u8>), Rejection> {
        let Some((name, level)) = self.take(&[&LEVEL_NAMES[..], &PRIORITY_NAMES[..]].concat()) else {
            return Ok((Level::default(), None));
        };
        let priority = parse_priority(&level).filter(|_| name == PRIORITY || PRIORITY_NAMES.contains(&name));
        let level = level_of(name, &level).ok_or_else(|| {
            let message =
                format!("{name} must be info, success, warning or error, or a priority from 1 to 5.");
            Rejection::new(Code::BadRequest, message)
        })?;
        Ok((level, priority))
    }

    /// Takes the first of these names that has a value: as a header, one with `X-`, or in the query.
    fn take<'n>(&mut self, names: &[&'n str]) -> Option<(&'n str, String)> {
        names.iter().find_map(|name| {
            let header = self.header(name).or_else(|| text_of(self.headers, &format!("x-{name}")));
            header.or_else(|| self.take_from_query(name)).map(|text| (*name, text))
        })
    }

    /// Returns the value of a header. A `Priority` that is no level is not meant for us.
    fn header(&self, name: &str) -> Option<String> {
        text_of(self.headers, name).filter(|text| name != PRIORITY || level_of(name, text).is_some())
    }

    /// Takes a parameter of the query. A `t` of digits only is a time that keeps caches away, and no title.
    fn take_from_query(&mut self, name: &str) -> Option<String> {
        let is_time = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_it = |(known, text): &(String, String)| {
            known.eq_ignore_ascii_case(name) && !(name == SHORT_TITLE && is_time(text))
        };
        let place = self.query.iter().position(is_it)?;
        Some(self.query.remove(place).1).filter(|text| !is_blank(text))
    }
}

/// Returns the `Idempotency-Key`, if there is one that is not empty. Errors: [`Code::BadRequest`] if it is too long or
/// has control characters.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Rejection> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let bad = |message: String| Err(Rejection::new(Code::BadRequest, message));
    let key = decode_header(value.as_bytes());
    match key.trim() {
        key if is_blank(key) => Ok(None),
        key if key.len() > KEY_MAX_BYTES => {
            bad(format!("The Idempotency-Key has {} bytes; the maximum is {KEY_MAX_BYTES}.", key.len()))
        }
        key if key.chars().any(char::is_control) => {
            bad("The Idempotency-Key contains control characters.".to_owned())
        }
        key => Ok(Some(key.to_owned())),
    }
}

fn level_of(name: &str, text: &str) -> Option<Level> {
    parse_level(name, &text.trim().to_lowercase())
}

/// Returns a header's text: repeated lines joined (RFC 9110, 5.3), encoded words decoded (RFC 2047). `None` when it is
/// empty.
pub(crate) fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| encoded_words::decode(&decode_header(value.as_bytes())))
        .collect();
    Some(values.iter().filter(|value| !is_blank(value)).cloned().collect::<Vec<_>>().join(", "))
        .filter(|text| !text.is_empty())
}

/// Returns the address in a `Link` header as RFC 8288 writes it: `<https://a.example>; rel=alternate`.
fn without_brackets(link: &str) -> String {
    let bracketed = link.trim().strip_prefix('<').and_then(|rest| rest.split_once('>'));
    bracketed.map_or(link, |(address, _)| address).to_owned()
}
