//! The bounds of what a sender wrote: a text that is too long is cut where one sees it, and a link is an address that a
//! browser opens. The doors call it. It must never drop anything without a mark.

use url::Url;

use crate::protocol::{
    publication::is_web_address,
    text::{MESSAGE_MAX_CHARACTERS, TEXT_MAX_BYTES, count_characters},
};

/// The most characters of an address, as the protocol has it.
pub(super) const ADDRESS_MAX_CHARACTERS: usize = 2_000;

/// Stands at the end of a message that was cut.
const CUT: &str = "\n\n[…]";

/// Returns true for an address that a page may link to.
pub(super) fn is_address(url: &str) -> bool {
    let is_short = url.chars().count() <= ADDRESS_MAX_CHARACTERS;
    is_short && is_web_address(url) && Url::parse(url).is_ok_and(|url| url.has_host())
}

/// Cuts a text that has more characters than it may, and marks the place. Marks count by themselves, so the bytes are
/// bounded, too.
pub(super) fn cut(text: &str, max_characters: usize, mark: &str) -> String {
    if text.chars().count() <= max_characters {
        return text.to_owned();
    }
    let kept = max_characters.saturating_sub(mark.chars().count());
    let mut text: String = text.chars().take(kept).collect();
    text.truncate(text.trim_end().len());
    text + mark
}

/// A text within the limits of messages, whose end says that it was cut.
pub(super) fn within_message(text: String) -> String {
    match text.len() <= TEXT_MAX_BYTES && count_characters(&text) <= MESSAGE_MAX_CHARACTERS {
        true => text,
        false => cut(&text, MESSAGE_MAX_CHARACTERS, CUT),
    }
}
