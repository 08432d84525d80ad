//! Who is asking: sessions as signed tokens. Nothing else in the server makes or reads a token.

mod secret;

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

pub use self::secret::{Secret, SecretError};
use super::clock::now_ms;
use crate::protocol::session::{Session, User};

/// How long a session lasts after it was last renewed.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// A page load renews a session that is older than this.
const RENEW_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What a token says (RFC 7519): whom it is for, and from when to when.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    name: String,
    iat: u64,
    exp: u64,
}

/// A session that was read from a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whom the token speaks for.
    pub user: User,
    /// It is time for a new token.
    pub is_stale: bool,
}

/// Makes and reads tokens. HS256 and nothing else: the algorithm is ours to choose, never the token's.
pub struct Sessions {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
}

impl Sessions {
    /// Sessions signed with `secret`.
    pub fn new(secret: &Secret) -> Self {
        Self {
            sign: EncodingKey::from_secret(secret.as_bytes()),
            verify: DecodingKey::from_secret(secret.as_bytes()),
            validation: Validation::new(Algorithm::HS256),
        }
    }

    /// A session of somebody new, under this name or one made up.
    pub fn welcome(&self, name: Option<String>) -> Session {
        let id = uuid::Uuid::new_v4();
        // Four digits of the id: no two guests of a small team are likely to be called the same.
        let name = name.unwrap_or_else(|| format!("User{}", id.as_u128() % 9_000 + 1_000));
        self.issue(User { id: id.simple().to_string(), name })
    }

    /// A session for `user`.
    pub fn issue(&self, user: User) -> Session {
        let now = now_seconds();
        let claims = Claims {
            sub: user.id.clone(),
            name: user.name.clone(),
            iat: now,
            exp: now + SESSION_LIFETIME.as_secs(),
        };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .expect("plain claims are JSON and any secret is an HMAC key");
        Session { user, token }
    }

    /// Whom a token speaks for; `None` when it is not ours, was changed, or is over.
    pub fn verify(&self, token: &str) -> Option<Verified> {
        let claims = decode::<Claims>(token, &self.verify, &self.validation).ok()?.claims;
        let is_stale = now_seconds().saturating_sub(claims.iat) > RENEW_AFTER.as_secs();
        Some(Verified { user: User { id: claims.sub, name: claims.name }, is_stale })
    }
}

fn now_seconds() -> u64 {
    u64::try_from(now_ms() / 1000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(secret: &str) -> Sessions {
        Sessions::new(&Secret::from_setting(secret).expect("long enough"))
    }

    const ONE: &str = "a secret of at least 32 characters";
    const OTHER: &str = "another secret of 32 or more characters";

    #[test]
    fn a_token_speaks_for_whom_it_was_made() {
        let session = sessions(ONE).welcome(Some("alice".into()));
        assert_eq!(sessions(ONE).verify(&session.token).expect("ours").user, session.user);
    }

    #[test]
    fn a_token_of_another_secret_or_a_changed_one_is_refused() {
        let session = sessions(ONE).welcome(None);
        assert_eq!(sessions(OTHER).verify(&session.token), None);
        let (head, signature) = session.token.rsplit_once('.').expect("three parts");
        assert_eq!(sessions(ONE).verify(&format!("{head}x.{signature}")), None);
        assert_eq!(sessions(ONE).verify(""), None);
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        // {"alg":"none"} . {"sub":"1","name":"eve","iat":0,"exp":99999999999}
        let forged =
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwibmFtZSI6ImV2ZSIsImlhdCI6MCwiZXhwIjo5OTk5OTk5OTk5OX0.";
        assert_eq!(sessions(ONE).verify(forged), None);
    }

    #[test]
    fn a_guest_has_a_name_with_a_number() {
        let name = sessions(ONE).welcome(None).user.name;
        assert!(name.strip_prefix("User").is_some_and(|number| number.parse::<u16>().is_ok()), "{name}");
    }
}
