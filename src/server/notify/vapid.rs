//! The key by which push services know this server (VAPID, RFC 8292). `delivery` signs each request with it, and the page
//! gives its public half to the browser, which binds the subscription to it.
//!
//! The key is a document, so all nodes have the same one, and a backup and `idobata migrate` carry it along with the
//! subscriptions, which are worth nothing without it. It must not be told to anybody: no log and no answer has it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web_push_native::p256::{
    SecretKey,
    elliptic_curve::{rand_core::OsRng, sec1::ToEncodedPoint},
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
};

use crate::server::store::{
    StoreError,
    directory::{DocumentStore, Kind, Mutation, Precondition},
};

/// The id of the key's document.
const ID: &str = "vapid";

/// Lifetime of a signature, in seconds. A day is the most that services accept (RFC 8292, 2); half of it leaves room for
/// clocks that differ.
const LIFETIME_SECONDS: u64 = 12 * 3_600;

/// Characters of a topic, the most that RFC 8030 (5.4) allows.
const TOPIC_CHARACTERS: usize = 32;

/// The stored document.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    /// PKCS #8, in base64url.
    pkcs8: String,
}

impl StoredKey {
    /// A new key, by chance.
    fn new() -> Self {
        let secret = SecretKey::random(&mut OsRng);
        let pkcs8 = secret.to_pkcs8_der().expect("a key has a form to store");
        Self { pkcs8: BASE64.encode(pkcs8.as_bytes()) }
    }
}

/// The key pair of this installation.
pub(super) struct VapidKey {
    signing: EncodingKey,
    topics: EncodingKey,
    public: String,
}

impl VapidKey {
    /// Reads the key, or makes one at the first start. Of several nodes that start at the same time the first one's counts.
    pub(super) async fn open(documents: &dyn DocumentStore) -> Result<Self, StoreError> {
        if let Some(stored) = documents.read::<StoredKey>(Kind::PushKey, ID).await? {
            return Self::of(&stored);
        }
        let put = Mutation::put(Kind::PushKey, ID, Precondition::Absent, &StoredKey::new());
        documents.grant(vec![put]).await?;
        let stored = documents.read::<StoredKey>(Kind::PushKey, ID).await?;
        Self::of(&stored.ok_or_else(damaged)?)
    }

    fn of(stored: &StoredKey) -> Result<Self, StoreError> {
        let pkcs8 = BASE64.decode(&stored.pkcs8).map_err(|_| damaged())?;
        let secret = SecretKey::from_pkcs8_der(&pkcs8).map_err(|_| damaged())?;
        let public = BASE64.encode(secret.public_key().to_encoded_point(false));
        Ok(Self {
            signing: EncodingKey::from_ec_der(&pkcs8),
            topics: EncodingKey::from_secret(&pkcs8),
            public,
        })
    }

    /// The public key as browsers take it: an uncompressed point in base64url.
    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// The value of `Authorization` for a push service with this origin (RFC 8292, 3). `now` is in seconds since the Unix
    /// epoch; `contact` is for the service's operator, in case this server troubles it.
    pub(super) fn authorization(&self, origin: &str, contact: Option<&str>, now: u64) -> String {
        let mut claims = json!({ "aud": origin, "exp": now + LIFETIME_SECONDS });
        if let Some(contact) = contact {
            claims["sub"] = contact.into();
        }
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.signing);
        format!("vapid t={}, k={}", token.expect("the key was read as one of P-256"), self.public)
    }

    /// The header `Topic` of what has this notification tag, always the same for the same. A service cannot guess from it
    /// which room it is of.
    pub(super) fn topic(&self, tag: &str) -> String {
        let signed = jsonwebtoken::crypto::sign(tag.as_bytes(), &self.topics, Algorithm::HS256);
        let mut topic = signed.expect("any secret is an HMAC key");
        topic.truncate(TOPIC_CHARACTERS);
        topic
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged("the key for push services cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::Value;

    use super::*;

    /// A key as the first versions with push stored it, of another library, with its public half.
    const STORED: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTGZuOUkp3LtElcGYrFZmi4Qf5kaC5tlbCo6s7knlFJKhRANCAAQOtQeWW69pgejxtoHbN6Sy3WNlzLAh7GKY35OtEsAJ89zoH3N2PgtyMydmi8gnmKQHoJczfvf3BXb08WGb6pwr";
    const PUBLIC: &str =
        "BA61B5Zbr2mB6PG2gds3pLLdY2XMsCHsYpjfk60SwAnz3Ogfc3Y-C3IzJ2aLyCeYpAeglzN-9_cFdvTxYZvqnCs";

    #[test]
    fn a_key_of_an_older_version_stays_the_same_key() {
        let stored = StoredKey { pkcs8: STORED.to_owned() };
        let key = VapidKey::of(&stored).expect("read");
        assert_eq!(key.public(), PUBLIC);
        assert_eq!(key.topic("general/7"), "BkMw2BbQ6KRBtSIwB8ETDQ76fqscaMcf");
    }

    #[test]
    fn a_new_key_signs_what_its_public_half_verifies() {
        let key = VapidKey::of(&StoredKey::new()).expect("read");
        let now = jsonwebtoken::get_current_timestamp();
        let header = key.authorization("https://push.example", Some("mailto:ops@idobata.example"), now);
        let (token, public) =
            header.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).expect("the form");
        assert_eq!(public, key.public());
        let point = BASE64.decode(public).expect("base64");
        let (x, y) = point[1..].split_at(32);
        let verifying =
            DecodingKey::from_ec_components(&BASE64.encode(x), &BASE64.encode(y)).expect("a point");
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["https://push.example"]);
        let claims = decode::<Value>(token, &verifying, &validation).expect("its signature").claims;
        assert_eq!(claims["exp"], now + LIFETIME_SECONDS);
        assert_eq!(claims["sub"], "mailto:ops@idobata.example");
    }

    #[test]
    fn a_damaged_key_is_told() {
        for pkcs8 in ["", "!", "AAAA"] {
            let stored = StoredKey { pkcs8: pkcs8.to_owned() };
            assert!(matches!(VapidKey::of(&stored), Err(StoreError::Damaged(_))), "{pkcs8}");
        }
    }
}
