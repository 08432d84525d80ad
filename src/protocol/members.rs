//! Reads the members of a JSON object that another program sent, and says in words what is wrong with one. Bodies of
//! requests, frames of sockets and payloads of Socket.IO are read by it; what they mean is theirs to say.
//!
//! Names are found in any case. A member that is `null`, or an empty text where it may be left out, is absent. What
//! nobody took is left over, to be named in the answer or refused.

use serde_json::{Map, Value};

use super::{
    problem::{Code, Rejection},
    text::{clean_line, is_blank},
};

/// Most names that an answer lists of what was not read, and most characters of each: enough to find the misspelling.
pub const NAMED_MAX: usize = 20;
const NAME_MAX_CHARACTERS: usize = 64;

/// The members of one object that were not taken yet.
#[derive(Debug)]
pub struct Members {
    /// What the object is called in a refusal, such as "body".
    what: &'static str,
    code: Code,
    from_form: bool,
    left: Map<String, Value>,
}

impl Members {
    /// Takes an object. `what` is its name in refusals, `code` their code.
    pub fn of(value: Value, what: &'static str, code: Code) -> Result<Self, Rejection> {
        match value {
            Value::Object(left) => Ok(Self { what, code, from_form: false, left }),
            other => {
                let message = format!("The {what} has to be a JSON object, not {}.", kind_of(&other));
                Err(Rejection::new(code, message))
            }
        }
    }

    /// The fields of a form: every value is a text, also one that stands for a number.
    pub fn of_form(fields: impl IntoIterator<Item = (String, String)>, what: &'static str) -> Self {
        let mut left = Map::new();
        for (name, value) in fields {
            match left.get_mut(&name) {
                // Of several fields with one name the values add up, as in repeated headers.
                Some(Value::String(known)) => known.extend([",", value.as_str()]),
                _ => drop(left.insert(name, Value::String(value))),
            }
        }
        Self { what, code: Code::BadRequest, from_form: true, left }
    }

    /// The same members under another name and code in refusals.
    pub fn named(self, what: &'static str, code: Code) -> Self {
        Self { what, code, ..self }
    }

    /// The first of these members that is there, with the name it has. Absent are `null` and, in what may be left out,
    /// the empty text.
    pub fn optional(&mut self, names: &[&str]) -> Option<(String, Value)> {
        self.drop_absent(names);
        names.iter().find_map(|name| self.take(name))
    }

    /// An optional text, also an empty one that may be left out.
    pub fn text(&mut self, names: &[&str]) -> Result<Option<String>, Rejection> {
        match self.optional(names) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text)),
            Some((name, other)) => Err(self.wrong(&name, "a text", &other)),
        }
    }

    /// An optional text that is what it is down to its blanks, as a password may be. Absent are `null` and the empty text.
    pub fn verbatim(&mut self, name: &str) -> Result<Option<String>, Rejection> {
        match self.take(name) {
            None | Some((_, Value::Null)) => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some((name, other)) => Err(self.wrong(&name, "a text", &other)),
        }
    }

    /// A text that has to be there, and may be empty: whoever wants it otherwise says so by a code of its own.
    pub fn required_text(&mut self, names: &[&str]) -> Result<String, Rejection> {
        let mut found: Vec<_> = names.iter().filter_map(|name| self.take(name)).collect();
        found.retain(|(_, value)| !value.is_null());
        // One that is empty is told as that only where no other says something.
        let said = found.iter().position(|(_, value)| !value.as_str().is_some_and(is_blank));
        let chosen = (!found.is_empty()).then(|| found.swap_remove(said.unwrap_or(0)));
        self.left.extend(found);
        match chosen {
            Some((_, Value::String(text))) => Ok(text),
            Some((name, other)) => Err(self.wrong(&name, "a text", &other)),
            None => Err(self.missing(names)),
        }
    }

    /// An optional number, as an IEEE double.
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

    /// A number that has to be there.
    pub fn required_number(&mut self, name: &str) -> Result<f64, Rejection> {
        self.number(name)?.ok_or_else(|| self.missing(&[name]))
    }

    /// An optional whole number from 0 up.
    pub fn count(&mut self, name: &str) -> Result<Option<u32>, Rejection> {
        let Some((name, value)) = self.optional(&[name]) else { return Ok(None) };
        let count = value.as_u64().map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        count.map(Some).ok_or_else(|| self.wrong(&name, "a whole number from 0 up", &value))
    }

    /// An optional `true` or `false`. Only `null` is absent: an empty text is no answer to a question of rights.
    pub fn truth(&mut self, name: &str) -> Result<Option<bool>, Rejection> {
        match self.take(name) {
            None | Some((_, Value::Null)) => Ok(None),
            Some((_, Value::Bool(truth))) => Ok(Some(truth)),
            Some((name, other)) => Err(self.wrong(&name, "true or false", &other)),
        }
    }

    /// An optional list of texts; members of it that are `null` or empty are left out.
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

    /// The names of what was not taken, for the answer.
    pub fn ignored(&self) -> Vec<String> {
        let names = self.left.keys().take(NAMED_MAX);
        names.map(|name| told(name)).collect()
    }

    /// Refuses the first member that was not taken and for which `is_bad` holds.
    pub fn refuse_left(&self, known: &[&str], is_bad: impl Fn(&str) -> bool) -> Result<(), Rejection> {
        // All of them, however many there are, and whole: a right must not hide behind what is only told in part.
        let mut left = self.left.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name);
        match left.find(|name| is_bad(name)) {
            None => Ok(()),
            Some(name) => {
                let (what, name) = (self.what, told(name));
                let message =
                    format!("The {what} has no member {name:?}; its members are: {}.", known.join(", "));
                Err(Rejection::new(self.code, message))
            }
        }
    }

    /// The refusal of a member that is missing under all its names.
    pub fn missing(&self, names: &[&str]) -> Rejection {
        let (what, name) = (self.what, names.first().copied().unwrap_or_default());
        Rejection::new(self.code, format!("The {what} needs the member {name}."))
    }

    /// The same when all that is known was taken: one of the others may have been meant, so they are named.
    pub fn missing_at_the_end(&self, names: &[&str]) -> Rejection {
        let (missing, ignored) = (self.missing(names), self.ignored());
        match ignored.is_empty() {
            true => missing,
            false => Rejection::new(
                missing.code,
                format!("{} Not known: {}.", missing.message, ignored.join(", ")),
            ),
        }
    }

    fn wrong(&self, name: &str, expected: &str, found: &Value) -> Rejection {
        let message = format!("{name} in the {} has to be {expected}, not {}.", self.what, kind_of(found));
        Rejection::new(self.code, message)
    }

    /// Takes a member by its name, by its exact spelling if there are several.
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

/// A name that somebody sent, as it may be told back.
pub fn told(name: &str) -> String {
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

/// Reads JSON; what is wrong with it is said in our words. `what` is its name in the refusal, such as "body".
pub fn parse_json(json: &str, what: &str) -> Result<Value, Rejection> {
    serde_json::from_str(json).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let said = error.to_string();
        let message = if said.starts_with("number out of range") {
            format!("A number in the {what} is too large ({place}); at most about 1.8e308 is taken.")
        } else if said.starts_with("recursion limit") {
            format!("The {what} is not taken: its JSON is nested too deeply.")
        } else if error.is_eof() {
            format!("The {what} is not JSON: it ends too early.")
        } else if has_no_number_near(json, error.line(), error.column()) {
            format!("The {what} is not JSON: NaN and Infinity are no numbers there ({place}).")
        } else {
            format!("The {what} is not JSON ({place}).")
        };
        Rejection::new(Code::BadJson, message)
    })
}

/// Whether `NaN` or `Infinity` stands where reading ended, to within the sign and the first letter.
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
    fn a_text_of_blanks_alone_is_there_where_each_blank_counts() {
        let read = |value: Value| members(value).verbatim("password");
        assert_eq!(read(json!({ "Password": "  " })), Ok(Some("  ".into())));
        for absent in [json!({}), json!({ "password": "" }), json!({ "password": null })] {
            assert_eq!(read(absent), Ok(None));
        }
        assert!(read(json!({ "password": 7 })).is_err());
    }

    #[test]
    fn fields_of_one_name_add_up() {
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
    fn broken_json_is_told_in_words() {
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
