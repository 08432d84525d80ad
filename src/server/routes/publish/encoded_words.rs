//! Encoded words in headers: `=?utf-8?B?…?=` (RFC 2047), as mail tools and some notifiers send titles. `headers.rs` calls it.
//! Own code: the crate for it brings a parser generator and a stack switcher written in assembler.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use encoding_rs::Encoding;

/// Many senders leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text with its encoded words decoded. What looks like one and cannot be decoded stays as it is.
pub(super) fn decode(text: &str) -> String {
    let (mut decoded, mut rest, mut after_word) = (String::new(), text, false);
    while let Some(start) = rest.find("=?") {
        let (between, word) = rest.split_at(start);
        match word_at(word) {
            Some((text, length)) => {
                // White space between two encoded words belongs to neither (RFC 2047, 6.2).
                if !(after_word && between.trim().is_empty()) {
                    decoded.push_str(between);
                }
                decoded.push_str(&text);
                (rest, after_word) = (&word[length..], true);
            }
            None => {
                decoded.push_str(between);
                decoded.push_str("=?");
                (rest, after_word) = (&word[2..], false);
            }
        }
    }
    decoded + rest
}

/// The encoded word at the start of `text`, decoded, and its length in bytes.
fn word_at(text: &str) -> Option<(String, usize)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (content, after) = rest.split_once("?=")?;
    // A language may stand behind the charset (RFC 2231, 5).
    let charset = charset.split('*').next().unwrap_or_default();
    let bytes = match encoding {
        "B" | "b" => BASE64.decode(content).ok()?,
        "Q" | "q" => quoted(content)?,
        _ => return None,
    };
    let charset = Encoding::for_label_no_replacement(charset.as_bytes())?;
    let decoded = charset.decode_without_bom_handling_and_without_replacement(&bytes)?.into_owned();
    Some((decoded, text.len() - after.len()))
}

/// The `Q` encoding: `_` is a space, `=E4` a byte.
fn quoted(content: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::with_capacity(content.len()), content.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'_' => bytes.push(b' '),
            b'=' => {
                let hex = std::str::from_utf8(after.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(hex, 16).ok()?);
                rest = &after[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded_and_joined() {
        for (text, expected) in [
            ("=?utf-8?B?w6TDtsO8?=", "äöü"),
            ("=?UTF-8?q?gr=C3=BC=C3=9Fe_all?= done", "grüße all done"),
            ("=?iso-8859-1?Q?a=E4?= =?iso-8859-1?Q?b?=", "aäb"),
            ("=?utf-8*en?B?aGk?=", "hi"),
            ("=?iso-2022-jp?B?GyRCJCIbKEI=?=", "あ"),
            ("plain", "plain"),
            ("a =? b ?= c", "a =? b ?= c"),
            ("=?klingon?Q?x?= =?utf-8?B?/w==?=", "=?klingon?Q?x?= =?utf-8?B?/w==?="),
            ("=?utf-8?Q?=?=", "=?utf-8?Q?=?="),
        ] {
            assert_eq!(decode(text), expected);
        }
    }
}
