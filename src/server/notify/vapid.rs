//! The key by which push services know this server (VAPID, RFC 8292). `delivery` signs each request with it, and the page
//! gives its public half to the browser, which binds the subscription to it.
//!
//! The key is a document, so all nodes have the same one, and a backup and `idobata migrate` carry it along with the
//! subscriptions, which are worth nothing without it. It must not be told to anybody: no log and no answer has it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::server::store::{
    StoreError,
    directory::{DocumentStore, Kind, Mutation, Precondition},
};

/// The id of the key's document.
const ID: &str = "vapid";

/// Lifetime of a signature, in seconds. A day is the most that services accept (RFC 8292, 2); half of it leaves room for
/// clocks that differ.
const LIFETIME_SECONDS: u64 = 12 * 3_600;

/// Bytes of a topic: 32 characters, the most that RFC 8030 (5.4) allows.
const TOPIC_BYTES: usize = 24;

/// The stored document.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    /// PKCS #8, in base64url.
    pkcs8: String,
}

/// The key pair of this installation.
pub(super) struct VapidKey {
    pair: EcdsaKeyPair,
    topics: hmac::Key,
    random: SystemRandom,
}

impl VapidKey {
    /// Reads the key, or makes one at the first start. Of several nodes that start at the same time the first one's counts.
    pub(super) async fn open(documents: &dyn DocumentStore) -> Result<Self, StoreError> {
        if let Some(stored) = documents.read::<StoredKey>(Kind::PushKey, ID).await? {
            return Self::of(&stored);
        }
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let made = StoredKey { pkcs8: BASE64.encode(pkcs8.expect("the system gives random bytes")) };
        let put = Mutation::put(Kind::PushKey, ID, Precondition::Absent, &made);
        documents.grant(vec![put]).await?;
        let stored = documents.read::<StoredKey>(Kind::PushKey, ID).await?;
        Self::of(&stored.ok_or_else(damaged)?)
    }

    fn of(stored: &StoredKey) -> Result<Self, StoreError> {
        let random = SystemRandom::new();
        let pkcs8 = BASE64.decode(&stored.pkcs8).map_err(|_| damaged())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random);
        let topics = hmac::Key::new(hmac::HMAC_SHA256, &pkcs8);
        Ok(Self { pair: pair.map_err(|_| damaged())?, topics, random })
    }

    /// The public key as browsers take it: an uncompressed point in base64url.
    pub(super) fn public(&self) -> String {
        BASE64.encode(self.pair.public_key())
    }

    /// The value of `Authorization` for a push service with this origin (RFC 8292, 3). `now` is in seconds since the Unix
    /// epoch; `contact` is for the service's operator, in case this server troubles it.
    pub(super) fn authorization(&self, origin: &str, contact: Option<&str>, now: u64) -> String {
        let mut claims = json!({ "aud": origin, "exp": now + LIFETIME_SECONDS });
        if let Some(contact) = contact {
            claims["sub"] = contact.into();
        }
        let head = BASE64.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{head}.{}", BASE64.encode(claims.to_string()));
        let signature =
            self.pair.sign(&self.random, signed.as_bytes()).expect("the system gives random bytes");
        format!("vapid t={signed}.{}, k={}", BASE64.encode(signature), self.public())
    }

    /// The header `Topic` of what has this notification tag, always the same for the same. A service cannot guess from it
    /// which room it is of.
    pub(super) fn topic(&self, tag: &str) -> String {
        BASE64.encode(&hmac::sign(&self.topics, tag.as_bytes()).as_ref()[..TOPIC_BYTES])
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged("the key for push services cannot be read".to_owned())
}
