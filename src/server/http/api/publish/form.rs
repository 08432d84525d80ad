//! Bodies that are declared as a form. `curl -d` declares every text so, so this module tells a text from a form; an
//! envelope (`payload=…`, `a=1&b=2`) must not be stored as a text. `read.rs` calls it.
//!
//! The rule: a body is a form when its first part is `name=value` and the name is known here, or when it has no white
//! space, as everything that was encoded for a form. Otherwise it is a text: `a=b is good` is one.

use percent_encoding::percent_decode_str;

use crate::{
    protocol::{
        problem::{Code, Rejection},
        publication::is_known_member,
    },
    server::http::extract::charset,
};

/// The field that holds a whole entry as JSON, as in Slack's webhooks.
pub(super) const PAYLOAD: &str = "payload";

/// The meaning of a body that is declared as a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FormOrText {
    /// A form: names and values, decoded.
    Form(Vec<(String, String)>),
    /// A text.
    Text(String),
}

/// Tells a form from a text. Errors: [`Code::BadRequest`] for a form without a known field.
pub(super) fn read(body: &str, charset: Option<&str>) -> Result<FormOrText, Rejection> {
    let is_encoded = !body.trim().contains(char::is_whitespace);
    let raw = fields_in(body.trim_end(), is_encoded);
    if raw.is_empty() {
        return decode_text(body, is_encoded, charset).map(FormOrText::Text);
    }
    if !raw.iter().any(|(name, _)| is_known(name)) {
        return Err(without_a_known_field(&raw));
    }
    let decoded = raw.into_iter().map(|(name, value)| Ok((name, decode(&value, charset)?)));
    decoded.collect::<Result<_, Rejection>>().map(FormOrText::Form)
}

/// Returns the fields of a form, with decoded names. There is none when the first part is no field.
fn fields_in(body: &str, is_encoded: bool) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (index, part) in body.split('&').enumerate() {
        if let Some((name, value)) = field_in(part).filter(|(name, _)| is_encoded || is_known(name)) {
            fields.push((name, value.to_owned()));
        } else if index == 0 {
            return fields;
        } else if let Some((_, value)) = fields.last_mut().filter(|_| !part.is_empty()) {
            // An `&` in a value that was not encoded.
            value.extend(["&", part]);
        }
    }
    fields
}

fn without_a_known_field(fields: &[(String, String)]) -> Rejection {
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).take(10).collect();
    let message = format!(
        "The body is a form without a field that is known here ({}). Name the text \"text\", or send a plain text with \
         Content-Type: text/plain.",
        names.join(", ")
    );
    Rejection::new(Code::BadRequest, message)
}

fn is_known(name: &str) -> bool {
    name.eq_ignore_ascii_case(PAYLOAD) || is_known_member(name)
}

/// Splits a part into the name before `=` and the value after it, if the name is a word. Many encoders escape the `[`
/// and `]` of `meta[host]`, so the name is judged after its escapes are undone.
fn field_in(part: &str) -> Option<(String, &str)> {
    let (name, value) = part.split_once('=')?;
    let name: String = percent_decode_str(name).map(char::from).collect();
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    (!name.is_empty() && name.chars().all(is_word)).then_some((name, value))
}

/// Decodes a value. One with white space was not encoded, whatever its `+` and `%` look like.
fn decode(value: &str, charset: Option<&str>) -> Result<String, Rejection> {
    if value.contains(char::is_whitespace) {
        return Ok(value.to_owned());
    }
    charset::decode_form(value, charset)
}

/// Decodes a text without a name, which `curl --data-urlencode 'backup done'` sends encoded.
fn decode_text(text: &str, is_encoded: bool, charset: Option<&str>) -> Result<String, Rejection> {
    if !(is_encoded && is_escaped(text)) {
        return Ok(text.to_owned());
    }
    charset::decode_form(text, charset)
}

/// Returns true if a text without a space was encoded as a form's field, as `curl --data-urlencode` does: it has a `%`
/// and each begins an escape, or a `+` and each stands between letters. An address and `C++` are left alone.
fn is_escaped(text: &str) -> bool {
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let has_escapes = text.contains('%') && text.split('%').skip(1).all(is_escape);
    let is_between = |(before, after): (&str, &str)| {
        before.ends_with(char::is_alphabetic) && after.starts_with(char::is_alphabetic)
    };
    let pluses = || text.match_indices('+').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let has_pluses = text.contains('+') && pluses().all(is_between);
    !text.contains("://") && (has_escapes || has_pluses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Vec<(String, String)> {
        match read(body, None).expect(body) {
            FormOrText::Form(fields) => fields,
            FormOrText::Text(text) => panic!("{text} is no form"),
        }
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn ordinary_sentences_are_texts() {
        for body in [
            "backup done",
            "a=b is good",
            "x = 5 & y = 6",
            "100% sure",
            "C++ & C# built",
            "see https://a.example/?q=1&r=2",
            "https://a.example/?q=1&r=2",
            "done",
            "load=0.93 users=5",
            "R&D is done",
            "text done",
            "",
        ] {
            assert_eq!(read(body, None), Ok(FormOrText::Text(body.to_owned())));
        }
        for (body, text) in [
            ("backup%20done", "backup done"),
            ("backup+done", "backup done"),
            ("%E5%AE%8C%E4%BA%86", "完了"),
            ("C%2B%2B+built", "C++ built"),
            ("100%25", "100%"),
            ("C++", "C++"),
            ("1+1", "1+1"),
            ("50%off", "50%off"),
        ] {
            assert_eq!(read(body, None), Ok(FormOrText::Text(text.to_owned())), "{body}");
        }
    }

    #[test]
    fn fields_are_read_encoded_or_not() {
        assert_eq!(form("text=backup+done%21&title=DB"), [pair("text", "backup done!"), pair("title", "DB")]);
        assert_eq!(form("text=hello world"), [pair("text", "hello world")]);
        assert_eq!(form("message=C++ is done, 95%20"), [pair("message", "C++ is done, 95%20")]);
        assert_eq!(form("text=you & me"), [pair("text", "you & me")]);
        assert_eq!(form("text=a&a&&a&title=b"), [pair("text", "a&a&a"), pair("title", "b")]);
        assert_eq!(form("payload=%7B%7D"), [pair("payload", "{}")]);
        assert_eq!(form("Text=gr%C3%BC%C3%9Fe&foo=1"), [pair("Text", "grüße"), pair("foo", "1")]);
    }

    #[test]
    fn a_name_is_judged_when_its_escapes_are_undone() {
        assert_eq!(form("text=hi&meta%5Bhost%5D=db1"), [pair("text", "hi"), pair("meta[host]", "db1")]);
        assert_eq!(form("te%78t=hi%21"), [pair("text", "hi!")]);
        assert_eq!(form("te%78t=hi all"), [pair("text", "hi all")]);
        for text in ["50%off=1", "%C3%BC=1", "%20=1", "%=1"] {
            assert!(matches!(read(text, None), Ok(FormOrText::Text(_))), "{text}");
        }
    }

    #[test]
    fn an_envelope_of_unknown_fields_is_refused() {
        for body in ["a=1&b=2", "status=ok", "alert%5B0%5D=x&a=1", "data={}"] {
            let refused = read(body, None).map_err(|error| error.code);
            assert_eq!(refused, Err(Code::BadRequest), "{body}");
        }
        assert!(read("text=gr%FC%DFe", None).is_err(), "no UTF-8");
        assert_eq!(read("text=gr%FC%DFe", Some("latin1")), Ok(FormOrText::Form(vec![pair("text", "grüße")])));
    }
}
