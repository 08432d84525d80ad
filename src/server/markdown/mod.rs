//! Markdown: the HTML of a message, made from its text. `chat` calls it once for each message that a node encodes, and
//! the preview for a text that is not sent yet. The text is what is stored; the HTML never is.
//!
//! `dialect` makes of what people type in a chat what CommonMark means by it, pulldown-cmark parses that, and `render`
//! writes the HTML. None of it may pass on a tag, an attribute or an address of the author: the elements are those of
//! `render`, and everything else is text.

use std::ops::Range;

mod dialect;
pub mod highlight;
mod render;

/// The place of a name in a text, and for each of whom it names an attribute and its value.
pub type FoundName = (Range<usize>, Vec<(&'static str, String)>);

/// Finds the names in a part of a text, ascending and never overlapping.
pub type FindNames<'a> = dyn Fn(&str) -> Vec<FoundName> + 'a;

/// Returns the HTML of a text with its names marked, or `None` if it has neither names nor markup.
pub fn html_with_names(text: &str, names: &FindNames<'_>) -> Option<String> {
    let source = may_have_markup(text).then(|| dialect::of(text)).flatten();
    let html = source.and_then(|source| render::render(&source, Some(names)));
    html.or_else(|| render::plain_with_names(text, names))
}

/// Returns the HTML of a text, or `None` if the text has no markup and reads the same without.
pub fn html_of(text: &str) -> Option<String> {
    if !may_have_markup(text) {
        return None;
    }
    let source = dialect::of(text)?;
    render::render(&source, None)
}

/// The texts of a message outside of its code and its addresses, as a reader sees them, in their order. Whatever has a meaning
/// in words has it here and nowhere else.
pub fn prose(text: &str) -> Vec<String> {
    let source = may_have_markup(text).then(|| dialect::of(text)).flatten();
    source.and_then(|source| render::prose(&source)).unwrap_or_else(|| render::plain_prose(text))
}

/// A text as a reader sees it, without the signs of its markup: a line for each block, each item of a list and each row of a
/// table, with its code, and with the words of its links.
pub fn plain_text(text: &str) -> String {
    let source = may_have_markup(text).then(|| dialect::of(text)).flatten();
    source.map_or_else(|| text.to_owned(), |source| render::plain_text(&source))
}

/// The blocks of code in a text, in the order in which its HTML has them.
pub fn code_blocks(text: &str) -> Vec<CodeBlock> {
    let source = may_have_markup(text).then(|| dialect::of(text)).flatten();
    source.map(|source| render::code_blocks(&source)).unwrap_or_default()
}

/// A block of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeBlock {
    /// The word behind the fence; may be empty, and of no language that anybody knows.
    pub language: String,
    /// The code.
    pub code: String,
}

/// Returns the HTML of any text, as a preview shows it.
pub fn preview(text: &str) -> String {
    html_of(text).unwrap_or_else(|| render::plain(text))
}

/// Returns false for nearly every text without markup, at the price of one look at each of its bytes.
fn may_have_markup(text: &str) -> bool {
    let mut starts_line = true;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'*' | b'_' | b'`' | b'[' | b'|' | b'\\' => return true,
            b'~' if text.as_bytes().get(at + 1) == Some(&b'~') => return true,
            b'>' | b'#' | b'-' | b'0'..=b'9' if starts_line => return true,
            b':' if crate::server::emoji::shortcode_at(text, at).is_some() => return true,
            _ => {}
        }
        starts_line = byte == b'\n' || starts_line && matches!(byte, b' ' | b'\t');
    }
    false
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
