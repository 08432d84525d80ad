//! The parameters of a request in all of ntfy's spellings: members of a JSON body first, then headers, with `X-` and
//! without, then the query. `notification` and `query` name them; nothing here knows a meaning but that of `Priority`.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

use super::fault::{Fault, INVALID};
use crate::server::http::{api::publish::text_of, extract::query};

/// The one of these headers that HTTP itself defines, for something else (RFC 9218): browsers and proxies send it.
const PRIORITY: &str = "priority";

/// The parameters of one request.
pub(super) struct Parameters<'a> {
    json: Map<String, Value>,
    headers: &'a HeaderMap,
    query: Vec<(String, String)>,
}

impl<'a> Parameters<'a> {
    /// The parameters in headers and the query. Fails for a query that is not UTF-8.
    pub(super) fn of(headers: &'a HeaderMap, query: Option<&str>) -> Result<Self, Fault> {
        let mut pairs = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text| query::decode(name, text).map_err(|bad| Fault::new(INVALID, bad.message));
            pairs.push((decode(name)?.to_ascii_lowercase(), decode(value)?));
        }
        Ok(Self { json: Map::new(), headers, query: pairs })
    }

    /// The same with the members of a JSON body, which come first.
    pub(super) fn with_json(self, json: Map<String, Value>) -> Self {
        Self { json, ..self }
    }

    /// The first of these names that has a value, trimmed. The first name is that of the JSON member.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        let json = || self.json.get(*names.first()?).and_then(text_of_member);
        let header = || names.iter().find_map(|name| self.header(name));
        let query = || names.iter().find_map(|name| self.in_query(name));
        json().or_else(header).or_else(query)
    }

    /// Returns true if the first of these names that has a value says yes.
    pub(super) fn is_on(&self, names: &[&str]) -> bool {
        let text = self.text(names).unwrap_or_default().to_ascii_lowercase();
        matches!(text.as_str(), "1" | "yes" | "true")
    }

    fn header(&self, name: &str) -> Option<String> {
        let text = |name: &str| filled(&text_of(self.headers, name)?);
        text(&format!("x-{name}")).or_else(|| text(name).filter(|text| !is_of_http(name, text)))
    }

    fn in_query(&self, name: &str) -> Option<String> {
        let mut pairs = self.query.iter();
        pairs.find_map(|(known, text)| {
            let is_it = known == name || known.strip_prefix("x-") == Some(name);
            filled(text).filter(|_| is_it)
        })
    }
}

fn filled(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Returns true for a `Priority` of HTTP: `u=1, i`.
fn is_of_http(name: &str, text: &str) -> bool {
    let mut parts = text.split(',').map(str::trim);
    name == PRIORITY && parts.all(|part| part == "i" || part.starts_with("u=") || part.starts_with("i="))
}

/// A member of a JSON body as a header would say it. A list of texts becomes one with commas, other lists stay JSON.
fn text_of_member(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(text) => filled(text),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Some(texts.join(","))
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::{collection::vec, prelude::*};
    use serde_json::json;

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| {
            let name = HeaderName::try_from(*name).expect("a name");
            (name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn json_goes_before_headers_and_headers_before_the_query() {
        let lines = headers(&[("t", "header"), ("x-tags", "=?utf-8?B?w6Q=?=, b"), ("priority", "u=1, i")]);
        let query = Some("title=query&p=4&X-Click=https%3A%2F%2Fa.example&empty=");
        let parameters = Parameters::of(&lines, query).expect("a query");
        let names = ["title", "t"];
        assert_eq!(parameters.text(&names).as_deref(), Some("header"));
        assert_eq!(parameters.text(&["tags"]).as_deref(), Some("ä, b"));
        assert_eq!(parameters.text(&["priority", "p"]).as_deref(), Some("4"), "HTTP's own says nothing");
        assert_eq!(parameters.text(&["click"]).as_deref(), Some("https://a.example"));
        assert_eq!(parameters.text(&["empty"]), None);
        let json =
            json!({ "title": " json ", "tags": ["a", "b"], "priority": 5, "markdown": true, "click": null });
        let Value::Object(json) = json else { panic!("an object") };
        let parameters = parameters.with_json(json);
        assert_eq!(parameters.text(&names).as_deref(), Some("json"));
        assert_eq!(parameters.text(&["tags"]).as_deref(), Some("a,b"));
        assert_eq!(parameters.text(&["priority"]).as_deref(), Some("5"));
        assert!(parameters.is_on(&["markdown"]));
        assert_eq!(parameters.text(&["click"]).as_deref(), Some("https://a.example"));
    }

    proptest! {
        #[test]
        fn hostile_headers_and_queries_are_read_or_refused(
            lines in vec(("(x-)?(title|t|tags|priority|actions)", vec(any::<u8>(), 0..40)), 0..6),
            words in vec("=\\?(utf-8|latin1|x)\\?[BbQqX]\\?[ -~]{0,12}(\\?=)?", 0..3),
            query in "([a-z]{0,5}=?[ -~]{0,8}&?){0,4}",
        ) {
            let texts = lines.into_iter().filter_map(|(name, value)| {
                Some((HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(&value).ok()?))
            });
            let mut headers: HeaderMap = texts.collect();
            for word in words {
                headers.append("title", word.parse().expect("ASCII"));
            }
            let Ok(parameters) = Parameters::of(&headers, Some(&query)) else { return Ok(()) };
            for name in ["title", "t", "tags", "priority", "actions"] {
                if let Some(text) = parameters.text(&[name]) {
                    prop_assert!(!text.trim().is_empty());
                }
            }
        }
    }
}
