//! Encoded words in headers: `=?utf-8?B?…?=` (RFC 2047), as mail tools and some notifiers send titles. `headers.rs`
//! calls it. Our own code, because the crate for it brings a parser generator and a stack switcher written in
//! assembler.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use encoding_rs::Encoding;

use crate::server::http::extract::charset::encoding_for;

/// Base64 with optional padding, because many senders leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes the encoded words of a text and joins those that only white space separates (RFC 2047, 6.2). Senders that
/// fold lines may split a character between two of them, so neighbours in one charset are decoded together. Words that
/// cannot be decoded stay as they are.
pub(super) fn decode(text: &str) -> String {
    let (mut decoded, mut rest) = (String::new(), text);
    let mut run: Option<Run> = None;
    while let Some(start) = rest.find("=?") {
        let (between, from) = rest.split_at(start);
        let Some(word) = word_at(from) else {
            run.take().into_iter().for_each(|run| run.end(&mut decoded));
            decoded.push_str(between);
            decoded.push_str("=?");
            rest = &from[2..];
            continue;
        };
        rest = &from[word.length..];
        match &mut run {
            Some(run) if between.trim().is_empty() && run.charset == word.charset => {
                run.extend(between, word)
            }
            _ => {
                let is_gap = run.is_some() && between.trim().is_empty();
                run.take().into_iter().for_each(|run| run.end(&mut decoded));
                decoded.push_str(if is_gap { "" } else { between });
                run = Some(Run { charset: word.charset, bytes: word.bytes, raw: word.raw.to_owned() });
            }
        }
    }
    run.into_iter().for_each(|run| run.end(&mut decoded));
    decoded + rest
}

/// One encoded word.
struct Word<'a> {
    charset: &'static Encoding,
    bytes: Vec<u8>,
    raw: &'a str,
    length: usize,
}

/// Consecutive words in one charset.
struct Run {
    charset: &'static Encoding,
    bytes: Vec<u8>,
    raw: String,
}

impl Run {
    fn extend(&mut self, between: &str, word: Word<'_>) {
        self.bytes.extend(word.bytes);
        self.raw.extend([between, word.raw]);
    }

    fn end(self, decoded: &mut String) {
        match self.charset.decode_without_bom_handling_and_without_replacement(&self.bytes) {
            Some(text) => decoded.push_str(&text),
            None => decoded.push_str(&self.raw),
        }
    }
}

fn word_at(text: &str) -> Option<Word<'_>> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (content, after) = rest.split_once("?=")?;
    // The language follows a `*` (RFC 2231, 5).
    let charset = charset.split('*').next().unwrap_or_default();
    let bytes = match encoding {
        "B" | "b" => BASE64.decode(content).ok()?,
        "Q" | "q" => quoted(content)?,
        _ => return None,
    };
    let charset = encoding_for(charset)?;
    let length = text.len() - after.len();
    Some(Word { charset, bytes, raw: &text[..length], length })
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
            ("=?us-ascii?Q?gr=C3=BC?=", "grü"),
            ("=?ANSI_X3.4-1968?Q?gr=C3=BC?=", "grü"),
            ("=?us-ascii?Q?gr=FC?=", "=?us-ascii?Q?gr=FC?="),
            ("=?cp932?Q?=82=A0?=", "あ"),
            ("=?iso-2022-jp?B?GyRCJCIbKEI=?=", "あ"),
            ("=?utf-8?B?4w==?= =?utf-8?B?gYI=?=", "あ"),
            ("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"),
            ("plain", "plain"),
            ("a =? b ?= c", "a =? b ?= c"),
            ("=?klingon?Q?x?= =?utf-8?B?/w==?=", "=?klingon?Q?x?= =?utf-8?B?/w==?="),
            ("=?utf-8?Q?=?=", "=?utf-8?Q?=?="),
        ] {
            assert_eq!(decode(text), expected);
        }
    }
}
