//! The secret that a webhook or a publisher may have beside its token: senders sign with it what they send. `authz` and
//! `publishers` keep it, and the doors in `http/compat` check by it. No secret may get into a log, a list or an error.
//!
//! It is stored as it is, because a signature cannot be checked by a hash. So it guards against an address that became
//! known (in a proxy's log, or a sender's list of webhooks), and not against a copy of the database.

use std::fmt;

use ring::hmac::{self, HMAC_SHA256, Key};
use serde::{Deserialize, Serialize};

use crate::protocol::problem::{Code, Rejection};

/// Fewest characters: beyond what is guessed.
const CHARACTERS_MIN: usize = 16;
/// Most characters: senders take no longer ones.
const CHARACTERS_MAX: usize = 200;

/// A secret. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SigningSecret(String);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

impl SigningSecret {
    /// Parses what a person chose; a blank text means none. Errors: [`Code::BadPassword`].
    pub fn parse(text: &str) -> Result<Option<Self>, Rejection> {
        match text.trim() {
            "" => Ok(None),
            text if text.chars().all(|c| c.is_ascii_graphic())
                && (CHARACTERS_MIN..=CHARACTERS_MAX).contains(&text.len()) =>
            {
                Ok(Some(Self(text.to_owned())))
            }
            _ => Err(Rejection::new(
                Code::BadPassword,
                format!(
                    "The secret has {CHARACTERS_MIN} to {CHARACTERS_MAX} letters, digits and signs of ASCII, and no \
                     blanks. Try: openssl rand -hex 32"
                ),
            )),
        }
    }

    /// Returns true if the hexadecimal digits are the HMAC-SHA256 of the body. Takes as long wherever they differ.
    pub fn has_signed(&self, body: &[u8], digits: &str) -> bool {
        bytes_of(digits).is_some_and(|tag| hmac::verify(&self.key(), body, &tag).is_ok())
    }

    /// Returns true if a text is the secret. Takes as long wherever they differ.
    pub fn is(&self, text: &str) -> bool {
        let tag = hmac::sign(&self.key(), text.as_bytes());
        hmac::verify(&self.key(), self.0.as_bytes(), tag.as_ref()).is_ok()
    }

    fn key(&self) -> Key {
        Key::new(HMAC_SHA256, self.0.as_bytes())
    }
}

/// The bytes that hexadecimal digits stand for.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = digits.trim().chars().map(|digit| digit.to_digit(16)).collect();
    let pair = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).ok();
    digits.filter(|digits| digits.len().is_multiple_of(2))?.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_github() {
        // The example of GitHub's documentation, "Validating webhook deliveries", with a secret as short as it is there.
        let secret = SigningSecret("It's a Secret to Everybody".to_owned());
        let digits = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(secret.has_signed(b"Hello, World!", digits));
        assert!(secret.has_signed(b"Hello, World!", &digits.to_uppercase()));
        for wrong in ["", "7", "75", "zz", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e16"]
        {
            assert!(!secret.has_signed(b"Hello, World!", wrong), "{wrong}");
        }
        assert!(!secret.has_signed(b"Hello, World?", digits));
    }

    #[test]
    fn a_secret_is_long_enough_or_absent() {
        let parse = |text: &str| SigningSecret::parse(text).map_err(|rejection| rejection.code);
        assert_eq!((parse(""), parse("  ")), (Ok(None), Ok(None)));
        let secret = parse(" 0123456789abcdef ").expect("fine").expect("one");
        assert!(secret.is("0123456789abcdef") && !secret.is("0123456789abcdee") && !secret.is(""));
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
        for bad in ["short", "0123456789abcde é", "0123456789 abcdef", &"x".repeat(201)] {
            assert_eq!(parse(bad), Err(Code::BadPassword), "{bad}");
        }
    }
}
