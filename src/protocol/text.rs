//! What people write: parsed once, by the composer before it sends and by the server before it stores.

use unicode_segmentation::UnicodeSegmentation;

use super::problem::{Code, Rejection};

/// Longest message, in characters as a person counts them. The seed's chat is for talk, not for documents.
pub const MESSAGE_MAX_CHARACTERS: usize = 4_000;

/// Most bytes of one text. A "character" can carry any number of combining marks; this bounds what is stored.
const TEXT_MAX_BYTES: usize = 32 * 1024;

/// How many characters a person sees in `text`: extended grapheme clusters (UAX #29).
pub fn count_characters(text: &str) -> usize {
    // Most texts are plain; for ASCII without CR a byte is a character.
    if text.is_ascii() && !text.contains('\r') { text.len() } else { text.graphemes(true).count() }
}

/// Says how many characters a text has: [`count_characters`], or a browser's own way, which needs no tables.
pub type Count = fn(&str) -> usize;

/// The text of a message: not blank, at most [`MESSAGE_MAX_CHARACTERS`], line ends as `\n`, no blank edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// Takes what was typed. Refuses with [`Code::TextEmpty`] or [`Code::TextTooLong`].
    pub fn parse(typed: &str) -> Result<Self, Rejection> {
        Self::parse_counted(typed, count_characters)
    }

    /// The same with another way to count.
    pub fn parse_counted(typed: &str, count: Count) -> Result<Self, Rejection> {
        let text = typed.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
        let text = text.trim_end().trim_start_matches(['\n', ' ', '\t', '\u{3000}']);
        check_counted(text, MESSAGE_MAX_CHARACTERS, count)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, taken out.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Refuses a text that is blank or has more than `limit` characters.
pub fn check_length(text: &str, limit: usize) -> Result<(), Rejection> {
    check_counted(text, limit, count_characters)
}

fn check_counted(text: &str, limit: usize, count: Count) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::new(Code::TextEmpty, "The text is empty."));
    }
    let characters = count(text);
    if characters > limit || text.len() > TEXT_MAX_BYTES {
        let message = format!(
            "The text has {characters} characters ({} bytes); at most {limit} are taken.",
            text.len()
        );
        return Err(Rejection::new(Code::TextTooLong, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(typed: &str) -> Code {
        MessageText::parse(typed).expect_err("should be refused").code
    }

    #[test]
    fn a_blank_message_is_refused() {
        for typed in ["", " ", "\n\n", "\u{3000}", "\0"] {
            assert_eq!(refusal(typed), Code::TextEmpty, "{typed:?}");
        }
    }

    #[test]
    fn the_limit_counts_as_a_person_counts() {
        let family = "👨‍👩‍👧‍👦"; // one character to a person, 25 bytes
        assert_eq!(count_characters(family), 1);
        assert!(MessageText::parse(&family.repeat(1_000)).is_ok());
        assert!(MessageText::parse(&"が".repeat(4_000)).is_ok());
        assert!(MessageText::parse(&"か\u{3099}".repeat(4_000)).is_ok(), "a base and its mark are one");
        assert_eq!(refusal(&"が".repeat(4_001)), Code::TextTooLong);
        assert_eq!(refusal(&"a".repeat(4_001)), Code::TextTooLong);
    }

    #[test]
    fn a_pile_of_marks_cannot_grow_without_end() {
        assert_eq!(refusal(&format!("a{}", "\u{301}".repeat(20_000))), Code::TextTooLong);
    }

    #[test]
    fn line_ends_are_one_kind_and_edges_are_trimmed() {
        let text = MessageText::parse("\n a\r\nb\rc  \n").expect("fine");
        assert_eq!(text.as_str(), "a\nb\nc");
    }
}
