//! Choosing the key that checks a token, rejecting bad keys, and rotating keys.

use jsonwebtoken::jwk::Jwk;

use super::*;
use crate::server::auth::keys::KeyError;

/// A JWK set of public keys and their names.
fn jwks(algorithm: Algorithm, keys: &[(&str, &EncodingKey)]) -> String {
    let keys = keys.iter().map(|(kid, key)| {
        let mut jwk = Jwk::from_encoding_key(key, algorithm).expect("a test key");
        jwk.common.key_id = Some((*kid).to_owned());
        serde_json::to_value(jwk).expect("plain data")
    });
    json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
}

fn named(algorithm: Algorithm, kid: Option<&str>) -> Header {
    Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) }
}

#[test]
fn a_public_key_checks_its_own_signatures_only() {
    for (algorithm, flag, key, public, other) in public_key_algorithms() {
        let keys = Keys::new(public);
        let issuer = issuer(&["--jwt-algorithm", flag, "--jwt-public-key", &keys.path()]).expect("good");
        let header = named(algorithm, Some("any name: there is one key"));
        issuer.verify(&signed(&header, &claims(json!({})), &key)).expect(flag);
        let forged = signed(&header, &claims(json!({})), &other);
        assert_eq!(issuer.verify(&forged), Err(TokenRejection::WrongSignature), "{flag}");
    }
}

#[test]
fn a_sets_keys_go_by_their_names() {
    for (algorithm, flag, key, _, other) in public_key_algorithms() {
        let keys = Keys::new(&jwks(algorithm, &[("one", &key), ("two", &other)]));
        let issuer = issuer(&["--jwt-algorithm", flag, "--jwt-jwks", &keys.path()]).expect("good");
        let with = |kid, key| issuer.verify(&signed(&named(algorithm, kid), &claims(json!({})), key));
        with(Some("one"), &key).expect(flag);
        with(Some("two"), &other).expect(flag);
        assert_eq!(with(Some("two"), &key), Err(TokenRejection::WrongSignature), "{flag}");
        assert_eq!(with(Some("three"), &key), Err(TokenRejection::UnknownKey), "{flag}");
        assert_eq!(with(None, &key), Err(TokenRejection::UnknownKey), "{flag}: it could be either");
        keys.write(&jwks(algorithm, &[("one", &key)]));
        with(None, &key).expect("there is only one");
    }
}

#[test]
fn a_key_that_does_not_fit_the_algorithm_is_not_used() {
    let fits = |flag, set: &Value| {
        let keys = Keys::new(&set.to_string());
        match issuer(&["--jwt-algorithm", flag, "--jwt-jwks", &keys.path()]) {
            Ok(_) => Ok(()),
            Err(IssuerError::KeyFile { error: KeyFileError::Key(error), .. }) => Err(error),
            Err(other) => panic!("{other}"),
        }
    };
    for (algorithm, flag, key, _, other) in public_key_algorithms() {
        let set: Value = serde_json::from_str(&jwks(algorithm, &[("one", &key)])).expect("JSON");
        assert_eq!(fits(flag, &set), Ok(()), "{flag}");
        let others = public_key_algorithms().into_iter().filter(|one| one.1 != flag).map(|one| one.1);
        let without_alg = changed(&set, "alg", Value::Null);
        assert_eq!(fits(flag, &without_alg), Ok(()), "{flag}: alg may be left out");
        for other in others {
            assert_eq!(fits(other, &set), Err(none_fits(other)), "{flag} for {other}");
            assert_eq!(fits(other, &without_alg), Err(none_fits(other)), "{flag} for {other}");
        }
        for (member, value) in [
            ("alg", json!("PS256")),
            ("alg", json!("none")),
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("crv", json!("P-384")),
            ("x", json!("AAAA")),
            ("n", json!("AAAA")),
        ] {
            let is_there = set["keys"][0].get(member).is_some() || matches!(member, "use" | "key_ops");
            if is_there {
                let set = changed(&set, member, value);
                assert_eq!(fits(flag, &set), Err(none_fits(flag)), "{set}");
            }
        }
        let twice: Value =
            serde_json::from_str(&jwks(algorithm, &[("one", &key), ("one", &other)])).expect("JSON");
        assert_eq!(fits(flag, &twice), Err(KeyError::Ambiguous), "{flag}");
        let secret = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0", "kid": "s" }] });
        assert_eq!(fits(flag, &secret), Err(none_fits(flag)));
        let mut mixed = set;
        let keys = mixed["keys"].as_array_mut().expect("an array");
        keys.extend([json!({ "kty": "new" }), json!(7), secret["keys"][0].clone()]);
        assert_eq!(fits(flag, &mixed), Ok(()), "{flag}: others are passed over");
    }
    assert_eq!(fits("RS256", &json!({ "keys": [] })), Err(none_fits("RS256")));
    assert!(matches!(fits("RS256", &json!([])), Err(KeyError::Jwks { .. })));
}

/// The set with this member of its first key changed, or removed by `null`.
fn changed(set: &Value, member: &str, value: Value) -> Value {
    let mut set = set.clone();
    let key = set["keys"][0].as_object_mut().expect("a key");
    if value.is_null() {
        key.remove(member)
    } else {
        key.insert(member.to_owned(), value)
    };
    set
}

fn none_fits(flag: &str) -> KeyError {
    KeyError::NoneFits(flag.parse().expect("an algorithm"))
}

#[test]
fn a_file_that_is_no_public_key_for_the_algorithm_is_refused_at_the_start() {
    for (flag, text) in [
        ("RS256", ""),
        ("RS256", pem::RSA),
        ("RS256", pem::EC_PUBLIC),
        ("RS256", pem::SHORT_RSA_PUBLIC),
        ("ES256", pem::RSA_PUBLIC),
        ("ES256", pem::EC),
        ("ES256", pem::P384_PUBLIC),
        ("EdDSA", pem::EC_PUBLIC),
        ("EdDSA", pem::ED),
        ("EdDSA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
    ] {
        let keys = Keys::new(text);
        let refused = issuer(&["--jwt-algorithm", flag, "--jwt-public-key", &keys.path()]).err();
        let is_pem = |error: &IssuerError| {
            matches!(error, IssuerError::KeyFile { error: KeyFileError::Key(KeyError::Pem(_)), .. })
        };
        assert!(refused.as_ref().is_some_and(is_pem), "{flag} {text} {refused:?}");
    }
}

#[test]
fn settings_that_do_not_go_together_are_refused_with_the_fix() {
    let keys = Keys::new(pem::RSA_PUBLIC);
    for (flags, fix) in [
        (vec![], "JWT_SECRET"),
        (vec!["--jwt-secret", "short"], "at least 32"),
        (vec!["--jwt-secret", SECRET, "--jwt-public-key", &keys.path()], "--jwt-algorithm"),
        (vec!["--jwt-algorithm", "RS256", "--jwt-secret", SECRET], "--jwt-public-key"),
        (vec!["--jwt-algorithm", "RS256", "--jwt-jwks", "/nowhere"], "/nowhere"),
        (vec!["--jwt-algorithm", "RS256", "--jwt-jwks", &keys.path()], "JWK set"),
    ] {
        let refused = issuer(&flags).err().expect("refused").to_string();
        assert!(refused.contains(fix), "{flags:?}: {refused}");
    }
}

#[test]
fn new_keys_are_taken_and_a_bad_file_leaves_the_old_ones() {
    let [(algorithm, flag, key, _, other), ..] = public_key_algorithms();
    let (one, two) = (jwks(algorithm, &[("one", &key)]), jwks(algorithm, &[("two", &other)]));
    let keys = Keys::new(&one);
    let issuer = issuer(&["--jwt-algorithm", flag, "--jwt-jwks", &keys.path()]).expect("good");
    let with_one = signed(&named(algorithm, Some("one")), &claims(json!({})), &key);
    let with_two = signed(&named(algorithm, Some("two")), &claims(json!({})), &other);
    let seen = || [&with_one, &with_two].map(|token| issuer.verify(token).map(|_| ()));
    let (first, second) =
        ([Ok(()), Err(TokenRejection::UnknownKey)], [Err(TokenRejection::UnknownKey), Ok(())]);

    assert_eq!(seen(), first);
    keys.write(&two);
    assert_eq!(seen(), second);
    for bad in [&one[..one.len() / 2], "", r#"{"keys":[]}"#, &format!("{one}{}", " ".repeat(300_000))] {
        keys.write(bad);
        assert_eq!(seen(), second, "{} bytes", bad.len());
    }
    fs::remove_file(keys.path()).expect("removed");
    assert_eq!(seen(), second, "no file at all");
    keys.write(&one);
    assert_eq!(seen(), first);
}

#[test]
fn a_key_file_is_looked_at_only_once_in_a_while() {
    let [(algorithm, flag, key, _, other), ..] = public_key_algorithms();
    let keys = Keys::new(&jwks(algorithm, &[("one", &key)]));
    let flags = ["--jwt-algorithm", flag, "--jwt-jwks", &keys.path()];
    let issuer = issuer_checking(&flags, Duration::from_secs(3600)).expect("good");
    keys.write(&jwks(algorithm, &[("two", &other)]));
    issuer.verify(&signed(&named(algorithm, Some("one")), &claims(json!({})), &key)).expect("as before");
}
