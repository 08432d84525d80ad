//! The bounds of what a sender wrote: a text that is too long is cut where one sees it, a link is an address that a browser
//! opens, a text of strangers mentions nobody, and a colour stands for a level. The doors call it. It must never drop anything
//! without a mark.

use url::Url;

use crate::protocol::{
    feed::Level,
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

/// A text that mentions nobody: behind each sign stands a hair space, with which no name begins. Everywhere, also in code,
/// so that no text that is read as code here and as prose elsewhere gets past it.
pub(super) fn silenced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        out.push(c);
        if matches!(c, '@' | '＠' | '﹫') {
            out.push('\u{200a}');
        }
    }
    out
}

/// The level that a colour (`0xRRGGBB`) stands for: red is an error and orange a warning, as senders use them.
pub(super) fn level_of_color(color: u32) -> Level {
    let [_, red, green, blue] = color.to_be_bytes();
    match (red, green, blue) {
        (0xb0.., ..=0x60, ..=0x70) => Level::Error,
        (0xc0.., 0x61..=0xd8, ..=0x70) => Level::Warning,
        _ => Level::default(),
    }
}
