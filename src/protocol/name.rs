//! The names of people, rooms and channels, parsed into valid values. The server parses every name from outside; the
//! pages use the limits.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    problem::{Code, Rejection},
    text::{count_characters, is_blank, is_unprintable},
};

/// The longest name of a person or a room, in characters: it fits one line of the lists.
pub const NAME_MAX_CHARACTERS: usize = 40;
/// The longest channel name, in characters.
pub const CHANNEL_MAX_CHARACTERS: usize = 64;

/// The most bytes of a name, because a character can have any number of combining marks.
const NAME_MAX_BYTES: usize = 400;

/// Parses the name of a person or a room: folds white space, and rejects control characters and invisible ones with
/// [`Code::BadName`].
pub fn parse_name(typed: &str) -> Result<String, Rejection> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    let bad = |message| Err(Rejection::new(Code::BadName, message));
    let characters = count_characters(&name);
    if characters > NAME_MAX_CHARACTERS {
        return bad(format!(
            "The name has {characters} characters; at most {NAME_MAX_CHARACTERS} are taken."
        ));
    }
    if name.len() > NAME_MAX_BYTES {
        return bad(format!("The name has {} bytes; at most {NAME_MAX_BYTES} are taken.", name.len()));
    }
    if let Some(c) = name.chars().find(|c| is_unprintable(*c)) {
        return bad(format!("The name has the character U+{:04X}, which is not seen.", u32::from(c)));
    }
    if is_blank(&name) {
        return bad(format!("The name is empty; it has 1 to {NAME_MAX_CHARACTERS} characters."));
    }
    Ok(name)
}

/// The most bytes of a room's id. Longer than a name: the normalized form, by which names are compared, may be longer
/// than the name.
pub const ID_MAX_BYTES: usize = 3 * NAME_MAX_BYTES;

/// Returns true if a room's id may have this character. The server creates ids by tables of letters and marks, which a
/// browser need not load; this check accepts every character above ASCII that is visible and does not separate words.
pub fn is_id_character(c: char) -> bool {
    match c {
        '-' | '_' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        c => !c.is_whitespace() && !is_unprintable(c),
    }
}

/// A room's id, in addresses and frames: letters, marks and digits of any script, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomId(String);

impl RoomId {
    /// Parses an id from an address or a frame. A text that cannot be an id names no room: [`Code::UnknownRoom`].
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let fits = (1..=ID_MAX_BYTES).contains(&text.len());
        if !fits || !text.chars().all(is_id_character) {
            return Err(Rejection::new(Code::UnknownRoom, "There is no such room."));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<RoomId> for String {
    fn from(id: RoomId) -> Self {
        id.0
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parses a channel's name: ASCII letters, digits, `.`, `-`, `_`, because it stands in addresses and in `?channel=a,b`.
/// Rejects others with [`Code::BadChannel`].
pub fn parse_channel(text: &str) -> Result<String, Rejection> {
    let fits = (1..=CHANNEL_MAX_CHARACTERS).contains(&text.len());
    if !fits || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        let message =
            format!("A channel's name has 1 to {CHANNEL_MAX_CHARACTERS} of the characters A-Z a-z 0-9 . - _");
        return Err(Rejection::new(Code::BadChannel, message));
    }
    if matches!(text, "." | "..") {
        // An address takes these for a folder, so the channel would have no page.
        let message = "A channel's name cannot be . or .. alone.";
        return Err(Rejection::new(Code::BadChannel, message));
    }
    Ok(text.to_owned())
}

/// The channel of a single server's own values, and the beginning of the names of nodes' channels.
pub const NODE_CHANNEL: &str = "server";

/// A key that the values of every node have.
pub const NODE_KEY: &str = "deliveries";

/// Returns true for a channel with a name of those in which servers publish the values that they measure of themselves. What
/// somebody else publishes may be called so as well.
pub fn is_of_node(channel: &str) -> bool {
    let rest = channel.strip_prefix(NODE_CHANNEL);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_script_and_loses_extra_space() {
        assert_eq!(parse_name("  花子   さん ").expect("fine"), "花子 さん");
    }

    #[test]
    fn a_name_that_could_deceive_is_rejected() {
        for typed in [
            "",
            "   ",
            "\u{3164}",
            "\u{200d}",
            "\u{fe0f}\u{200c}",
            "a\u{ffff}",
            "\u{2800}",
            "alice\u{2060}",
            "a\u{202e}b",
            "a\u{7}b",
            "\u{200b}",
            &"x".repeat(41),
        ] {
            assert_eq!(parse_name(typed).expect_err("bad").code, Code::BadName, "{typed:?}");
        }
    }

    #[test]
    fn an_id_has_only_characters_of_one_path_segment() {
        assert_eq!(RoomId::parse("井-a").expect("fine").as_str(), "井-a");
        for text in ["", "a/b", "a b", "a.b", "a\u{200b}", "..", "a\0"] {
            assert_eq!(RoomId::parse(text).expect_err("no id").code, Code::UnknownRoom, "{text:?}");
        }
    }

    #[test]
    fn a_channel_with_a_slash_or_a_comma_is_rejected() {
        for text in ["", ".", "..", "a/b", "a,b", "チャンネル", &"c".repeat(65)] {
            assert_eq!(parse_channel(text).expect_err("bad").code, Code::BadChannel, "{text:?}");
        }
        assert_eq!(parse_channel("ops.db-1").expect("fine"), "ops.db-1");
        assert_eq!(parse_channel("...").expect("fine"), "...");
    }
}
