//! The search of emoji by what people call them: shortcodes, English names, and Japanese names and words. The Japanese
//! ones are those of Unicode's CLDR (`ja.txt`: emoji, name, words; its licence is docs/licences/cldr.txt).

use std::{collections::HashMap, sync::LazyLock};

use emojis::{Emoji, SkinTone};
use serde::Serialize;

/// An emoji that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The emoji.
    pub emoji: &'static str,
    /// Its shortcode without the colons.
    pub shortcode: &'static str,
    /// Its English name.
    pub name: &'static str,
    /// Its Japanese name.
    pub name_ja: &'static str,
    /// The same with each skin tone from light to dark, if it has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skin_tones: Option<[&'static str; 5]>,
}

/// The skin tones, from light to dark.
const TONES: [SkinTone; 5] =
    [SkinTone::Light, SkinTone::MediumLight, SkinTone::Medium, SkinTone::MediumDark, SkinTone::Dark];

/// The emoji with each skin tone, if it has them.
fn skin_tones(emoji: &'static Emoji) -> Option<[&'static str; 5]> {
    let toned = TONES.map(|tone| emoji.with_skin_tone(tone).map(Emoji::as_str));
    toned.iter().all(Option::is_some).then(|| toned.map(Option::unwrap_or_default))
}

/// The emoji that people use most, most used first: they stand before others that are found as well.
const USUAL: [&str; 48] = [
    "+1",
    "heart",
    "joy",
    "tada",
    "pray",
    "eyes",
    "smile",
    "fire",
    "rocket",
    "white_check_mark",
    "clap",
    "thinking",
    "bow",
    "sob",
    "raised_hands",
    "ok_hand",
    "wave",
    "muscle",
    "100",
    "sparkles",
    "smiley",
    "grin",
    "sweat_smile",
    "wink",
    "blush",
    "heart_eyes",
    "sunglasses",
    "cry",
    "scream",
    "angry",
    "rage",
    "star",
    "warning",
    "x",
    "question",
    "exclamation",
    "bulb",
    "bug",
    "memo",
    "coffee",
    "beer",
    "beers",
    "sushi",
    "cake",
    "cat",
    "dog",
    "sunny",
    "-1",
];

static JAPANESE: &str = include_str!("ja.txt");

struct Entry {
    found: Found,
    shortcodes: Vec<&'static str>,
    /// The English name and the Japanese name and words, as they are compared.
    name: String,
    name_ja: String,
    words_ja: Vec<String>,
}

/// All emoji, the usual ones first, the others in Unicode's order.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let lines = JAPANESE.lines().filter_map(|line| line.split_once('\t'));
    let japanese: HashMap<&str, &'static str> = lines.collect();
    let entry = |emoji: &'static Emoji| {
        let shortcode = emoji.shortcode()?;
        let line: &'static str = japanese.get(emoji.as_str()).copied().unwrap_or_default();
        let (name_ja, words) = line.split_once('\t').unwrap_or((line, ""));
        Some(Entry {
            found: Found {
                emoji: emoji.as_str(),
                shortcode,
                name: emoji.name(),
                name_ja,
                skin_tones: skin_tones(emoji),
            },
            shortcodes: emoji.shortcodes().collect(),
            name: folded(emoji.name()),
            name_ja: folded(name_ja),
            words_ja: words.split(' ').map(folded).collect(),
        })
    };
    let mut entries: Vec<Entry> = emojis::iter().filter_map(entry).collect();
    let rank = |entry: &Entry| {
        USUAL.iter().position(|usual| entry.shortcodes.contains(usual)).unwrap_or(USUAL.len())
    };
    entries.sort_by_cached_key(rank);
    entries
});

/// Finds emoji by a part of a name, best first, at most `limit`. An empty query finds the usual ones.
pub fn search(query: &str, limit: usize) -> Vec<Found> {
    let query = folded(query.trim());
    let mut found: Vec<(u8, &Entry)> =
        ENTRIES.iter().filter_map(|entry| Some((distance(entry, &query)?, entry))).collect();
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().take(limit).map(|(_, entry)| entry.found).collect()
}

/// The distance of an emoji from the query; `None`: it does not match.
fn distance(entry: &Entry, query: &str) -> Option<u8> {
    let is_shortcode = |test: fn(&str, &str) -> bool| entry.shortcodes.iter().any(|code| test(code, query));
    let begins = |text: &str| text.starts_with(query);
    let tests: [&dyn Fn() -> bool; 6] = [
        &|| is_shortcode(|code, query| code == query) || entry.name_ja == query,
        &|| is_shortcode(|code, query| code.starts_with(query)) || begins(&entry.name_ja),
        &|| entry.words_ja.iter().any(|word| begins(word)),
        &|| entry.name.split(' ').any(begins) || (query.contains(' ') && entry.name.contains(query)),
        &|| is_shortcode(|code, query| code.split('_').any(|word| word.starts_with(query))),
        &|| entry.name_ja.contains(query) || is_shortcode(|code, query| code.contains(query)),
    ];
    tests.iter().position(|test| test()).map(|at| at as u8)
}

/// The form in which names are compared: lower case, Katakana as Hiragana, full-width letters as others.
fn folded(text: &str) -> String {
    let fold = |c: char| match c {
        '\u{30a1}'..='\u{30f6}' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(fold).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(query: &str) -> &'static str {
        search(query, 8).first().map_or("", |found| found.emoji)
    }

    #[test]
    fn an_emoji_is_found_by_its_names_in_both_languages() {
        for (query, emoji) in [
            ("tada", "🎉"),
            ("ta", "🎉"),
            ("TADA", "🎉"),
            ("クラッカー", "🎉"),
            ("くらっか", "🎉"),
            ("お祝い", "🎉"),
            ("rocket", "🚀"),
            ("ロケット", "🚀"),
            ("+1", "👍"),
            ("いいね", "👍"),
            ("ｔａｄａ", "🎉"),
            ("Party pop", "🎉"),
            ("dog face", "🐶"),
        ] {
            assert_eq!(first(query), emoji, "{query}");
        }
        assert!(search("party", 8).iter().any(|found| found.emoji == "🎉"));
        assert!(search("nothing of the kind", 8).is_empty());
    }

    #[test]
    fn an_emoji_of_people_has_its_skin_tones() {
        let [thumb, hands, tada] = ["thumbsup", "handshake", "tada"].map(|query| search(query, 1)[0]);
        assert_eq!(thumb.skin_tones, Some(["👍🏻", "👍🏼", "👍🏽", "👍🏾", "👍🏿"]));
        assert_eq!(hands.skin_tones.map(|tones| tones[0]), Some("🤝🏻"), "two people have the same one");
        assert_eq!(tada.skin_tones, None);
        assert!(
            search("", USUAL.len())
                .iter()
                .flat_map(|found| found.skin_tones)
                .flatten()
                .all(|toned| { crate::server::emoji::parse(toned) == Some(toned) })
        );
    }

    #[test]
    fn the_usual_ones_come_without_a_query_and_each_has_a_japanese_name() {
        let usual = search("", USUAL.len());
        assert_eq!(usual[0].emoji, "👍");
        for (found, shortcode) in usual.iter().zip(USUAL) {
            assert_eq!(
                emojis::get_by_shortcode(shortcode).map(emojis::Emoji::as_str),
                Some(found.emoji),
                "{shortcode}"
            );
            assert!(!found.name_ja.is_empty(), "{shortcode}");
        }
        assert_eq!(search("a", 3).len(), 3);
    }
}
