//! The form in which the names of people are compared where they stand in a text: by their clusters, each a character with the
//! marks that belong to it. So the form of the first clusters of a text is the beginning of the form of all of it, which
//! Unicode's normalization of a whole text does not promise. `people` and `mentions` call it.

use std::ops::Range;

use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup},
};

use crate::server::store::normalized_name::normalized_name;

/// A character of a text with its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    /// Its bytes in the text.
    pub(super) bytes: Range<usize>,
    /// The form in which it is compared.
    pub(super) key: String,
}

/// The form in which a name is compared: without regard to width and case.
pub(super) fn name_key(name: &str) -> String {
    clusters(name).into_iter().map(|cluster| cluster.key).collect()
}

/// The clusters of a text.
pub(super) fn clusters(text: &str) -> Vec<Cluster> {
    let mut starts: Vec<usize> =
        text.char_indices().filter(|(_, c)| !continues(*c)).map(|(at, _)| at).collect();
    if starts.first().is_none_or(|first| *first > 0) && !text.is_empty() {
        starts.insert(0, 0); // marks without a character
    }
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    let cluster =
        |(start, end): (usize, usize)| Cluster { bytes: start..end, key: normalized_name(&text[start..end]) };
    starts.iter().copied().zip(ends).map(cluster).collect()
}

/// Returns true for a character that belongs to the one before it: marks, the voiced signs of half-width kana, the vowels and
/// the last consonants of Hangul that is written by its parts, and joiners.
fn continues(c: char) -> bool {
    let is_mark = || GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c));
    match c {
        '\u{ff9e}' | '\u{ff9f}' | '\u{1160}'..='\u{11ff}' | '\u{200c}' | '\u{200d}' => true,
        c if c.is_ascii() => false,
        _ => is_mark(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::properties::text;

    #[test]
    fn names_that_look_the_same_have_one_key() {
        for (name, other) in [
            ("Alice", "ＡＬＩＣＥ"),
            ("Zoë", "zoe\u{308}"),
            ("ガラス", "ｶﾞﾗｽ"),
            ("花子 さん", "花子\u{3000}さん"),
            ("각", "\u{1100}\u{1161}\u{11a8}"),
        ] {
            assert_eq!(name_key(name), name_key(other), "{name}");
        }
        assert_ne!(name_key("ハ"), name_key("バ"));
    }

    proptest! {
        #[test]
        fn the_key_of_a_beginning_begins_the_key_of_the_whole(text in text()) {
            let clusters = clusters(&text);
            let whole = name_key(&text);
            let mut end = 0;
            for cluster in &clusters {
                prop_assert_eq!(cluster.bytes.start, end, "no text is lost");
                end = cluster.bytes.end;
                prop_assert!(whole.starts_with(&name_key(&text[..end])));
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
