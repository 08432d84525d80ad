//! Which rooms or channels a token is good for: a name, or how names begin.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest pattern, in bytes: the longest name of a room with room for the star.
const MAX_BYTES: usize = 401;

/// `ops`, `ops-*` or `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// The text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern is a name, or how names begin and a *, such as ops, ops-* or *")]
pub struct BadPattern;

impl Pattern {
    /// Whether the name is one of those that are meant.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.0,
        }
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let name = text.strip_suffix('*').unwrap_or(text);
        let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if is_name && (1..=MAX_BYTES).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadPattern)
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = BadPattern;

    fn try_from(text: String) -> Result<Self, BadPattern> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_how_names_begin() {
        let matches = |pattern: &str, name| pattern.parse::<Pattern>().expect("a pattern").matches(name);
        assert!(matches("ops", "ops") && !matches("ops", "ops-db") && !matches("ops", "op"));
        assert!(matches("ops-*", "ops-db") && matches("ops-*", "ops-") && !matches("ops-*", "ops"));
        assert!(matches("*", "anything") && matches("井戸*", "井戸端"));
        for text in ["", "a*b", "**", "a b", "a/b", "*a"] {
            text.parse::<Pattern>().expect_err(text);
        }
    }
}
