//! The check that a webhook's request comes from somebody who knows its secret, by the header that the sender has for it.
//! `slack` and `senders` call it before anything is stored.
//!
//! One header of those that a sender may use is enough: whoever can write one of them knows the secret.

use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    protocol::problem::{Code, Rejection},
    server::auth::SigningSecret,
};

/// The headers with the HMAC-SHA256 of the body in hexadecimal digits, some behind `sha256=`: GitHub (and Gitea, Forgejo);
/// Gitea; Sentry; Grafana.
const SIGNATURES: [&str; 5] = [
    "x-hub-signature-256",
    "x-gitea-signature",
    "x-forgejo-signature",
    "sentry-hook-signature",
    "x-grafana-alerting-signature",
];
/// The headers with the secret itself: GitLab; everybody else, behind `Bearer`, or as the password of `Basic`.
const TOKENS: [&str; 2] = ["x-gitlab-token", "authorization"];

/// Errors: [`Code::NotAllowed`] if there is a secret, and the request is not signed with it.
pub(super) fn check(
    secret: Option<&SigningSecret>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Rejection> {
    let Some(secret) = secret else { return Ok(()) };
    let text = |name: &&str| headers.get(*name).and_then(|value| value.to_str().ok()).map(str::trim);
    let has_signed = |digits: &str| secret.has_signed(body, digits.strip_prefix("sha256=").unwrap_or(digits));
    let is_secret = |value: &str| {
        let is_scheme = |(scheme, rest)| match str::to_ascii_lowercase(scheme).as_str() {
            "bearer" => Some(secret.is(str::trim(rest))),
            "basic" => Some(password_of(str::trim(rest)).is_some_and(|password| secret.is(&password))),
            _ => None,
        };
        value.split_once(' ').and_then(is_scheme).unwrap_or_else(|| secret.is(value))
    };
    let is_known =
        SIGNATURES.iter().filter_map(text).any(has_signed) || TOKENS.iter().filter_map(text).any(is_secret);
    match is_known {
        true => Ok(()),
        false => Err(Rejection::new(
            Code::NotAllowed,
            "This webhook has a secret, and the request is not signed with it. Give the sender the same secret, or \
             send it as Authorization: Bearer SECRET.",
        )),
    }
}

/// The password in the credentials of `Basic`.
fn password_of(credentials: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn one_header_that_fits_is_enough_and_without_one_nothing_is_taken() {
        let secret = SigningSecret::parse("0123456789abcdef").expect("long enough");
        let is_taken = |name: &'static str, value: &str| {
            let header = (HeaderName::from_static(name), value.parse().expect("a header"));
            check(secret.as_ref(), &[header].into_iter().collect(), b"{}").is_ok()
        };
        let digits = "f91e3e9f05cc2df64ac1c26f8adccdffda8d1e4a7a8c50a1a08eeadac6ddfec5";
        for name in SIGNATURES {
            assert!(is_taken(name, digits) && is_taken(name, &format!("sha256={digits}")), "{name}");
            assert!(!is_taken(name, &digits.replace("f91e", "f91f")), "{name}");
            assert!(!is_taken(name, "0123456789abcdef"), "the secret is no signature");
        }
        assert!(is_taken("x-gitlab-token", "0123456789abcdef"));
        assert!(is_taken("authorization", "bearer 0123456789abcdef"));
        assert!(!is_taken("authorization", "Bearer 0123456789abcdee"));
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert!(is_taken("authorization", &basic("anybody:0123456789abcdef")));
        assert!(!is_taken("authorization", &basic("0123456789abcdef:")));
        assert!(!is_taken("authorization", "Basic 0123456789abcdef"));
        assert!(!is_taken("x-other", "0123456789abcdef"));
        assert!(check(secret.as_ref(), &HeaderMap::new(), b"{}").is_err());
        assert!(check(None, &HeaderMap::new(), b"{}").is_ok());
    }
}
