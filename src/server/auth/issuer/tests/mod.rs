//! Every reason to reject a token, and the claims of an accepted one.

mod keys;
mod properties;

use std::{fs, path::Path, time::Duration};

use clap::Parser;
use jsonwebtoken::{EncodingKey, encode, get_current_timestamp};
use serde_json::json;
use tempfile::TempDir;

use super::{test_keys as pem, *};
use crate::server::auth::pattern::covers;

const SECRET: &str = "a secret of at least 32 characters";

/// An issuer with these flags; `check_every` is zero, so that the key file is checked for each token.
fn issuer(flags: &[&str]) -> Result<Issuer, IssuerError> {
    issuer_checking(flags, Duration::ZERO)
}

fn issuer_checking(flags: &[&str], check_every: Duration) -> Result<Issuer, IssuerError> {
    let config = Config::try_parse_from([&["idobata"], flags].concat()).expect("well-formed settings");
    Issuer::checking_keys_every(&config, check_every)
}

fn hs256(flags: &[&str]) -> Issuer {
    issuer(&[&["--jwt-secret", SECRET], flags].concat()).expect("a secret is all it needs")
}

/// The claims of a good token with the test's changes; `null` removes a claim.
fn claims(changes: Value) -> Value {
    let mut claims = json!({ "sub": "u-1", "name": "Alice", "exp": get_current_timestamp() + 60 });
    for (claim, value) in changes.as_object().expect("an object of claims") {
        claims[claim] = value.clone();
    }
    claims.as_object_mut().expect("still one").retain(|_, value| !value.is_null());
    claims
}

fn signed(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    encode(header, claims, key).expect("a key of the algorithm's kind")
}

fn secret_key() -> EncodingKey {
    EncodingKey::from_secret(SECRET.as_bytes())
}

/// A good token except for these claims.
fn token(changes: Value) -> String {
    signed(&Header::new(Algorithm::HS256), &claims(changes), &secret_key())
}

/// {"alg":"none"} . {"sub":"1","name":"eve","iat":0,"exp":99999999999}, without a signature.
const UNSIGNED: &str =
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwibmFtZSI6ImV2ZSIsImlhdCI6MCwiZXhwIjo5OTk5OTk5OTk5OX0.";

/// The three public-key algorithms: the flag, a key's two halves, and another key.
fn public_key_algorithms() -> [(Algorithm, &'static str, EncodingKey, &'static str, EncodingKey); 3] {
    let rsa = |text: &str| EncodingKey::from_rsa_pem(text.as_bytes()).expect("a test key");
    let ec = |text: &str| EncodingKey::from_ec_pem(text.as_bytes()).expect("a test key");
    let ed = |text: &str| EncodingKey::from_ed_pem(text.as_bytes()).expect("a test key");
    [
        (Algorithm::RS256, "RS256", rsa(pem::RSA), pem::RSA_PUBLIC, rsa(pem::OTHER_RSA)),
        (Algorithm::ES256, "ES256", ec(pem::EC), pem::EC_PUBLIC, ec(pem::OTHER_EC)),
        (Algorithm::EdDSA, "EdDSA", ed(pem::ED), pem::ED_PUBLIC, ed(pem::OTHER_ED)),
    ]
}

/// A key file that is removed at the end of the test.
struct Keys(TempDir);

impl Keys {
    fn new(text: &str) -> Self {
        let keys = Self(tempfile::tempdir().expect("a folder"));
        keys.write(text);
        keys
    }

    fn path(&self) -> String {
        self.0.path().join("keys").to_str().expect("ASCII").to_owned()
    }

    /// Replaces the file by another one, as a rotation of keys does.
    fn write(&self, text: &str) {
        let new = self.0.path().join("new");
        fs::write(&new, text).expect("written");
        fs::rename(new, Path::new(&self.path())).expect("moved");
    }
}

#[test]
fn a_good_token_says_who_and_what() {
    let expires_at = get_current_timestamp() + 60;
    let said = json!({
        "sub": "auth0|7", "name": "  花子  さん ", "exp": expires_at, "role": "admin",
        "rooms": ["general", "team-*"], "channels": ["ops-*"],
    });
    let read = hs256(&[]).verify(&token(said)).expect("good");
    assert_eq!(read.user, crate::protocol::session::User { id: "auth0|7".into(), name: "花子 さん".into() });
    assert_eq!((read.is_admin, read.expires_at), (true, expires_at));
    assert!(
        covers(read.rooms.as_deref().expect("it says so"), "general")
            && covers(read.rooms.as_deref().expect("it says so"), "team-1")
            && !covers(read.rooms.as_deref().expect("it says so"), "other")
    );
    assert!(covers(&read.channels, "ops-db") && !covers(&read.channels, "jobs"));
}

#[test]
fn a_token_that_says_little_gives_little() {
    let read = hs256(&[]).verify(&token(json!({}))).expect("good");
    assert!(read.rooms.is_none(), "the rooms' own rules hold");
    assert!(!covers(&read.channels, "ops") && !read.is_admin);
    for role in [json!("Admin"), json!("user"), json!(["admin"]), json!(true)] {
        assert!(!hs256(&[]).verify(&token(json!({ "role": role }))).expect("good").is_admin, "{role}");
    }
    let read = hs256(&[]).verify(&token(json!({ "rooms": [] }))).expect("good");
    assert!(
        !covers(read.rooms.as_deref().expect("it says so"), "general"),
        "an empty list is no room at all"
    );
}

#[test]
fn somebody_is_called_by_the_first_claim_that_can_be_a_name() {
    for (changes, name) in [
        (json!({ "name": "Alice", "preferred_username": "al" }), "Alice"),
        (json!({ "name": "\u{202e}ecilA", "preferred_username": "al" }), "al"),
        (json!({ "name": 7, "preferred_username": "al" }), "al"),
        (json!({ "name": null, "preferred_username": "x".repeat(41) }), "u-1"),
        (json!({ "name": "", "sub": "s".repeat(128) }), &"s".repeat(40)),
        (json!({ "name": "", "sub": "\u{1d165}".repeat(128) }), "User"),
    ] {
        assert_eq!(hs256(&[]).verify(&token(changes.clone())).expect("good").user.name, name, "{changes}");
    }
}

#[test]
fn a_bad_claim_is_refused_by_its_name() {
    for (changes, claim) in [
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": "tomorrow" }), "exp"),
        (json!({ "exp": -1 }), "exp"),
        (json!({ "nbf": "yesterday" }), "nbf"),
        (json!({ "sub": null }), "sub"),
        (json!({ "sub": 7 }), "sub"),
        (json!({ "sub": "" }), "sub"),
        (json!({ "sub": "u 1" }), "sub"),
        (json!({ "sub": "u\u{200b}1" }), "sub"),
        (json!({ "sub": "s".repeat(129) }), "sub"),
        (json!({ "rooms": "*" }), "rooms"),
        (json!({ "rooms": ["general", "a*b"] }), "rooms"),
        (json!({ "rooms": [7] }), "rooms"),
        (json!({ "rooms": vec!["general"; 101] }), "rooms"),
        (json!({ "channels": [""] }), "channels"),
    ] {
        assert_eq!(
            hs256(&[]).verify(&token(changes.clone())),
            Err(TokenRejection::BadClaim(claim)),
            "{changes}"
        );
    }
    // Not removed by `claims`: a list that is null differs from no list.
    let mut null = claims(json!({}));
    null["rooms"] = Value::Null;
    let token = signed(&Header::new(Algorithm::HS256), &null, &secret_key());
    assert_eq!(hs256(&[]).verify(&token), Err(TokenRejection::BadClaim("rooms")));
}

#[test]
fn a_token_holds_for_its_time_and_the_leeway() {
    let now = get_current_timestamp();
    for (changes, expected) in [
        (json!({ "exp": now - 40 }), Err(TokenRejection::Expired)),
        (json!({ "exp": 0 }), Err(TokenRejection::Expired)),
        (json!({ "exp": now - 20 }), Ok(())),
        (json!({ "exp": (now + 60) as f64 + 0.5 }), Ok(())),
        (json!({ "nbf": now + 40 }), Err(TokenRejection::NotYet)),
        (json!({ "nbf": now + 20 }), Ok(())),
    ] {
        assert_eq!(hs256(&[]).verify(&token(changes.clone())).map(|_| ()), expected, "{changes}");
    }
}

#[test]
fn issuer_and_audience_are_as_the_settings_say() {
    let both = ["--jwt-issuer", "https://id.example", "--jwt-audience", "idobata"];
    let right = json!({ "iss": "https://id.example", "aud": "idobata" });
    for (flags, changes, expected) in [
        (&both[..], right.clone(), Ok(())),
        (&both, json!({ "iss": "https://id.example", "aud": ["other", "idobata"] }), Ok(())),
        (
            &both,
            json!({ "iss": "https://id.example.evil", "aud": "idobata" }),
            Err(TokenRejection::WrongIssuer),
        ),
        (&both, json!({ "aud": "idobata" }), Err(TokenRejection::WrongIssuer)),
        (&both, json!({ "iss": 7, "aud": "idobata" }), Err(TokenRejection::WrongIssuer)),
        (&both, json!({ "iss": "https://id.example", "aud": "other" }), Err(TokenRejection::WrongAudience)),
        (&both, json!({ "iss": "https://id.example", "aud": [] }), Err(TokenRejection::WrongAudience)),
        (&both, json!({ "iss": "https://id.example" }), Err(TokenRejection::WrongAudience)),
        (&[], json!({ "iss": "https://anybody.example" }), Ok(())),
        (&[], right, Err(TokenRejection::WrongAudience)),
    ] {
        let verified = hs256(flags).verify(&token(changes.clone()));
        assert_eq!(verified.map(|_| ()), expected, "{flags:?} {changes}");
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let good = token(json!({}));
    let [header, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let long = token(json!({ "padding": "x".repeat(8 * 1024) }));
    let text = format!("{header}.{header}x.{signature}");
    for bad in
        ["", "a", "..", "a.b", "a.b.c.d", &format!("{header}.{body}"), &format!("{good}.x"), &long, &text]
    {
        let refused = hs256(&[]).verify(bad).expect_err(bad);
        assert!(
            matches!(refused, TokenRejection::Malformed | TokenRejection::WrongSignature),
            "{refused:?} {bad}"
        );
    }
    assert_eq!(hs256(&[]).verify(&long), Err(TokenRejection::Malformed));
    let critical = Header { crit: Some(vec!["b64".into()]), ..Header::new(Algorithm::HS256) };
    let critical = signed(&critical, &claims(json!({})), &secret_key());
    assert_eq!(
        hs256(&[]).verify(&critical),
        Err(TokenRejection::Malformed),
        "an extension that we do not know"
    );
}

#[test]
fn a_changed_token_is_refused() {
    let good = token(json!({}));
    let other = token(json!({ "role": "admin" }));
    let (said, _) = other.rsplit_once('.').expect("three parts");
    let (_, signature) = good.rsplit_once('.').expect("three parts");
    assert_eq!(hs256(&[]).verify(&format!("{said}.{signature}")), Err(TokenRejection::WrongSignature));
    assert_eq!(hs256(&[]).verify(&format!("{said}.")), Err(TokenRejection::WrongSignature));
}

#[test]
fn the_settings_choose_the_algorithm_and_never_the_token() {
    assert_eq!(hs256(&[]).verify(UNSIGNED), Err(TokenRejection::WrongAlgorithm));
    let hs512 = signed(&Header::new(Algorithm::HS512), &claims(json!({})), &secret_key());
    assert_eq!(hs256(&[]).verify(&hs512), Err(TokenRejection::WrongAlgorithm));

    for (_, flag, _, public, _) in public_key_algorithms() {
        let keys = Keys::new(public);
        let issuer = issuer(&["--jwt-algorithm", flag, "--jwt-public-key", &keys.path()]).expect("good");
        // The public key is no secret: as an HMAC secret it would let anybody sign.
        let forged = EncodingKey::from_secret(public.as_bytes());
        let forged = signed(&Header::new(Algorithm::HS256), &claims(json!({})), &forged);
        assert_eq!(issuer.verify(&forged), Err(TokenRejection::WrongAlgorithm), "{flag}");
        assert_eq!(issuer.verify(UNSIGNED), Err(TokenRejection::WrongAlgorithm), "{flag}");
        for (algorithm, other, key, ..) in public_key_algorithms().into_iter().filter(|one| one.1 != flag) {
            let token = signed(&Header::new(algorithm), &claims(json!({})), &key);
            assert_eq!(issuer.verify(&token), Err(TokenRejection::WrongAlgorithm), "{other} for {flag}");
        }
    }
}

#[test]
fn a_refusal_never_shows_the_token() {
    let token = token(json!({ "sub": "secret subject" }));
    let refused = hs256(&[]).verify(&token).expect_err("a blank in the subject");
    let shown = format!("{refused} {refused:?}");
    assert!(!shown.contains("secret") && token.split('.').all(|part| !shown.contains(part)), "{shown}");
}

#[test]
fn a_session_of_our_own_is_not_taken_for_a_token_of_the_issuer() {
    let secret = Secret::from_setting(SECRET).expect("long enough");
    let clock = Arc::new(crate::server::clock::Clock::system(Duration::from_secs(86_400)));
    let ours =
        crate::server::auth::sessions::Sessions::new(&secret, clock).create_guest(Some("alice".into()));
    assert_eq!(hs256(&[]).verify(&ours.token), Err(TokenRejection::WrongIssuer));
}
