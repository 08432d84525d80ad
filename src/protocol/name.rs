//! The names of people, rooms and channels: parsed, so that a bad one cannot be held.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    json::{Decode, Json},
    problem::{Code, Rejection},
    text::count_characters,
};

/// Longest name of a person or a room, in characters: what fits one line of the lists.
pub const NAME_MAX_CHARACTERS: usize = 40;
/// Longest channel name, in characters.
pub const CHANNEL_MAX_CHARACTERS: usize = 64;

/// Most bytes in a name, whatever its characters are made of.
const NAME_MAX_BYTES: usize = 400;

/// Takes the name a person or a room shall have: no control or direction-changing characters, white space folded.
pub fn parse_name(typed: &str) -> Result<String, Rejection> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    let characters = count_characters(&name);
    let fits = (1..=NAME_MAX_CHARACTERS).contains(&characters) && name.len() <= NAME_MAX_BYTES;
    if !fits || name.chars().any(is_unprintable) {
        let message = format!("A name has 1 to {NAME_MAX_CHARACTERS} printable characters.");
        return Err(Rejection::new(Code::BadName, message));
    }
    Ok(name)
}

/// Control characters, and characters that are not seen: with them a name could turn the text around it, be blank,
/// or look like somebody else's (Unicode's `Default_Ignorable_Code_Point`, but for the joiners that emoji and some
/// scripts need).
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// A room's id: stands in addresses and frames. Letters and digits of any script, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomId(String);

impl RoomId {
    /// Takes an id from an address or a frame. What cannot be an id cannot be a room: [`Code::UnknownRoom`].
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let fits = (1..=NAME_MAX_BYTES).contains(&text.len());
        if !fits || !text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(Rejection::new(Code::UnknownRoom, "There is no such room."));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id of a room with this name: `Team Talk!` is `team-talk`. A name without a letter or digit has none.
    pub fn of_name(name: &str) -> Result<Self, Rejection> {
        let lower = name.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
        Self::parse(&words.join("-"))
            .map_err(|_| Rejection::new(Code::BadName, "A room's name needs a letter or a digit."))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of the room's page, percent-encoded as browsers have it (RFC 3986, 2.1).
    pub fn path(&self) -> String {
        let encode = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        format!("/rooms/{}", self.0.bytes().map(encode).collect::<String>())
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Decode for RoomId {
    fn decode(json: &impl Json) -> Option<Self> {
        json.text().map(Self)
    }
}

/// Takes a channel's name: ASCII letters, digits, `.`, `-`, `_`; it stands in addresses and in `?channel=a,b`.
pub fn parse_channel(text: &str) -> Result<String, Rejection> {
    let fits = (1..=CHANNEL_MAX_CHARACTERS).contains(&text.len());
    if !fits || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        let message =
            format!("A channel's name has 1 to {CHANNEL_MAX_CHARACTERS} of the characters A-Z a-z 0-9 . - _");
        return Err(Rejection::new(Code::BadChannel, message));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_script_and_loses_extra_space() {
        assert_eq!(parse_name("  花子   さん ").expect("fine"), "花子 さん");
    }

    #[test]
    fn a_name_that_could_deceive_is_refused() {
        for typed in
            ["", "   ", "\u{3164}", "alice\u{2060}", "a\u{202e}b", "a\u{7}b", "\u{200b}", &"x".repeat(41)]
        {
            assert_eq!(parse_name(typed).expect_err("bad").code, Code::BadName, "{typed:?}");
        }
    }

    #[test]
    fn a_rooms_id_comes_from_its_name() {
        assert_eq!(RoomId::of_name("Team Talk!").expect("fine").as_str(), "team-talk");
        assert_eq!(RoomId::of_name("井戸端 会議").expect("fine").as_str(), "井戸端-会議");
        assert_eq!(RoomId::of_name("井 a").expect("fine").path(), "/rooms/%E4%BA%95-a");
        assert_eq!(RoomId::of_name("!!!").expect_err("no letters").code, Code::BadName);
    }

    #[test]
    fn a_channel_with_a_slash_or_a_comma_is_refused() {
        for text in ["", "a/b", "a,b", "チャンネル", &"c".repeat(65)] {
            assert_eq!(parse_channel(text).expect_err("bad").code, Code::BadChannel, "{text:?}");
        }
        assert_eq!(parse_channel("ops.db-1").expect("fine"), "ops.db-1");
    }
}
