//! The conditions of `follow --until`: a member of an event and its value.

use std::str::FromStr;

use serde_json::Value;

/// A member has a value; of a list one of its values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    name: String,
    value: String,
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        let (name, value) = parts.ok_or("write NAME=VALUE, such as key=backup")?;
        Ok(Self { name: name.trim().to_owned(), value: value.to_owned() })
    }
}

impl Condition {
    /// Returns true for an event with this value.
    pub(super) fn holds(&self, event: &Value) -> bool {
        match &event[&self.name] {
            Value::Array(values) => values.iter().any(|value| self.is(value)),
            value => self.is(value),
        }
    }

    fn is(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => *text == self.value,
            // 3.0 is what the server makes of 3.
            Value::Number(number) => {
                self.value.parse().is_ok_and(|wanted: f64| number.as_f64() == Some(wanted))
            }
            Value::Bool(truth) => truth.to_string() == self.value,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_compared_by_their_values() {
        let event = json!({"key": "a=b", "done": 3.0, "tags": ["x", "y"], "markdown": true});
        for (text, expected) in [
            ("key=a=b", true),
            ("key=a", false),
            ("done=3", true),
            ("done=4", false),
            ("tags=y", true),
            ("tags=z", false),
            ("markdown=true", true),
            ("level=", false),
        ] {
            assert_eq!(text.parse::<Condition>().expect(text).holds(&event), expected, "{text}");
        }
        for text in ["", "key", "=x"] {
            text.parse::<Condition>().expect_err(text);
        }
    }
}
