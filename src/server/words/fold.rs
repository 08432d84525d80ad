//! Folds a text: what people write in several ways and mean as one becomes one. Each cluster (UAX #29) is folded by itself,
//! so that a folded character knows its bytes in the text. `words` is the caller.

use std::ops::Range;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, Script},
};
use unicode_segmentation::UnicodeSegmentation;

/// Characters of an emoji: the longest family has seven. A cluster may have thousands of marks and joined signs.
const SYMBOL_MAX_CHARS: usize = 16;

/// A folded character, or a folded emoji, with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) text: String,
    /// Its first character.
    pub(super) first: char,
    /// Its bytes in the text: those of its whole cluster.
    pub(super) bytes: Range<usize>,
}

/// The folded characters of a text, in order.
pub(super) fn folded(text: &str) -> Vec<Folded> {
    let mut parts = Vec::with_capacity(text.len());
    for (start, cluster) in text.grapheme_indices(true) {
        let bytes = start..start + cluster.len();
        if let [byte] = cluster.as_bytes() {
            let first = char::from(byte.to_ascii_lowercase());
            parts.push(Folded { text: first.to_string(), first, bytes });
            continue;
        }
        let text = fold(cluster);
        match text.chars().next() {
            Some(first) if is_symbol(first) => {
                let text = text.chars().take(SYMBOL_MAX_CHARS).collect();
                parts.push(Folded { text, first, bytes });
            }
            _ => parts.extend(text.chars().map(|first| Folded {
                text: first.to_string(),
                first,
                bytes: bytes.clone(),
            })),
        }
    }
    parts
}

/// Returns true for emoji and other signs, which are one word with all that belongs to them.
fn is_symbol(c: char) -> bool {
    !c.is_ascii() && CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::OtherSymbol
}

/// NFKC, which makes the width of kana and of Latin letters one, then lower case, then Latin and Greek letters without their
/// accents. In other scripts marks are parts of the letter: a dakuten or a vowel makes another word.
fn fold(cluster: &str) -> String {
    let seen: String = cluster.chars().filter(|c| !is_unseen(*c)).collect();
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(&seen).to_lowercase();
    let mut text = String::with_capacity(composed.len());
    let mut is_plain_base = false;
    for c in composed.chars().filter(|c| !is_unseen(*c)) {
        match c {
            '\u{300}'..='\u{36f}' if is_plain_base => {}
            _ if c.is_ascii() => {
                is_plain_base = true;
                text.push(c);
            }
            _ => {
                is_plain_base =
                    matches!(CodePointMapData::<Script>::new().get(c), Script::Latin | Script::Greek);
                if is_plain_base { text.push_str(&without_accents(c)) } else { text.push(c) }
            }
        }
    }
    text
}

/// A Latin or Greek letter without accents. Strokes and ligatures are no accents to Unicode, but to who has no key for them.
fn without_accents(c: char) -> String {
    let plain = match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ł' => "l",
        'ŧ' => "t",
        'þ' => "th",
        'ı' => "i",
        'ς' => "σ",
        _ => {
            let mut buffer = [0; 4];
            let parts =
                DecomposingNormalizerBorrowed::new_nfd().normalize(c.encode_utf8(&mut buffer)).into_owned();
            return parts.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).collect();
        }
    };
    plain.to_owned()
}

/// Returns true for what no reader sees or looks for: joiners, marks of direction, soft hyphens, selectors of a form, the
/// colour of an emoji's skin, and signs of a trade mark, of which NFKC would make letters.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '™' | '℠' | '\u{e0100}'..='\u{e01ef}')
        || (!c.is_ascii() && CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_with_marks_without_end_is_a_short_word() {
        let text = format!("🦀{}", "\u{301}".repeat(5_000));
        assert_eq!(folded(&text)[0].text.chars().count(), SYMBOL_MAX_CHARS);
        assert_eq!(folded(&text).len(), 1);
    }

    #[test]
    fn what_people_mean_as_one_is_one() {
        for (one, other) in [
            ("Straße", "STRASSE"),
            ("Zoë", "zoe\u{308}"),
            ("ガラス", "ｶﾞﾗｽ"),
            ("ＩＤ", "id"),
            ("Ελλάς", "ελλασ"),
            ("İstanbul", "istanbul"),
            ("각", "\u{1100}\u{1161}\u{11a8}"),
            ("soft\u{ad}ware", "software"),
            ("Ångström", "angstrom"),
        ] {
            let text = |text: &str| folded(text).into_iter().map(|part| part.text).collect::<String>();
            assert_eq!(text(one), text(other));
        }
        assert_ne!(fold("ハ"), fold("バ"));
        assert_ne!(fold("ひ"), fold("ヒ"));
        assert_eq!(fold("й"), "й");
    }
}
