//! Finds the names after `@` or `＠` in a text: the longest that somebody has, whatever its width and case, and never within a
//! word or an e-mail address. It knows no room: the caller says which names there are.

use std::{collections::HashMap, ops::Range};

use super::super::name_key::{Cluster, clusters};

/// The signs that are looked at in a text. More than that are no mentions: a text has 50 at most.
pub(super) const SIGNS_MAX: usize = 100;

/// The clusters after a sign of which a name may be made: twice as many as a name has characters, for names whose characters
/// are written by their parts.
const NAME_CLUSTERS_MAX: usize = 80;

/// A sign in a text, and where a name after it could end.
struct Sign {
    start: usize,
    /// The end in the text and the form of the name, the shortest first.
    names: Vec<(usize, String)>,
}

/// The forms of everything that could be a name in these texts.
pub(super) fn candidates(texts: &[String]) -> Vec<String> {
    let signs = texts.iter().flat_map(|text| signs(text)).take(SIGNS_MAX);
    let mut keys: Vec<_> = signs.flat_map(|sign| sign.names).map(|(_, key)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The names in a text that are known, by their form, with their places: ascending, never overlapping, each with its sign.
pub(super) fn find<'a, T>(text: &str, known: &'a HashMap<String, T>) -> Vec<(Range<usize>, &'a T)> {
    let (mut found, mut end) = (Vec::new(), 0);
    for Sign { start, names } in signs(text).into_iter().take(SIGNS_MAX) {
        let longest = names.into_iter().rev().find_map(|(end, key)| Some((end, known.get(&key)?)));
        if let Some((name_end, what)) = longest.filter(|_| start >= end) {
            end = name_end;
            found.push((start..name_end, what));
        }
    }
    found
}

fn signs(text: &str) -> Vec<Sign> {
    if !has_sign(text) {
        return Vec::new();
    }
    let clusters = clusters(text);
    let is_sign = |at: &usize| clusters[*at].key == "@" && may_begin(&clusters[..*at]);
    let sign = |at: usize| Sign { start: clusters[at].bytes.start, names: names_at(&clusters[at + 1..]) };
    (0..clusters.len()).filter(is_sign).take(SIGNS_MAX).map(sign).collect()
}

/// Returns true if a text may have a mention, at the price of a look at its characters.
pub(super) fn has_sign(text: &str) -> bool {
    text.contains(['@', '＠', '﹫'])
}

/// The names that could begin here, and their ends.
fn names_at(clusters: &[Cluster]) -> Vec<(usize, String)> {
    let (mut key, mut names) = (String::new(), Vec::new());
    for (at, cluster) in clusters.iter().enumerate().take(NAME_CLUSTERS_MAX) {
        key.push_str(&cluster.key);
        let is_name = !key.is_empty() && !key.starts_with(' ') && !key.ends_with(' ');
        if is_name && may_end(&key, &clusters[at + 1..]) {
            names.push((cluster.bytes.end, key.clone()));
        }
    }
    names
}

/// Returns true if a sign after these clusters is no part of a word or an address.
fn may_begin(before: &[Cluster]) -> bool {
    let last = before.iter().rev().find_map(|cluster| cluster.key.chars().last());
    last.is_none_or(|last| !is_spaced(last) && !matches!(last, '_' | '@'))
}

/// Returns true if a name with this form may end before these clusters.
fn may_end(key: &str, after: &[Cluster]) -> bool {
    let mut after = after.iter().flat_map(|cluster| cluster.key.chars());
    let (next, second) = (after.next(), after.next());
    let last_is_spaced = key.chars().last().is_some_and(is_spaced);
    let goes_on = match next {
        Some('.' | '-' | '_' | '@') => second.is_some_and(is_spaced),
        Some(next) => is_spaced(next),
        None => false,
    };
    !(goes_on && last_is_spaced)
}

/// Returns true for letters and digits of scripts that put spaces between words. In the others a name touches what stands
/// around it.
fn is_spaced(c: char) -> bool {
    let is_unspaced = matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1100..=0x11ff | 0x1780..=0x17ff // Thai, Lao, Burmese, Hangul by parts, Khmer
        | 0x3005..=0x3007 | 0x3031..=0x3035 | 0x3040..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9f // signs and kana
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff // kanji
        | 0x3130..=0x318f | 0xac00..=0xd7ff // Hangul, whose particles touch the word
    );
    c.is_alphanumeric() && !is_unspaced
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::{super::super::name_key::name_key, *};
    use crate::{protocol::properties::text, server::store::normalized_name::normalized_name};

    fn known(names: &[&str]) -> HashMap<String, String> {
        names.iter().map(|name| (name_key(name), (*name).to_owned())).collect()
    }

    /// The names that are found, and the texts in which they stand.
    fn found<'a>(text: &'a str, names: &[&str]) -> Vec<(String, &'a str)> {
        let known = known(names);
        find(text, &known).into_iter().map(|(place, name)| (name.clone(), &text[place])).collect()
    }

    fn names_in(text: &str, names: &[&str]) -> Vec<String> {
        found(text, names).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_name_is_found_after_either_sign_whatever_its_width_and_case() {
        for text in [
            "@Alice",
            "hi @alice!",
            "(@ALICE)",
            "＠ａｌｉｃｅ",
            "see @alice's",
            "@alice, @",
            "cc:@alice.",
            "@alice-さん",
            "@alice\nhi",
        ] {
            assert_eq!(names_in(text, &["Alice"]), ["Alice"], "{text}");
        }
        assert_eq!(found("hi ＠Ａlice!", &["alice"]), [("alice".to_owned(), "＠Ａlice")]);
    }

    #[test]
    fn within_a_word_or_an_address_there_is_none() {
        for text in [
            "a@b.org",
            "a.b@alice",
            "x_@alice",
            "@@alice",
            "é@alice",
            "@aliceb",
            "@alice1",
            "@alice_b",
            "@alice.org",
            "@alice-b",
            "@alice@b.org",
            "@ alice",
            "@",
            "alice",
            "а@alice",
        ] {
            assert_eq!(names_in(text, &["alice", "b"]), [] as [&str; 0], "{text}");
        }
    }

    #[test]
    fn the_longest_name_counts() {
        let names = ["Al", "Al Capone", "al capone jr"];
        for (text, expected) in [
            ("@al", "Al"),
            ("@al capone", "Al Capone"),
            ("@Al Capone Jr.", "al capone jr"),
            ("@al caponex", "Al"),
            ("@al\u{3000}capone", "Al Capone"),
        ] {
            assert_eq!(names_in(text, &names), [expected], "{text}");
        }
    }

    #[test]
    fn names_touch_kana_and_kanji() {
        let names = ["花子", "花", "bob", "ガラス", "ハ"];
        for (text, expected) in [
            ("日本語@花子さん", vec!["花子"]),
            ("＠花子、＠花。", vec!["花子", "花"]),
            ("これ@bobさん", vec!["bob"]),
            ("@ｶﾞﾗｽさん", vec!["ガラス"]),
            ("@ﾊﾞ", vec![]),
            ("@花子@bob", vec!["花子", "bob"]),
            ("@か\u{3099}", vec![]),
        ] {
            assert_eq!(names_in(text, &names), expected, "{text}");
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        let pieces = [
            "@",
            "＠",
            "alice",
            "Ａｌｉｃｅ",
            "al",
            "花子",
            "花",
            " ",
            "\u{3000}",
            ".",
            "-",
            "_",
            "さん",
            "ｶﾞ",
            "e\u{301}",
            "é",
            "\n",
            "b",
        ];
        vec(select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
    }

    const NAMES: [&str; 8] = ["alice", "Al", "花子", "花", "alice al", "b", "é", "ガ"];

    proptest! {
        #[test]
        fn whatever_the_text_places_are_in_it_and_never_overlap(text in prop_oneof![text(), any_text()]) {
            let known = known(&NAMES);
            let mut end = 0;
            for (place, name) in find(&text, &known) {
                prop_assert!(place.start >= end && place.end > place.start);
                end = place.end;
                let written = text.get(place).expect("on the borders of characters");
                prop_assert_eq!(name_key(&written[written.chars().next().expect("a sign").len_utf8()..]), name_key(name));
                prop_assert!(candidates(std::slice::from_ref(&text)).contains(&name_key(name)));
            }
        }

        #[test]
        fn a_text_in_another_form_has_the_same_mentions(text in any_text()) {
            prop_assert_eq!(names_in(&normalized_name(&text), &NAMES), names_in(&text, &NAMES));
        }

        #[test]
        fn signs_without_end_are_no_mentions_without_end(count in 90..140usize) {
            prop_assert!(find(&"@b ".repeat(count), &known(&["b"])).len() <= SIGNS_MAX);
        }
    }
}
