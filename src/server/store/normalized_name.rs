//! When two names are one: compared as people see them. Accounts are found by it, and attempts to sign in are counted
//! by it.

use icu_normalizer::ComposingNormalizerBorrowed;

/// The name as it is compared: without upper case, in one of the ways to write it (Unicode's NFKC: full-width letters
/// are letters, accents are composed), and without what is not seen and yet allowed (joiners, variation selectors).
/// Letters of different scripts that look alike stay different.
pub fn normalized_name(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_unseen(*c)).collect();
    // Twice: upper case may decompose what was composed.
    let normalizer = ComposingNormalizerBorrowed::new_nfkc();
    normalizer.normalize(&normalizer.normalize(&seen).to_lowercase()).into_owned()
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_one() {
        for name in ["Admin", "ad\u{200d}min", "admin\u{fe0f}", "ａｄｍｉｎ", "ADMIN"] {
            assert_eq!(normalized_name(name), "admin", "{name:?}");
        }
        assert_eq!(normalized_name("Zoe\u{308}"), normalized_name("ZOË"));
        assert_eq!(normalized_name("ｶﾞﾗｽ"), normalized_name("ガラス"));
        assert_ne!(normalized_name("bob"), normalized_name("rob"));
    }
}
