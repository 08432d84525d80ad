//! Properties: hostile tokens and key files cause no panic, and no identity that was not signed.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::server::auth::pattern::Pattern;

proptest! {
    #[test]
    fn no_text_is_a_token_by_chance(text in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}"]) {
        prop_assert!(hs256(&[]).verify(&text).is_err());
    }

    #[test]
    fn a_token_with_one_letter_changed_is_refused(place in any::<prop::sample::Index>(), by in "[A-Za-z0-9._-]") {
        let good = token(json!({ "name": "Alice", "role": "admin" }));
        let place = place.index(good.len());
        let changed = format!("{}{by}{}", &good[..place], &good[place + 1..]);
        prop_assert!(changed == good || hs256(&[]).verify(&changed).is_err(), "{}", changed);
    }

    #[test]
    fn any_claims_are_understood_or_refused(
        sub in any::<String>(),
        name in any::<String>(),
        lists in vec(vec("\\PC{0,6}", 0..4), 2),
        exp in any::<f64>(),
        nbf in any::<i64>(),
    ) {
        let said = json!({ "sub": sub, "name": name, "rooms": lists[0], "channels": lists[1] });
        for claims in [claims(said.clone()), claims(json!({ "sub": sub, "exp": exp, "nbf": nbf }))] {
            let token = signed(&Header::new(Algorithm::HS256), &claims, &secret_key());
            if let Ok(read) = hs256(&[]).verify(&token) {
                prop_assert_eq!(&read.user.id, &sub);
                prop_assert!(crate::protocol::name::parse_name(&read.user.name).is_ok());
            }
        }
    }

    #[test]
    fn any_file_has_keys_in_it_or_is_refused(
        bytes in vec(any::<u8>(), 0..60),
        text in "-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/\n]{0,80}={0,2}\n-----END PUBLIC KEY-----\n",
        parts in vec("[A-Za-z0-9_-]{0,50}", 3),
    ) {
        let [x, y, n] = &parts[..] else { unreachable!("three") };
        let jwk = |kty, crv| json!({ "keys": [{ "kty": kty, "crv": crv, "x": x, "y": y, "n": n, "e": y, "kid": n }] });
        let sets = [jwk("OKP", "Ed25519"), jwk("EC", "P-256"), jwk("RSA", "")];
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            for bytes in [&bytes[..], text.as_bytes()] {
                let _ = KeySet::from_pem(algorithm, bytes);
                let _ = KeySet::from_jwks(algorithm, bytes);
            }
            for set in &sets {
                let _ = KeySet::from_jwks(algorithm, set.to_string().as_bytes());
            }
        }
    }

    #[test]
    fn a_pattern_covers_what_it_says_and_no_more(text in any::<String>(), name in "[a-c-]{0,4}", beginning in "[a-c-]{0,3}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(pattern.as_str(), &text);
        }
        let pattern = Pattern::parse(&format!("{beginning}*")).expect("letters and a star");
        prop_assert_eq!(pattern.matches(&name), name.starts_with(&beginning));
    }
}
