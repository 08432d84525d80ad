//! The declared type of a request's body: the media type and the charset of `Content-Type` (RFC 9110, 8.3), in any
//! case. The readers of bodies choose by it. Also the media types that a client accepts.

use axum::http::{HeaderMap, header};

use crate::protocol::problem::{Code, Rejection};

/// The kinds of body that the readers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There is no `Content-Type`.
    Absent,
    /// `application/json`, `text/json`, anything that ends in `+json`.
    Json,
    /// JSON with a value in each line: `application/x-ndjson` and its other names.
    JsonLines,
    /// `application/x-www-form-urlencoded`, which `curl -d` declares for every text, too.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// Any other `text/…`.
    Text,
    /// None of these.
    Other,
}

/// A body's kind and charset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// The kind of body.
    pub(crate) kind: Kind,
    /// The charset as it is written, without quotes.
    pub(crate) charset: Option<String>,
}

impl MediaType {
    /// Reads the `Content-Type` of a request. Errors: [`Code::BadRequest`] if it is not ASCII.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Rejection> {
        let Some(value) = headers.get(header::CONTENT_TYPE) else {
            return Ok(Self { kind: Kind::Absent, charset: None });
        };
        let bad = |_| Rejection::new(Code::BadRequest, "The header Content-Type is not ASCII.");
        value.to_str().map(Self::parse).map_err(bad)
    }

    /// Parses the header's value.
    pub(crate) fn parse(value: &str) -> Self {
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.filter_map(|part| part.split_once('=')).find_map(|(name, value)| {
            let value = value.trim().trim_matches(['"', '\'']);
            name.trim().eq_ignore_ascii_case("charset").then(|| value.to_owned())
        });
        Self { kind: kind_of(&essence), charset: charset.filter(|charset| !charset.is_empty()) }
    }
}

/// Returns the media types that the client accepts: all lines of `Accept` (RFC 9110, 12.5.1), in lower case.
pub(crate) fn accepted(headers: &HeaderMap) -> String {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.collect::<Vec<_>>().join(",").to_ascii_lowercase()
}

fn kind_of(essence: &str) -> Kind {
    match essence {
        "" => Kind::Absent,
        "application/json" | "text/json" => Kind::Json,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Kind::JsonLines
        }
        "application/x-www-form-urlencoded" => Kind::Form,
        "multipart/form-data" => Kind::Multipart,
        _ if essence.ends_with("+json") => Kind::Json,
        // XML is an envelope, as `application/xml` is, and not a text.
        "text/xml" => Kind::Other,
        _ if essence.starts_with("text/") => Kind::Text,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_read_in_any_case_with_its_charset() {
        for (value, kind, charset) in [
            ("application/json", Kind::Json, None),
            ("Application/JSON; Charset=\"UTF-8\"", Kind::Json, Some("UTF-8")),
            ("application/cloudevents+json;charset=utf-8", Kind::Json, Some("utf-8")),
            ("text/json", Kind::Json, None),
            ("Application/X-NDJSON; charset=utf-8", Kind::JsonLines, Some("utf-8")),
            ("TEXT/PLAIN ; format=flowed; charset=iso-8859-1", Kind::Text, Some("iso-8859-1")),
            ("text/markdown", Kind::Text, None),
            ("application/x-www-form-urlencoded", Kind::Form, None),
            ("multipart/form-data; boundary=x", Kind::Multipart, None),
            ("multipart/mixed; boundary=x", Kind::Other, None),
            ("application/xml", Kind::Other, None),
            ("application/jsonp", Kind::Other, None),
            ("", Kind::Absent, None),
        ] {
            let expected = MediaType { kind, charset: charset.map(str::to_owned) };
            assert_eq!(MediaType::parse(value), expected, "{value}");
        }
    }
}
