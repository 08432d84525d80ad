//! Patterns of the rooms or channels a token is for: a name, or the beginning of a name and a `*`. The claims of
//! another system's tokens and publishers hold them; every check of such a right calls [`Pattern::matches`] or
//! [`covers`]. A pattern is never more than that: no `*` in the middle, no regular expressions, so that a right can be
//! read as it is written.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::protocol::{
    name::{ID_MAX_BYTES, is_id_character},
    problem::{Code, Rejection},
};

/// Most bytes of a pattern: the longest room id, and the `*`.
const PATTERN_MAX_BYTES: usize = ID_MAX_BYTES + 1;

/// `ops` is that name alone, `ops-*` every name that begins so (`ops-` too), `*` every name. Compared letter by letter
/// with a room's id or a channel's name: `Ops` is not `ops`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// Accepts the characters of room ids and channel names, and one `*` at the end. Rejects with [`Code::BadRequest`].
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let name = text.strip_suffix('*').unwrap_or(text);
        let fits = (1..=PATTERN_MAX_BYTES).contains(&text.len());
        if !fits || !name.chars().all(|c| c == '.' || is_id_character(c)) {
            let message = "A pattern is a channel name, or the start of one followed by *.";
            return Err(Rejection::new(Code::BadRequest, message));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns true if the pattern covers this room id or channel name.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => self.0 == name,
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns true if one of the patterns covers this room id or channel name.
pub fn covers(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Pattern {
    type Error = Rejection;

    fn try_from(text: String) -> Result<Self, Rejection> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_a_name_or_what_begins_so() {
        for (pattern, covered, not_covered) in [
            ("ops", vec!["ops"], vec!["", "op", "ops-db", "Ops", "ops*"]),
            ("ops-*", vec!["ops-", "ops-db", "ops-db-1"], vec!["ops", "xops-db", "OPS-db"]),
            ("*", vec!["ops", "井戸端", ""], vec![]),
            ("井*", vec!["井戸端"], vec!["戸"]),
        ] {
            let parsed = Pattern::parse(pattern).expect(pattern);
            for name in covered {
                assert!(parsed.matches(name), "{pattern} covers {name}");
            }
            for name in not_covered {
                assert!(!parsed.matches(name), "{pattern} does not cover {name}");
            }
        }
    }

    #[test]
    fn what_no_name_could_be_is_no_pattern() {
        for text in ["", "**", "a*b", "*a", "a b", "a,b", "a/b", "a?", &"a".repeat(1_202)] {
            assert_eq!(Pattern::parse(text).expect_err(text).code, Code::BadRequest, "{text}");
        }
    }

    #[test]
    fn a_pattern_is_a_plain_text_in_json_and_checked_there_too() {
        let pattern: Pattern = serde_json::from_str(r#""ops-*""#).expect("a pattern");
        assert_eq!(serde_json::to_string(&pattern).expect("plain data"), r#""ops-*""#);
        serde_json::from_str::<Pattern>(r#""a*b""#).expect_err("no pattern");
    }
}
