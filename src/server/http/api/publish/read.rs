//! Reads the entries in a body, by its media type. `mod.rs` calls it.

use axum::{body::Bytes, http::HeaderMap};
use serde_json::Value;
use url::Url;

use super::{
    form::{self, FormOrText, PAYLOAD},
    headers::Beside,
    multipart,
};
use crate::{
    protocol::{
        feed::Body,
        members::{Members, NAMED_MAX, echoed_name, parse_json},
        problem::{Code, Rejection},
        publication::{PUBLISH_MAX_ENTRIES, Publication},
    },
    server::http::extract::{
        charset,
        media_type::{Kind, MediaType},
    },
};

/// The entries that a request publishes.
#[derive(Debug)]
pub(crate) struct Read {
    /// The entries, each with the names of its members that were not read.
    pub(crate) publications: Vec<(Publication, Vec<String>)>,
    /// True if they came as an array, and are answered as one.
    pub(crate) is_array: bool,
}

/// Reads the entries of a request. Errors: [`Code::BadMediaType`] for a media type that is not supported.
pub(crate) fn read(headers: &HeaderMap, query: Option<&str>, body: &Bytes) -> Result<Read, Rejection> {
    let MediaType { kind, charset } = MediaType::of(headers)?;
    let decoded = || charset::decode(body, charset.as_deref());
    let mut beside = Beside::of(headers, query)?;
    let mut read = match kind {
        Kind::Json => from_json(parse_json(&decoded()?, "body")?)?,
        Kind::JsonLines => from_lines(&decoded()?)?,
        Kind::Text => one((beside.notification(&decoded()?)?, Vec::new())),
        Kind::Multipart => from_fields(multipart::read(headers, body)?)?,
        Kind::Absent => match entries_in(&decoded()?)? {
            Some(value) => from_json(value)?,
            None => one((beside.notification(&decoded()?)?, Vec::new())),
        },
        Kind::Form => {
            let text = decoded()?;
            match (entries_in(&text)?, charset.as_deref()) {
                (Some(value), _) => from_json(value)?,
                (None, charset) => match form::read(&text, charset)? {
                    FormOrText::Form(fields) => from_fields(fields)?,
                    FormOrText::Text(text) => one((beside.notification(&text)?, Vec::new())),
                },
            }
        }
        Kind::Other => {
            let message = "This Content-Type is not supported; use one of these: application/json, \
                           application/x-ndjson, text/plain, application/x-www-form-urlencoded, multipart/form-data.";
            return Err(Rejection::new(Code::BadMediaType, message));
        }
    };
    if let Some((_, ignored)) = read.publications.first_mut() {
        ignored.extend(beside.ignored());
    }
    read.publications.iter().try_for_each(|(publication, _)| check_link(publication))?;
    Ok(read)
}

fn one(publication: (Publication, Vec<String>)) -> Read {
    Read { publications: vec![publication], is_array: false }
}

fn from_json(value: Value) -> Result<Read, Rejection> {
    match value {
        Value::Array(values) => {
            let publications = values.into_iter().map(Publication::from_json).collect::<Result<_, _>>()?;
            Ok(Read { publications, is_array: true })
        }
        value => Ok(one(Publication::from_json(value)?)),
    }
}

/// Reads an entry from each line that is not blank. One that cannot be read rejects all, by its number.
fn from_lines(body: &str) -> Result<Read, Rejection> {
    let lines = body.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(index, line): (usize, &str)| {
        let entry = parse_json(line, "line").and_then(Publication::from_json);
        entry.map_err(|rejection| {
            let message = format!("Line {}: {}", index + 1, rejection.message);
            Rejection { message, ..rejection }
        })
    };
    // One more than are taken, which the feed rejects, and no more.
    let publications = lines.take(PUBLISH_MAX_ENTRIES + 1).map(read).collect::<Result<_, _>>()?;
    Ok(Read { publications, is_array: true })
}

/// Reads the entries in a body whose sender did not declare JSON, as `curl -d` does not. A body that begins like
/// entries and cannot be read is rejected: stored as a text it would be noise that nobody notices.
fn entries_in(body: &str) -> Result<Option<Value>, Rejection> {
    if !begins_like_entries(body) {
        return Ok(None);
    }
    let read = parse_json(body, "body").map(Some);
    read.map_err(|Rejection { code, message, .. }| {
        Rejection::new(
            code,
            format!("{message} To send text that begins like JSON, use Content-Type: text/plain."),
        )
    })
}

/// Returns true if a body begins like an object that is empty or has a member, or like a list of objects.
fn begins_like_entries(body: &str) -> bool {
    let body = body.trim_start();
    let within = |open| body.strip_prefix(open).map(str::trim_start);
    within('{').is_some_and(|rest| rest.starts_with(['"', '}']))
        || within('[').is_some_and(|rest| rest.starts_with('{'))
}

/// Reads the fields as the members of one entry. If there is a field `payload`, it is the whole entry, and the fields
/// beside it are reported as ignored.
fn from_fields(fields: Vec<(String, String)>) -> Result<Read, Rejection> {
    let is_payload = |(name, _): &(String, String)| name.eq_ignore_ascii_case(PAYLOAD);
    let (payloads, others): (Vec<_>, Vec<_>) = fields.into_iter().partition(is_payload);
    let [(_, json)] = payloads.as_slice() else {
        return match payloads.is_empty() {
            true => Publication::from_members(Members::of_form(others, "form")).map(one),
            false => {
                let message =
                    "The form has the field payload more than once; send one that contains an array.";
                Err(Rejection::new(Code::BadRequest, message))
            }
        };
    };
    let mut read = from_json(parse_json(json, "field payload")?)?;
    if let Some((_, ignored)) = read.publications.first_mut() {
        ignored.extend(others.iter().take(NAMED_MAX).map(|(name, _)| echoed_name(name)));
    }
    Ok(read)
}

/// Checks a link as browsers parse addresses, which is stricter than the protocol's own check.
fn check_link(publication: &Publication) -> Result<(), Rejection> {
    let Body::Notification { link: Some(link), .. } = publication.body() else { return Ok(()) };
    match Url::parse(link) {
        Ok(url) if url.has_host() => Ok(()),
        _ => Err(Rejection::new(
            Code::BadRequest,
            "The link of the entry is not an address that a browser can open.",
        )),
    }
}
