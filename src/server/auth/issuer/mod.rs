//! Tokens of another system (RFC 7519 in RFC 7515): the settings fix the keys and the algorithm. `Auth` calls
//! [`Issuer::verify`] for every incoming token. This module creates no tokens, opens no connections, and never shows
//! the contents of a token it rejects.

mod claims;

use std::{path::PathBuf, sync::Arc, time::Duration};

use jsonwebtoken::{
    Algorithm, Header, Validation, decode, decode_header,
    errors::{Error, ErrorKind},
};
use serde_json::{Map, Value};

use self::claims::Claims;
use super::{
    Secret, SecretError,
    key_file::{Format, KeyFile, KeyFileError},
    keys::KeySet,
    sessions::OWN_ISSUER,
};
use crate::server::config::{Config, SignInUrl, TokenAlgorithm};

/// Largest difference between the clocks of the two systems.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// Longest token, in bytes: as much as fits the header of a request everywhere. Checked before the token is parsed.
const TOKEN_MAX_BYTES: usize = 8 * 1024;
/// Shortest time between two checks of a key file: a new key is accepted so much later.
const CHECK_KEYS_EVERY: Duration = Duration::from_secs(2);

/// The reason for rejecting a token. It quotes nothing from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenRejection {
    /// Not three parts of base64url with JSON in them, too long, or with a `crit` header that is not understood here.
    #[error("the token is malformed")]
    Malformed,
    /// The header names another algorithm than the settings, or an unknown one.
    #[error("the token's algorithm is not the one of --jwt-algorithm")]
    WrongAlgorithm,
    /// The header names an unknown key, or no key where there are several.
    #[error("the token's key (kid) is not among the issuer's")]
    UnknownKey,
    /// The token was signed by another key, or changed since.
    #[error("the token's signature is wrong")]
    WrongSignature,
    /// The token has expired: its holder may go on with a new one.
    #[error("the token has expired")]
    Expired,
    /// The token is not valid yet (`nbf`).
    #[error("the token is not valid yet")]
    NotYet,
    /// `iss` differs from the settings.
    #[error("the token's issuer is not the one of --jwt-issuer")]
    WrongIssuer,
    /// `aud` differs from the settings, or the token has one and the settings none (RFC 7519, 4.1.3).
    #[error("the token's audience is not the one of --jwt-audience")]
    WrongAudience,
    /// This claim is missing or malformed.
    #[error("the token's claim {0} is missing or invalid")]
    BadClaim(&'static str),
}

/// The error of settings that describe no usable issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// HS256 needs a secret that both systems share.
    #[error("--jwt-algorithm HS256 needs JWT_SECRET")]
    NoSecret,
    /// The secret is too short.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// HS256 has no public key: with a public one anybody could sign.
    #[error("--jwt-public-key and --jwt-jwks are for RS256, ES256 and EdDSA: set --jwt-algorithm")]
    PublicKeyForSecret,
    /// There is no key to check signatures with.
    #[error("--jwt-algorithm {0:?} needs --jwt-public-key or --jwt-jwks")]
    NoKey(Algorithm),
    /// The key file cannot be used.
    #[error("the keys in {path}: {error}")]
    KeyFile {
        /// The key file.
        path: PathBuf,
        /// The cause.
        error: KeyFileError,
    },
}

enum Keys {
    Fixed(Arc<KeySet>),
    File(KeyFile),
}

/// Verifies the tokens of one other system.
pub struct Issuer {
    keys: Keys,
    algorithm: Algorithm,
    validation: Validation,
    sign_in_url: Option<SignInUrl>,
}

impl Issuer {
    /// The issuer that the settings describe.
    pub fn from_config(config: &Config) -> Result<Self, IssuerError> {
        Self::checking_keys_every(config, CHECK_KEYS_EVERY)
    }

    fn checking_keys_every(config: &Config, check_every: Duration) -> Result<Self, IssuerError> {
        let algorithm = config.tokens.jwt_algorithm.into();
        let keys = keys(config, algorithm, check_every)?;
        let sign_in_url = config.tokens.jwt_sign_in_url.clone();
        Ok(Self { keys, algorithm, validation: validation(config, algorithm), sign_in_url })
    }

    /// The address to sign in at, which leads back to `back`; `None`: the settings have no such address.
    pub fn sign_in_address(&self, back: &str) -> Option<String> {
        self.sign_in_url.as_ref().map(|url| url.with_back(back))
    }

    /// The claims of a token, if it is the issuer's, for this server, and valid now. It may block to read the key file,
    /// as `key_file` describes.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenRejection> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(TokenRejection::Malformed);
        }
        let header = self.header(token)?;
        let keys = match &self.keys {
            Keys::Fixed(keys) => keys.clone(),
            Keys::File(file) => file.current(),
        };
        let key = keys.find(header.kid.as_deref()).ok_or(TokenRejection::UnknownKey)?;
        let token = decode::<Map<String, Value>>(token, key, &self.validation);
        let claims = token.map_err(|error| rejection(&error))?.claims;
        // A token of this server, from a time when it signed users in itself with the same secret.
        if claims.get("iss").and_then(Value::as_str) == Some(OWN_ISSUER) {
            return Err(TokenRejection::WrongIssuer);
        }
        Claims::read(&claims)
    }

    fn header(&self, token: &str) -> Result<Header, TokenRejection> {
        let header = decode_header(token).map_err(|error| match error.kind() {
            // JSON with an unknown value: `none` and other names of algorithms end here.
            ErrorKind::Json(error) if error.is_data() => TokenRejection::WrongAlgorithm,
            _ => TokenRejection::Malformed,
        })?;
        if header.alg != self.algorithm {
            return Err(TokenRejection::WrongAlgorithm);
        }
        // A receiver that does not understand an extension must reject the token (RFC 7515, 4.1.11); none is known
        // here.
        if header.crit.is_some() { Err(TokenRejection::Malformed) } else { Ok(header) }
    }
}

fn keys(config: &Config, algorithm: Algorithm, check_every: Duration) -> Result<Keys, IssuerError> {
    let file = match (&config.tokens.jwt_public_key, &config.tokens.jwt_jwks) {
        (Some(path), _) => Some((path, Format::Pem)),
        (None, Some(path)) => Some((path, Format::Jwks)),
        (None, None) => None,
    };
    match (algorithm, file) {
        (Algorithm::HS256, None) => {
            let secret = Secret::from_setting(config.jwt_secret.as_deref().ok_or(IssuerError::NoSecret)?)?;
            Ok(Keys::Fixed(Arc::new(KeySet::from_secret(&secret))))
        }
        (Algorithm::HS256, Some(_)) => Err(IssuerError::PublicKeyForSecret),
        (_, None) => Err(IssuerError::NoKey(algorithm)),
        (_, Some((path, format))) => KeyFile::open(path, format, algorithm, check_every)
            .map(Keys::File)
            .map_err(|error| IssuerError::KeyFile { path: path.clone(), error }),
    }
}

fn validation(config: &Config, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY.as_secs();
    validation.validate_nbf = true;
    let mut required = vec!["exp", "sub"];
    if let Some(issuer) = &config.tokens.jwt_issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    if let Some(audience) = &config.tokens.jwt_audience {
        validation.set_audience(&[audience]);
        required.push("aud");
    }
    validation.set_required_spec_claims(&required);
    validation
}

fn rejection(error: &Error) -> TokenRejection {
    match error.kind() {
        ErrorKind::InvalidSignature => TokenRejection::WrongSignature,
        ErrorKind::InvalidAlgorithm => TokenRejection::WrongAlgorithm,
        ErrorKind::ExpiredSignature => TokenRejection::Expired,
        ErrorKind::ImmatureSignature => TokenRejection::NotYet,
        ErrorKind::InvalidIssuer => TokenRejection::WrongIssuer,
        ErrorKind::InvalidAudience => TokenRejection::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => match claim.as_str()
        {
            "iss" => TokenRejection::WrongIssuer,
            "aud" => TokenRejection::WrongAudience,
            "sub" => TokenRejection::BadClaim("sub"),
            "nbf" => TokenRejection::BadClaim("nbf"),
            _ => TokenRejection::BadClaim("exp"),
        },
        _ => TokenRejection::Malformed,
    }
}

impl From<TokenAlgorithm> for Algorithm {
    fn from(setting: TokenAlgorithm) -> Self {
        match setting {
            TokenAlgorithm::Hs256 => Self::HS256,
            TokenAlgorithm::Rs256 => Self::RS256,
            TokenAlgorithm::Es256 => Self::ES256,
            TokenAlgorithm::EdDsa => Self::EdDSA,
        }
    }
}

#[cfg(test)]
mod test_keys;
#[cfg(test)]
mod tests;
