//! Takes the members of a JSON object from another program one by one, and rejects a wrong one in words. The parsers of
//! request bodies, socket frames and Socket.IO payloads call it; the meaning of the members is theirs.
//!
//! Names match in any case. A member that is `null`, or an empty text where it is optional, is absent. Members that no
//! parser took are left over, to be named in the answer or rejected.

use serde_json::{Map, Value};

use super::{
    cursor::Offset,
    problem::{Code, Rejection},
    text::{clean_line, is_blank},
};

/// The most ignored names that an answer lists, and the most characters of each: enough to find the misspelling.
pub const NAMED_MAX: usize = 20;
const NAME_MAX_CHARACTERS: usize = 64;

/// The members of one object that are not taken yet.
#[derive(Debug)]
pub struct Members {
    /// The name of the object in a rejection, such as "body".
    what: &'static str,
    code: Code,
    from_form: bool,
    left: Map<String, Value>,
}

impl Members {
    /// The members of an object. `what` is its name in rejections, `code` their code.
    pub fn of(value: Value, what: &'static str, code: Code) -> Result<Self, Rejection> {
        match value {
            Value::Object(left) => Ok(Self { what, code, from_form: false, left }),
            other => {
                let message = format!("The {what} has to be a JSON object, not {}.", kind_of(&other));
                Err(Rejection::new(code, message))
            }
        }
    }

    /// The fields of a form: every value is a text, including numbers.
    pub fn of_form(fields: impl IntoIterator<Item = (String, String)>, what: &'static str) -> Self {
        let mut left = Map::new();
        for (name, value) in fields {
            match left.get_mut(&name) {
                // The values of repeated fields are joined, like those of repeated headers.
                Some(Value::String(known)) => known.extend([",", value.as_str()]),
                _ => drop(left.insert(name, Value::String(value))),
            }
        }
        Self { what, code: Code::BadRequest, from_form: true, left }
    }

    /// The same members under another name and code in rejections.
    pub fn named(self, what: &'static str, code: Code) -> Self {
        Self { what, code, ..self }
    }

    /// Takes the first of these members that is present, with its name as written. `null` and the empty text are
    /// absent.
    pub fn optional(&mut self, names: &[&str]) -> Option<(String, Value)> {
        self.drop_absent(names);
        names.iter().find_map(|name| self.take(name))
    }

    /// Takes an optional text.
    pub fn text(&mut self, names: &[&str]) -> Result<Option<String>, Rejection> {
        match self.optional(names) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text)),
            Some((name, other)) => Err(self.wrong(&name, "a text", &other)),
        }
    }

    /// Takes an optional text in which blanks count, such as a password. `null` and the empty text are absent.
    pub fn verbatim(&mut self, name: &str) -> Result<Option<String>, Rejection> {
        match self.take(name) {
            None | Some((_, Value::Null)) => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some((name, other)) => Err(self.wrong(&name, "a text", &other)),
        }
    }

    /// Takes an optional text, which may be empty. Only `null` is absent.
    pub fn verbatim_or_empty(&mut self, name: &str) -> Result<Option<String>, Rejection> {
        match self.take(name) {
            None | Some((_, Value::Null)) => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text)),
            Some((name, other)) => Err(self.wrong(&name, "a text", &other)),
        }
    }

    /// Takes a required text, which may be empty: the caller rejects an empty one with a code of its own.
    pub fn required_text(&mut self, names: &[&str]) -> Result<String, Rejection> {
        let mut found: Vec<_> = names.iter().filter_map(|name| self.take(name)).collect();
        found.retain(|(_, value)| !value.is_null());
        // A blank text counts only if no other name has a text.
        let present = found.iter().position(|(_, value)| !value.as_str().is_some_and(is_blank));
        let chosen = (!found.is_empty()).then(|| found.swap_remove(present.unwrap_or(0)));
        self.left.extend(found);
        match chosen {
            Some((_, Value::String(text))) => Ok(text),
            Some((name, other)) => Err(self.wrong(&name, "a text", &other)),
            None => Err(self.missing(names)),
        }
    }

    /// Takes an optional number, as an IEEE double.
    pub fn number(&mut self, name: &str) -> Result<Option<f64>, Rejection> {
        let Some((name, value)) = self.optional(&[name]) else { return Ok(None) };
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if self.from_form => text.trim().parse().ok(),
            _ => None,
        };
        if let Some(number) = number.filter(|number| number.is_finite()) {
            return Ok(Some(number));
        }
        match value {
            Value::String(text) if is_not_finite(&text) => {
                let message = format!("{name} has to be a finite number; {} is none.", clean_line(&text));
                Err(Rejection::new(self.code, message))
            }
            other => Err(self.wrong(&name, "a number", &other)),
        }
    }

    /// Takes a required number.
    pub fn required_number(&mut self, name: &str) -> Result<f64, Rejection> {
        self.number(name)?.ok_or_else(|| self.missing(&[name]))
    }

    /// Takes an optional whole number from 0 up. Saturates at [`u32::MAX`].
    pub fn count(&mut self, name: &str) -> Result<Option<u32>, Rejection> {
        let Some((name, value)) = self.optional(&[name]) else { return Ok(None) };
        let count = value.as_u64().map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        count.map(Some).ok_or_else(|| self.wrong(&name, "a whole number from 0 up", &value))
    }

    /// Takes an optional offset: a whole number from 0 up, or its digits, since not every language has whole numbers of 64
    /// bits in JSON.
    pub fn offset(&mut self, name: &str) -> Result<Option<Offset>, Rejection> {
        let Some((name, value)) = self.optional(&[name]) else { return Ok(None) };
        let offset = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        offset.map(Some).ok_or_else(|| self.wrong(&name, "a whole number from 0 up", &value))
    }

    /// Takes a required offset.
    pub fn required_offset(&mut self, name: &str) -> Result<Offset, Rejection> {
        self.offset(name)?.ok_or_else(|| self.missing(&[name]))
    }

    /// Takes an optional `true` or `false`. Only `null` is absent: an empty text must not decide a right.
    pub fn truth(&mut self, name: &str) -> Result<Option<bool>, Rejection> {
        match self.take(name) {
            None | Some((_, Value::Null)) => Ok(None),
            Some((_, Value::Bool(truth))) => Ok(Some(truth)),
            Some((name, other)) => Err(self.wrong(&name, "true or false", &other)),
        }
    }

    /// Takes an optional list of texts. Items that are `null` or empty are left out.
    pub fn texts(&mut self, names: &[&str]) -> Result<Option<Vec<String>>, Rejection> {
        let Some((name, value)) = self.optional(names) else { return Ok(None) };
        let Value::Array(items) = value else { return Err(self.wrong(&name, "a list of texts", &value)) };
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => texts.push(text),
                other => return Err(self.wrong(&format!("{name}[{index}]"), "a text", &other)),
            }
        }
        Ok(Some(texts))
    }

    /// Takes an optional list of objects. A text is an object that has only the member `short`; `null` is left out. `what`
    /// is the name of an item in rejections.
    pub fn objects(&mut self, name: &str, short: &str, what: &'static str) -> Result<Vec<Self>, Rejection> {
        let Some((name, value)) = self.optional(&[name]) else { return Ok(Vec::new()) };
        let Value::Array(items) = value else { return Err(self.wrong(&name, "a list", &value)) };
        let object = |item| match item {
            Value::String(text) => {
                let left = Map::from_iter([(short.to_owned(), Value::String(text))]);
                Ok(Self { what, code: self.code, from_form: false, left })
            }
            other => Self::of(other, what, self.code),
        };
        items.into_iter().filter(|item| !item.is_null()).map(object).collect()
    }

    /// The names of the members that were not taken, for the answer.
    pub fn ignored(&self) -> Vec<String> {
        let names = self.left.keys().take(NAMED_MAX);
        names.map(|name| echoed_name(name)).collect()
    }

    /// Rejects the first member that was not taken and for which `is_bad` holds.
    pub fn reject_unknown(&self, known: &[&str], is_bad: impl Fn(&str) -> bool) -> Result<(), Rejection> {
        // Every member, and its whole name: a right must not hide behind the bounds of the list of ignored names.
        let mut left = self.left.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name);
        match left.find(|name| is_bad(name)) {
            None => Ok(()),
            Some(name) => {
                let (what, name) = (self.what, echoed_name(name));
                let message =
                    format!("The {what} has no member {name:?}; its members are: {}.", known.join(", "));
                Err(Rejection::new(self.code, message))
            }
        }
    }

    /// The rejection of a member that is missing under all its names.
    pub fn missing(&self, names: &[&str]) -> Rejection {
        let (what, name) = (self.what, names.first().copied().unwrap_or_default());
        Rejection::new(self.code, format!("The {what} needs the member {name}."))
    }

    /// The same after all known members were taken. It names the others, because one of them may be a misspelling.
    pub fn missing_or_misspelt(&self, names: &[&str]) -> Rejection {
        let (missing, ignored) = (self.missing(names), self.ignored());
        match ignored.is_empty() {
            true => missing,
            false => Rejection::new(
                missing.code,
                format!("{} Not known: {}.", missing.message, ignored.join(", ")),
            ),
        }
    }

    /// A rejection with the code of these members.
    pub fn rejection(&self, message: String) -> Rejection {
        Rejection::new(self.code, message)
    }

    fn wrong(&self, name: &str, expected: &str, found: &Value) -> Rejection {
        let found = match found {
            Value::Number(number) => number.to_string(),
            other => kind_of(other).to_owned(),
        };
        let message = format!("{name} in the {} has to be {expected}, not {found}.", self.what);
        Rejection::new(self.code, message)
    }

    /// Takes a member by its name; the exact spelling comes first.
    fn take(&mut self, name: &str) -> Option<(String, Value)> {
        if let Some(value) = self.left.remove(name) {
            return Some((name.to_owned(), value));
        }
        let spelled = self.left.keys().find(|key| key.trim().eq_ignore_ascii_case(name))?.clone();
        self.left.remove(&spelled).map(|value| (spelled, value))
    }

    fn drop_absent(&mut self, names: &[&str]) {
        self.left.retain(|key, value| {
            let is_absent = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
            !(is_absent && names.iter().any(|name| key.trim().eq_ignore_ascii_case(name)))
        });
    }
}

/// A name from a request, cleaned and bounded, so that an answer may repeat it.
pub fn echoed_name(name: &str) -> String {
    clean_line(name).chars().take(NAME_MAX_CHARACTERS).collect()
}

fn is_not_finite(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok_and(|number| !number.is_finite())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Parses JSON. Rejects a fault in our own words; `what` is the name of the text in the rejection, such as "body".
pub fn parse_json(json: &str, what: &str) -> Result<Value, Rejection> {
    serde_json::from_str(json).map_err(|error| {
        let position = format!("line {}, column {}", error.line(), error.column());
        let reason = error.to_string();
        let message = if reason.starts_with("number out of range") {
            format!("A number in the {what} is too large ({position}); at most about 1.8e308 is taken.")
        } else if reason.starts_with("recursion limit") {
            format!("The {what} is not taken: its JSON is nested too deeply.")
        } else if error.is_eof() {
            format!("The {what} is not JSON: it ends too early.")
        } else if has_no_number_near(json, error.line(), error.column()) {
            format!("The {what} is not JSON: NaN and Infinity are no numbers there ({position}).")
        } else {
            format!("The {what} is not JSON ({position}).")
        };
        Rejection::new(Code::BadJson, message)
    })
}

/// Returns true if `NaN` or `Infinity` stands at the position of the error, to within the sign and the first letter.
fn has_no_number_near(json: &str, line: usize, column: usize) -> bool {
    let line = json.lines().nth(line.saturating_sub(1)).unwrap_or_default().as_bytes();
    let near = &line[column.saturating_sub(2).min(line.len())..];
    let near = &near[..near.len().min(10)];
    [&b"NaN"[..], b"nan", b"Infinity", b"inf"]
        .iter()
        .any(|word| near.windows(word.len()).any(|part| part == *word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Members {
        Members::of(value, "body", Code::BadRequest).expect("an object")
    }

    #[test]
    fn a_member_is_found_in_any_case_and_null_or_empty_is_absent() {
        let mut body = members(json!({ "Title": "a", "TEXT": null, "message": "b", "text": "", "foo": 1 }));
        assert_eq!(body.text(&["title"]), Ok(Some("a".into())));
        assert_eq!(body.text(&["text", "message"]), Ok(Some("b".into())));
        assert_eq!(body.ignored(), ["foo"]);
        let mut body = members(json!({ "Text": "other case", "text": "exact" }));
        assert_eq!(body.text(&["text"]), Ok(Some("exact".into())));
        assert_eq!(body.ignored(), ["Text"]);
    }

    #[test]
    fn a_text_of_blanks_is_present_where_blanks_count() {
        let read = |value: Value| members(value).verbatim("password");
        assert_eq!(read(json!({ "Password": "  " })), Ok(Some("  ".into())));
        for absent in [json!({}), json!({ "password": "" }), json!({ "password": null })] {
            assert_eq!(read(absent), Ok(None));
        }
        assert!(read(json!({ "password": 7 })).is_err());
    }

    #[test]
    fn repeated_fields_are_joined() {
        let fields = ["a", "b", "c"].map(|tag| ("tags".to_owned(), tag.to_owned()));
        assert_eq!(Members::of_form(fields, "form").text(&["tags"]), Ok(Some("a,b,c".into())));
    }

    #[test]
    fn a_wrong_member_is_named_with_what_it_should_be() {
        let message = |result: Result<(), Rejection>| result.expect_err("wrong").message;
        let mut body =
            members(json!({ "title": {}, "value": "1", "nan": "NaN", "private": "true", "names": ["a", 7] }));
        assert_eq!(
            message(body.text(&["title"]).map(drop)),
            "title in the body has to be a text, not an object."
        );
        assert!(message(body.number("value").map(drop)).contains("a number, not a text"));
        assert!(message(body.number("nan").map(drop)).contains("finite number; NaN"));
        assert!(message(body.truth("private").map(drop)).contains("true or false, not a text"));
        assert!(message(body.texts(&["names"]).map(drop)).contains("names[1]"));
    }

    #[test]
    fn broken_json_is_rejected_in_words() {
        for (json, words) in [
            ("{", "ends too early"),
            (r#"{"a":1e400}"#, "too large"),
            (r#"{"a":NaN}"#, "NaN and Infinity"),
            (r#"{"a":-Infinity}"#, "NaN and Infinity"),
            ("{'a':1}", "line 1, column 2"),
            (&"[".repeat(1_000), "nested too deeply"),
        ] {
            let message = parse_json(json, "body").expect_err(json).message;
            assert!(message.contains(words), "{message}");
        }
    }
}
