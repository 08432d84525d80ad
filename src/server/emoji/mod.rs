//! Emoji: the ones behind shortcodes such as `:tada:`, and a search by English and Japanese names. `markdown` and
//! `/api/emoji` call it. It knows nothing of messages.

mod search;

use std::borrow::Cow;

pub use search::{Found, search};

/// The longest name of an emoji between its colons.
const NAME_MAX_BYTES: usize = 60;

/// The emoji that the text is, in its full form, or whose shortcode it is, with or without colons.
pub fn parse(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let shortcode = || emojis::get_by_shortcode(text.trim_matches(':'));
    emojis::get(text).or_else(shortcode).map(emojis::Emoji::as_str)
}

/// The shortcode of an emoji, without colons; `None`: the text is no emoji, or one without a shortcode.
pub fn shortcode_of(emoji: &str) -> Option<&'static str> {
    emojis::get(emoji)?.shortcode()
}

/// The emoji whose shortcode begins with the colon at `at`, and the position behind its last colon. A colon within a
/// word begins none: neither `10:100:3` nor `std::x::y` has one.
pub fn shortcode_at(text: &str, at: usize) -> Option<(&'static str, usize)> {
    let bytes = text.as_bytes();
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    if is_word(before) || before == Some(&b':') {
        return None;
    }
    shortcode_after(text, at)
}

fn shortcode_after(text: &str, at: usize) -> Option<(&'static str, usize)> {
    let name = text.get(at + 1..)?;
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_+-".contains(&byte);
    let length = name.bytes().take(NAME_MAX_BYTES).take_while(|byte| is_part(*byte)).count();
    let is_closed = length > 0 && name.as_bytes().get(length) == Some(&b':');
    let continues = name.as_bytes().get(length + 1).is_some_and(u8::is_ascii_alphanumeric);
    if !is_closed || continues {
        return None;
    }
    let emoji = emojis::get_by_shortcode(&name[..length])?;
    Some((emoji.as_str(), at + length + 2))
}

/// Puts the emoji in the place of each shortcode.
pub fn replace_shortcodes(text: &str) -> Cow<'_, str> {
    let (mut replaced, mut written, mut end) = (String::new(), 0, None);
    for (at, _) in text.match_indices(':') {
        if at < written {
            continue;
        }
        // Right behind another one its first colon is not within a word.
        let found = if end == Some(at) { shortcode_after(text, at) } else { shortcode_at(text, at) };
        let Some((emoji, behind)) = found else { continue };
        replaced.push_str(&text[written..at]);
        replaced.push_str(emoji);
        (written, end) = (behind, Some(behind));
    }
    if written == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(&text[written..]);
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcode_becomes_its_emoji() {
        for (typed, shown) in [
            (":tada:", "🎉"),
            ("done :tada::tada:!", "done 🎉🎉!"),
            ("できました:tada:。", "できました🎉。"),
            (":+1: :-1: :white_check_mark:", "👍 👎 ✅"),
        ] {
            assert_eq!(replace_shortcodes(typed), shown);
        }
    }

    #[test]
    fn other_colons_stay() {
        for typed in [
            "10:100:3",
            "std::x::y",
            ":nothing_of_the_kind:",
            ": tada :",
            ":TADA:",
            "a:b:c",
            ":tada",
            "::",
            ":",
        ] {
            assert_eq!(replace_shortcodes(typed), typed);
        }
    }
}
