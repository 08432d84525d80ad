//! The words of a text, as the index of the search holds them and as a search looks for them: one pure function for both.
//! `chat` and `feed` make the words of what is stored, `search` those of what is asked for and the marks of what is found.
//!
//! A text is folded first (`fold`), then cut into runs of letters, marks and digits: the words of UAX #29, cut once more at
//! the punctuation within them, so that a part of `read_after` or of an address is found too. Scripts that are written
//! without spaces, and Hangul, whose words have endings, are cut into pairs of characters: no dictionary is needed, and every
//! part of two characters is found. An emoji is a word, as the cluster that it is in UAX #29.
//!
//! Two texts must not be cut in two ways: after a change of what this folder gives, raise [`VERSION`], and the index is made
//! anew.

mod facet;
mod fold;
mod pattern;

use std::ops::Range;

use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup, Script},
};

use self::fold::{Folded, folded};
pub use self::{
    facet::{Facet, facet},
    pattern::{Pattern, Phrase},
};

/// Names what this folder makes of a text. An index of another version is made anew.
pub const VERSION: i64 = 1;

/// Characters of a word; the rest of a longer one is not looked at. PostgreSQL's words have 2,046 bytes at most.
const WORD_MAX_CHARS: usize = 64;
/// Words of a text that are found; a longer text is found by its beginning. PostgreSQL knows 16,383 places of a text.
const WORDS_MAX: usize = 10_000;

/// A word with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The folded word.
    pub text: String,
    /// Its bytes in the text.
    pub bytes: Range<usize>,
    /// The byte of the text at which its first character ends, for a pair that only begins with what is looked for.
    first_end: usize,
    is_pair: bool,
}

/// The part that a character has in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Of a word that stands between spaces.
    Letter,
    /// Of a script of pairs.
    Pair,
    /// A word by itself.
    Symbol,
    /// Belongs to what is before it.
    Mark,
    /// Between words.
    Gap,
}

/// The words of a text that is stored.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for run in runs(&folded(text)) {
        match run.class {
            Class::Pair => pairs(run.parts, &mut words),
            _ => words.push(whole(run.parts)),
        }
        if words.len() >= WORDS_MAX {
            words.truncate(WORDS_MAX);
            break;
        }
    }
    words
}

/// The words of a text that is looked for, which is a part of the text that has it. `None`: it has no words. With
/// `is_beginning` its last word may be the beginning of one.
pub fn phrase(text: &str, is_beginning: bool) -> Option<Phrase> {
    let mut words = words(text);
    let last = words.pop()?;
    let is_alone = words.last().is_none_or(|before| !before.is_pair || before.bytes.end <= last.bytes.start);
    // The last character of a run of pairs: in the text that is looked for, the run may go on.
    match (last.is_pair, is_alone) {
        (true, false) => Some(Phrase { words: texts(words), is_beginning: false }),
        (is_pair, _) => {
            words.push(last);
            Some(Phrase { words: texts(words), is_beginning: is_beginning || is_pair })
        }
    }
}

fn texts(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|word| word.text).collect()
}

/// The bytes of a text in which it has one of the phrases, ascending and apart from each other.
pub fn marks(text: &str, phrases: &[Phrase]) -> Vec<Range<usize>> {
    let words = words(text);
    let mut found: Vec<Range<usize>> = Vec::new();
    for phrase in phrases {
        let places = (0..words.len()).filter(|place| phrase.is_at(&words, *place));
        found.extend(places.map(|place| {
            let end = &words[place + phrase.words.len() - 1];
            let end = if phrase.is_beginning && end.is_pair { end.first_end } else { end.bytes.end };
            words[place].bytes.start..end
        }));
    }
    found.sort_unstable_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Characters of one class that follow each other.
struct Run<'a> {
    class: Class,
    parts: &'a [Folded],
}

fn runs(parts: &[Folded]) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let (mut start, mut class) = (0, Class::Gap);
    let mut close = |class: Class, start: usize, end: usize| {
        if class != Class::Gap && start < end {
            runs.push(Run { class, parts: &parts[start..end] });
        }
    };
    for (at, part) in parts.iter().enumerate() {
        let own = class_of(part.first);
        let next = if own == Class::Mark { class } else { own };
        // Each sign is a word, with the marks on it.
        if next != class || own == Class::Symbol {
            close(class, start, at);
            (start, class) = (at, next);
        }
    }
    close(class, start, parts.len());
    runs
}

fn class_of(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Letter } else { Class::Gap };
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    match category {
        _ if GeneralCategoryGroup::Mark.contains(category) => Class::Mark,
        _ if GeneralCategoryGroup::Symbol.contains(category) => Class::Symbol,
        _ if GeneralCategoryGroup::Letter.contains(category)
            || GeneralCategoryGroup::Number.contains(category) =>
        {
            if is_of_pairs(c) {
                Class::Pair
            } else {
                Class::Letter
            }
        }
        _ => Class::Gap,
    }
}

/// Returns true for the scripts without spaces between words, for Hangul, and for the marks of length and repetition of kana
/// and Han, which belong to no script.
fn is_of_pairs(c: char) -> bool {
    let script = CodePointMapData::<Script>::new().get(c);
    matches!(c, 'ー' | '々' | '〆' | '〇')
        || [
            Script::Han,
            Script::Hiragana,
            Script::Katakana,
            Script::Bopomofo,
            Script::Hangul,
            Script::Thai,
            Script::Lao,
            Script::Khmer,
            Script::Myanmar,
        ]
        .contains(&script)
}

/// The pairs of a run, and its last character, so that each of its characters begins a word: that is how one is found.
fn pairs(parts: &[Folded], words: &mut Vec<Word>) {
    for (at, part) in parts.iter().enumerate() {
        let next = parts.get(at + 1);
        let mut text = part.text.clone();
        text.extend(next.map(|next| next.text.as_str()));
        let end = next.map_or(part.bytes.end, |next| next.bytes.end);
        words.push(Word { text, bytes: part.bytes.start..end, first_end: part.bytes.end, is_pair: true });
    }
}

fn whole(parts: &[Folded]) -> Word {
    let text = parts.iter().take(WORD_MAX_CHARS).map(|part| part.text.as_str()).collect();
    let (start, end) = (parts[0].bytes.start, parts[parts.len() - 1].bytes.end);
    Word { text, bytes: start..end, first_end: parts[0].bytes.end, is_pair: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(text: &str) -> String {
        texts(words(text)).join(" ")
    }

    #[test]
    fn a_text_is_cut_into_words_and_pairs() {
        for (text, expected) in [
            ("Hello, World!", "hello world"),
            ("東京都", "東京 京都 都"),
            ("サーバーが落ちた", "サー ーバ バー ーが が落 落ち ちた た"),
            ("ｻｰﾊﾞｰ", "サー ーバ バー ー"),
            ("第3回", "第 3 回"),
            ("ＡＢＣ１２３", "abc123"),
            ("Größe Straße", "grosse strasse"),
            ("café naïve Łódź", "cafe naive lodz"),
            ("학교에서", "학교 교에 에서 서"),
            ("한국어 공부", "한국 국어 어 공부 부"),
            ("พม่า", "พม ม่ ่า า"),
            ("read_after(offset)", "read after offset"),
            ("https://example.com/a?b=c", "https example com a b c"),
            ("can't — 3.14", "can t 3 14"),
            ("👍🏽 ok 👨‍👩‍👧", "👍 ok 👨👩👧"),
            ("Москва", "москва"),
            ("हिन्दी", "हिन्दी"),
            ("a\u{200b}b", "ab"),
            ("  ", ""),
        ] {
            assert_eq!(line_of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_part_is_looked_for_without_the_end_that_the_text_may_not_have() {
        let phrase_of =
            |text| phrase(text, false).map(|phrase| (phrase.words.join(" "), phrase.is_beginning));
        assert_eq!(phrase_of("東京"), Some(("東京".to_owned(), false)));
        assert_eq!(phrase_of("東"), Some(("東".to_owned(), true)));
        assert_eq!(phrase_of("東京abc"), Some(("東京 京 abc".to_owned(), false)));
        assert_eq!(phrase_of("第3回"), Some(("第 3 回".to_owned(), true)));
        assert_eq!(phrase_of("東京 都"), Some(("東京 京 都".to_owned(), true)));
        assert_eq!(phrase_of("—"), None);
    }

    #[test]
    fn what_was_found_is_marked_in_the_text_as_it_was_written() {
        for (text, wanted, expected) in [
            ("Über die Größe", "grosse", vec!["Größe"]),
            ("東京都と京都", "京都", vec!["京都", "京都"]),
            ("東京都", "都", vec!["都"]),
            ("東京タワーへ", "東京タワー", vec!["東京タワー"]),
            ("ｻｰﾊﾞｰ down", "サーバー", vec!["ｻｰﾊﾞｰ"]),
            ("a b a b c", "a b", vec!["a b", "a b"]),
            ("いいいい", "いい", vec!["いいいい"]),
            ("nothing", "else", vec![]),
        ] {
            let phrase = phrase(wanted, false).expect("words");
            let found: Vec<_> = marks(text, &[phrase]).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_found_by_its_beginning() {
        assert_eq!(words(&"a ".repeat(WORDS_MAX + 5)).len(), WORDS_MAX);
        assert_eq!(words(&"x".repeat(1_000))[0].text.len(), WORD_MAX_CHARS);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::properties::text;

    proptest! {
        #[test]
        fn words_have_nothing_that_a_store_reads_as_a_sign_and_stand_in_the_text(text in text()) {
            for word in words(&text) {
                prop_assert!(!word.text.is_empty());
                let is_plain = |c: char| if c.is_ascii() { c.is_ascii_lowercase() || c.is_ascii_digit() } else { !c.is_whitespace() };
                prop_assert!(word.text.chars().all(is_plain), "{:?}", word.text);
                prop_assert!(text.get(word.bytes.clone()).is_some());
                prop_assert!(text.get(word.bytes.start..word.first_end).is_some());
            }
        }

        #[test]
        fn a_text_has_each_of_its_parts(text in "[a-c あい東京ก่한🦀.-]{1,12}", from in 0..12_usize, to in 0..12_usize) {
            let clusters: Vec<&str> = unicode_segmentation::UnicodeSegmentation::graphemes(&*text, true).collect();
            let (from, to) = (from.min(clusters.len()), to.min(clusters.len()));
            let part: String = clusters[from.min(to)..from.max(to)].concat();
            let is_inside = |at: usize| {
                let word = |c: &&str| c.starts_with(|c: char| c.is_ascii_lowercase());
                at > 0 && at < clusters.len() && word(&clusters[at - 1]) && word(&clusters[at])
            };
            // A word is looked for as a whole.
            prop_assume!(!is_inside(from.min(to)) && !is_inside(from.max(to)));
            if let Some(phrase) = phrase(&part, false) {
                let words = words(&text);
                prop_assert!((0..words.len()).any(|at| phrase.is_at(&words, at)), "{part:?} in {text:?}");
            }
        }
    }
}
