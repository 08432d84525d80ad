//! The tokens of this server: a guest's, which is the guest's whole identity, and an account's, which names a session
//! that can be ended. `Auth` calls it, and checks that the session of an account has not ended; this module never reads
//! the store.
//!
//! A token is dated by the wall time and expires by the settled time, so that a clock that leaps gives no guest another
//! identity: neither while the clock is wrong, nor when the new time is adopted and the token was renewed before that.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{
    identity::{Identity, seconds},
    secret::Secret,
};
use crate::{
    protocol::session::{Session, User},
    server::clock::Clock,
};

/// The issuer (`iss`) of these tokens. It tells them from another system's, although both may be signed with the same
/// secret.
pub(super) const OWN_ISSUER: &str = "idobata";
/// Lifetime of a session after its last renewal.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// A page load renews a token that is older than this, or that a clock that was corrected since dated so far in the
/// future.
const RENEW_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Time for which a token is accepted after its expiry: the clocks of several nodes may differ by so much.
const LEEWAY: Duration = Duration::from_secs(60);

/// The claims of a token (RFC 7519): the user, the session and the lifetime.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    name: String,
    iat: u64,
    exp: u64,
    /// The id of an account's session. A guest has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

/// Signs and verifies tokens. HS256 and nothing else: the server chooses the algorithm, never the token.
pub(super) struct Sessions {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
    clock: Arc<Clock>,
}

impl Sessions {
    /// `secret` signs the tokens.
    pub(super) fn new(secret: &Secret, clock: Arc<Clock>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[OWN_ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // The library would compare with the wall time; `verify` compares with the settled time.
        validation.validate_exp = false;
        Self {
            sign: EncodingKey::from_secret(secret.as_bytes()),
            verify: DecodingKey::from_secret(secret.as_bytes()),
            validation,
            clock,
        }
    }

    /// A session of a new guest, under `name` or a generated one.
    pub(super) fn create_guest(&self, name: Option<String>) -> Session {
        let id = uuid::Uuid::new_v4();
        // Four digits of the id: two guests of a small team are unlikely to get the same name.
        let name = name.unwrap_or_else(|| format!("User{}", id.as_u128() % 9_000 + 1_000));
        self.issue(User { id: id.simple().to_string(), name }, None)
    }

    /// Issues a token for `user`, in this session of their account if they have one.
    pub(super) fn issue(&self, user: User, session: Option<String>) -> Session {
        let now = seconds(self.clock.wall_ms());
        let claims = Claims {
            iss: OWN_ISSUER.to_owned(),
            sub: user.id.clone(),
            name: user.name.clone(),
            iat: now,
            exp: now + SESSION_LIFETIME.as_secs(),
            sid: session,
        };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .expect("plain claims are JSON and any secret is an HMAC key");
        Session { user, token }
    }

    /// The identity in a token; `None` if the token is not this server's, was tampered with, or has expired.
    pub(super) fn verify(&self, token: &str) -> Option<Identity> {
        let claims = decode::<Claims>(token, &self.verify, &self.validation).ok()?.claims;
        if claims.exp.saturating_add(LEEWAY.as_secs()) <= seconds(self.clock.settled_ms()) {
            return None;
        }
        let is_stale = seconds(self.clock.wall_ms()).abs_diff(claims.iat) > RENEW_AFTER.as_secs();
        let user = User { id: claims.sub, name: claims.name };
        Some(Identity { session: claims.sid, expires_at: claims.exp, is_stale, ..Identity::of(user) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    use super::*;
    use crate::server::clock::Reading;

    const DAY_MS: i64 = 86_400_000;
    const NOW_MS: i64 = 1_800_000_000_000;

    fn sessions(secret: &str) -> Sessions {
        on_wall(secret, &Arc::new(AtomicI64::new(NOW_MS)))
    }

    /// Sessions on a clock whose wall time is this, and whose monotonic time stands still.
    fn on_wall(secret: &str, wall_ms: &Arc<AtomicI64>) -> Sessions {
        let wall_ms = wall_ms.clone();
        let read = move || Reading { wall_ms: wall_ms.load(Relaxed), monotonic_ms: 0 };
        let clock = Arc::new(Clock::new(RENEW_AFTER, read));
        Sessions::new(&Secret::from_setting(secret).expect("long enough"), clock)
    }

    const ONE: &str = "a secret of at least 32 characters";
    const OTHER: &str = "another secret of 32 or more characters";

    #[test]
    fn a_token_speaks_for_whom_it_was_made() {
        let session = sessions(ONE).create_guest(Some("alice".into()));
        assert_eq!(sessions(ONE).verify(&session.token).expect("ours").user, session.user);
    }

    #[test]
    fn a_token_of_another_secret_or_a_changed_one_is_refused() {
        let session = sessions(ONE).create_guest(None);
        assert!(sessions(OTHER).verify(&session.token).is_none());
        let (head, signature) = session.token.rsplit_once('.').expect("three parts");
        assert!(sessions(ONE).verify(&format!("{head}x.{signature}")).is_none());
        assert!(sessions(ONE).verify("").is_none());
    }

    #[test]
    fn a_guest_stays_who_they_are_while_the_clock_leaps_and_after_it() {
        let wall_ms = Arc::new(AtomicI64::new(NOW_MS));
        let sessions = on_wall(ONE, &wall_ms);
        let before = sessions.create_guest(Some("alice".into()));
        wall_ms.store(NOW_MS + 400 * DAY_MS, Relaxed);
        let identity = sessions.verify(&before.token).expect("it has not ended");
        assert!(identity.is_stale, "with a new token she is known when the new time is believed");
        let during = sessions.issue(identity.user, None);
        assert!(!sessions.verify(&during.token).expect("it is good").is_stale);
        wall_ms.store(NOW_MS, Relaxed);
        let after = sessions.verify(&during.token).expect("it is good");
        assert!(after.is_stale, "it is dated in the future, and its cookie has to be renewed as any other");
    }

    #[test]
    fn a_token_is_over_after_its_lifetime() {
        let wall_ms = Arc::new(AtomicI64::new(NOW_MS));
        let token = on_wall(ONE, &wall_ms).create_guest(None).token;
        let lifetime_ms = (SESSION_LIFETIME + LEEWAY).as_millis() as i64;
        for (age_ms, is_good) in [(lifetime_ms - 1_000, true), (lifetime_ms, false)] {
            let later = Arc::new(AtomicI64::new(NOW_MS + age_ms));
            assert_eq!(on_wall(ONE, &later).verify(&token).is_some(), is_good);
        }
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        // {"alg":"none"} . {"sub":"1","name":"eve","iat":0,"exp":99999999999}
        let forged =
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwibmFtZSI6ImV2ZSIsImlhdCI6MCwiZXhwIjo5OTk5OTk5OTk5OX0.";
        assert!(sessions(ONE).verify(forged).is_none());
    }

    #[test]
    fn a_guest_has_a_name_with_a_number() {
        let name = sessions(ONE).create_guest(None).user.name;
        assert!(name.strip_prefix("User").is_some_and(|number| number.parse::<u16>().is_ok()), "{name}");
    }
}
