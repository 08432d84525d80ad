//! Texts of people and programs: parsed by the composer before it sends and by the server before it stores.
//!
//! This is the only definition of the characters that a text may contain. Every entry point (HTTP, sockets, Socket.IO,
//! forms) uses it, and the pages once more for texts that were stored before: an HTML document cannot contain every
//! character, and one that it drops would leave the browser with another page than the server drew.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::problem::{Code, Rejection};

/// The longest message, in characters as a person counts them. The seed's chat is for conversation, not for documents.
pub const MESSAGE_MAX_CHARACTERS: usize = 4_000;

/// The most bytes of one text. A "character" can have any number of combining marks; this bounds the storage.
pub const TEXT_MAX_BYTES: usize = 32 * 1024;

/// The number of characters that a person sees in `text`: extended grapheme clusters (UAX #29).
pub fn count_characters(text: &str) -> usize {
    // Most texts are plain; for ASCII without CR a byte is a character.
    if text.is_ascii() && !text.contains('\r') { text.len() } else { text.graphemes(true).count() }
}

/// Returns true for control characters and invisible ones: with them a name could reverse the text around it, be blank,
/// or look like another person's (Unicode's `Default_Ignorable_Code_Point`, except for the joiners that emoji and some
/// scripts need, and the blank of Braille).
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || is_forbidden(c)
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
        || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{2800}')
}

/// Counts the characters of a text: [`count_characters`], or the browser's own segmenter, which needs no tables.
pub type Count = fn(&str) -> usize;

/// The text of a message: not blank, at most [`MESSAGE_MAX_CHARACTERS`], line ends as `\n`, no blank edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// Parses a typed text. Rejects it with [`Code::TextEmpty`] or [`Code::TextTooLong`].
    pub fn parse(typed: &str) -> Result<Self, Rejection> {
        Self::parse_counted(typed, count_characters)
    }

    /// The same with another count.
    pub fn parse_counted(typed: &str, count: Count) -> Result<Self, Rejection> {
        let text = clean(typed);
        let text = text.trim_end().trim_start_matches(['\n', ' ', '\t', '\u{3000}']);
        check_counted(text, MESSAGE_MAX_CHARACTERS, count)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, by value.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Cleans a text for storage and display: line ends become `\n`; control characters, noncharacters and overrides of the
/// surrounding text's direction are left out. Marks and isolates of direction stay, because right-to-left scripts need
/// them.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c == '\r' || is_forbidden(c)) {
        return Cow::Borrowed(text);
    }
    let (mut cleaned, mut after_return) = (String::with_capacity(text.len()), false);
    for c in text.chars() {
        match c {
            '\r' => cleaned.push('\n'),
            '\n' if after_return => {}
            c if is_forbidden(c) => {}
            c => cleaned.push(c),
        }
        after_return = c == '\r';
    }
    Cow::Owned(cleaned)
}

/// The same in one line with white space folded, for titles, tags, units and keys.
pub fn clean_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns true if no text may contain `c`: C0 except tab and line feed, DEL, C1, noncharacters, the byte order mark,
/// and embeddings and overrides of direction, which reach beyond the text that contains them.
pub fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{feff}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Returns true if `text` is invisible: it has only white space and characters that are invisible by themselves, such
/// as joiners, variation selectors and fillers.
pub fn is_blank(text: &str) -> bool {
    let is_unseen = |c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    text.chars().all(|c| c.is_whitespace() || is_forbidden(c) || is_unprintable(c) || is_unseen(c))
}

/// Rejects the text of a member that is blank or has more than `limit` characters.
pub fn check_length(member: &str, text: &str, limit: usize) -> Result<(), Rejection> {
    check(member, text, limit, TEXT_MAX_BYTES, count_characters)
}

/// Rejects a word or title that is blank or too long. `max_bytes` bounds its combining marks.
pub fn check_bounds(member: &str, text: &str, limit: usize, max_bytes: usize) -> Result<(), Rejection> {
    check(member, text, limit, max_bytes, count_characters)
}

fn check_counted(text: &str, limit: usize, count: Count) -> Result<(), Rejection> {
    check("text", text, limit, TEXT_MAX_BYTES, count)
}

fn check(member: &str, text: &str, limit: usize, max_bytes: usize, count: Count) -> Result<(), Rejection> {
    if is_blank(text) {
        return Err(Rejection::new(Code::TextEmpty, format!("The {member} is empty.")));
    }
    let too_long = |number, unit, limit| {
        let message = format!("The {member} has {number} {unit}; at most {limit} {unit} are taken.");
        Err(Rejection::new(Code::TextTooLong, message))
    };
    let characters = count(text);
    match text.len() {
        _ if characters > limit => too_long(characters, "characters", limit),
        bytes if bytes > max_bytes => too_long(bytes, "bytes", max_bytes),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(typed: &str) -> Code {
        MessageText::parse(typed).expect_err("should be rejected").code
    }

    #[test]
    fn a_blank_message_is_rejected() {
        for typed in ["", " ", "\n\n", "\u{3000}", "\0", "\u{7}\u{85}", "\u{ffff}\u{fffe}"] {
            assert_eq!(rejection(typed), Code::TextEmpty, "{typed:?}");
        }
    }

    #[test]
    fn the_limit_counts_as_a_person_counts() {
        let family = "👨‍👩‍👧‍👦"; // one character to a person, 25 bytes
        assert_eq!(count_characters(family), 1);
        assert!(MessageText::parse(&family.repeat(1_000)).is_ok());
        assert!(MessageText::parse(&"が".repeat(4_000)).is_ok());
        assert!(MessageText::parse(&"か\u{3099}".repeat(4_000)).is_ok(), "a base and its mark are one");
        assert_eq!(rejection(&"が".repeat(4_001)), Code::TextTooLong);
        assert_eq!(rejection(&"a".repeat(4_001)), Code::TextTooLong);
    }

    #[test]
    fn combining_marks_are_bounded() {
        assert_eq!(rejection(&format!("a{}", "\u{301}".repeat(20_000))), Code::TextTooLong);
    }

    #[test]
    fn a_text_of_nothing_but_invisible_characters_is_empty() {
        for typed in [
            "\u{200b}",
            "\u{200c}",
            "\u{200d}",
            "\u{2060}",
            "\u{3164}",
            "\u{fe0f}",
            "\u{e0100}",
            "\u{34f}",
            "\u{ad}",
            "\u{feff}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{fff0}\u{1bca0}\u{1d173}",
            "\u{180e}",
            "\u{e0067}\u{e007f}",
            "\u{202e}",
            "\u{2066}\u{2069}",
            "\u{200e}\u{200f}\u{61c}",
            " \u{200b}\n\u{2063} ",
        ] {
            assert_eq!(rejection(typed), Code::TextEmpty, "{typed:?}");
        }
    }

    #[test]
    fn characters_that_scripts_and_emoji_need_are_kept() {
        for typed in [
            "❤\u{fe0f}",
            "👨\u{200d}👩\u{200d}👧\u{200d}👦",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "שלום\u{200f}!",
            "\u{2067}עברית\u{2069} a",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "a\tb\nc",
            "葛\u{e0100}",
        ] {
            assert_eq!(MessageText::parse(typed).expect(typed).as_str(), typed);
        }
    }

    #[test]
    fn characters_that_a_page_cannot_contain_are_left_out() {
        let typed = "a\0\u{1}\u{1b}\u{7f}\u{85}\u{9f}\u{fffe}\u{10ffff}\u{fdd0}\u{202e}\u{feff}b";
        assert_eq!(MessageText::parse(typed).expect("fine").as_str(), "ab");
        assert_eq!(clean_line(" a\r\n\tb\0 "), "a b");
    }

    #[test]
    fn a_rejection_names_the_exceeded_bound() {
        let message = |typed: &str| MessageText::parse(typed).expect_err("too long").message;
        assert!(message(&"a".repeat(4_001)).contains("4001 characters; at most 4000 characters"));
        let bytes = message(&format!("a{}", "\u{301}".repeat(20_000)));
        assert!(bytes.contains("40001 bytes; at most 32768 bytes"), "{bytes}");
    }

    #[test]
    fn line_ends_are_one_kind_and_edges_are_trimmed() {
        let text = MessageText::parse("\n a\r\nb\rc  \n").expect("fine");
        assert_eq!(text.as_str(), "a\nb\nc");
    }
}
