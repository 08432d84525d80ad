//! The keys that check another system's tokens: a secret, a PEM public key, or a JWK set (RFC 7517). The issuer and its
//! key file create them; a key that does not fit the configured algorithm never gets into a set.

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind, crypto,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use super::Secret;

/// Length of an RSA modulus, in bytes: RS256 requires 2048 bits or more (RFC 7518, 3.3); above 4096 bits the library
/// checks no signature.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// The error of a text without usable keys. It never quotes the text, which could be the wrong file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not PEM, not a public key, or one for another algorithm.
    #[error(
        "not a PEM public key for {0:?} (BEGIN PUBLIC KEY; RSA of 2048 to 4096 bits, or P-256, or Ed25519)"
    )]
    Pem(Algorithm),
    /// Not a JWK set.
    #[error("it is not a JWK set {{\"keys\":[…]}} (line {line}, column {column})")]
    Jwks {
        /// The line where reading stopped, from 1.
        line: usize,
        /// The column where reading stopped.
        column: usize,
    },
    /// No key of the set checks signatures of the configured algorithm.
    #[error("none of the keys is a public key for {0:?} that verifies signatures")]
    NoneFits(Algorithm),
    /// Two fitting keys have the same `kid`, so that it is ambiguous.
    #[error("two keys have the same kid")]
    Ambiguous,
}

/// The keys that check tokens of one algorithm.
#[derive(Debug)]
pub(super) enum KeySet {
    /// One key, whatever `kid` a token names.
    One(DecodingKey),
    /// Keys by their `kid`.
    Named(Vec<(Option<String>, DecodingKey)>),
}

#[derive(Deserialize)]
struct Jwks {
    // Parsed one by one: a set may also have keys of types that are unknown here (RFC 7517, 5).
    keys: Vec<Value>,
}

impl KeySet {
    /// The secret, for HS256.
    pub(super) fn from_secret(secret: &Secret) -> Self {
        Self::One(DecodingKey::from_secret(secret.as_bytes()))
    }

    /// One public key.
    pub(super) fn from_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        let key = match algorithm {
            Algorithm::RS256 => DecodingKey::from_rsa_pem(pem),
            Algorithm::ES256 => DecodingKey::from_ec_pem(pem),
            Algorithm::EdDSA => DecodingKey::from_ed_pem(pem),
            _ => return Err(KeyError::Pem(algorithm)),
        };
        let jwk = key.and_then(|key| Jwk::from_decoding_key(&key, Some(algorithm)));
        let key = jwk.ok().and_then(|jwk| key_of(algorithm, &jwk));
        key.map(Self::One).ok_or(KeyError::Pem(algorithm))
    }

    /// The fitting keys of a set; other keys (for encryption, for other algorithms) are skipped.
    pub(super) fn from_jwks(algorithm: Algorithm, json: &[u8]) -> Result<Self, KeyError> {
        let set: Jwks = serde_json::from_slice(json)
            .map_err(|error| KeyError::Jwks { line: error.line(), column: error.column() })?;
        let mut keys: Vec<(Option<String>, DecodingKey)> = Vec::new();
        for jwk in set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok()) {
            let Some(key) = key_of(algorithm, &jwk) else { continue };
            if keys.iter().any(|(kid, _)| *kid == jwk.common.key_id) {
                return Err(KeyError::Ambiguous);
            }
            keys.push((jwk.common.key_id, key));
        }
        if keys.is_empty() { Err(KeyError::NoneFits(algorithm)) } else { Ok(Self::Named(keys)) }
    }

    /// The key that a token's header names by `kid`. The only key of a set also checks tokens that name none.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        match (self, kid) {
            (Self::One(key), _) => Some(key),
            (Self::Named(keys), None) if keys.len() == 1 => keys.first().map(|(_, key)| key),
            (Self::Named(_), None) => None,
            (Self::Named(keys), Some(kid)) => {
                keys.iter().find(|(name, _)| name.as_deref() == Some(kid)).map(|(_, key)| key)
            }
        }
    }
}

/// The key in `jwk`, if it may check signatures of this algorithm.
fn key_of(algorithm: Algorithm, jwk: &Jwk) -> Option<DecodingKey> {
    let common = &jwk.common;
    let is_for_signatures =
        common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
            && common
                .key_operations
                .as_ref()
                .is_none_or(|operations| operations.contains(&KeyOperations::Verify))
            && common.key_algorithm.is_none_or(|named| named == algorithm.into());
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| is_for_signatures)?;
    let fits = match (algorithm, &jwk.algorithm) {
        (Algorithm::RS256, AlgorithmParameters::RSA(_)) => RSA_BYTES.contains(&modulus_bytes(&key)),
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(key)) => key.curve == EllipticCurve::P256,
        (Algorithm::EdDSA, AlgorithmParameters::OctetKeyPair(key)) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    // Writing a key as a JWK checks its lengths; the next line would panic on an Ed25519 key that is too short.
    let is_whole = fits && Jwk::from_decoding_key(&key, None).is_ok();
    // Checking a signature, even an empty one, finds a point that is not on the curve.
    (is_whole && crypto::verify("", b"", &key, algorithm).is_ok()).then_some(key)
}

fn modulus_bytes(key: &DecodingKey) -> usize {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.iter().skip_while(|byte| **byte == 0).count(),
        DecodingKeyKind::SecretOrDer(_) => 0,
    }
}
