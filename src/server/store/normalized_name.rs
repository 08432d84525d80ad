//! Equality of user names as people see them. Accounts are found by the normalized name, and sign-in attempts are
//! counted by it.

use icu_normalizer::ComposingNormalizerBorrowed;

/// The form in which names are compared: lower case, Unicode's NFKC (full-width letters become plain letters, accents
/// are composed), and without characters that are allowed but invisible (joiners, variation selectors). Letters of
/// different scripts that look alike stay different.
pub fn normalized_name(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_unseen(*c)).collect();
    // Normalized twice: lower-casing may decompose a composed character.
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
