//! The settings of another system's tokens (`--auth jwt`), a part of [`super::Config`]. `auth::issuer` verifies by
//! them. A public key is read there, not here, and again whenever its file changes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{sign_in_url::SignInUrl, values::non_empty};

/// The verification of another system's tokens, and the address at which it signs users in.
#[derive(Clone, Debug, Args)]
pub struct TokenSettings {
    /// Algorithm of another system's tokens; a token that names another one is rejected
    #[arg(
        long,
        env = "IDOBATA_JWT_ALGORITHM",
        default_value = "HS256",
        value_name = "ALGORITHM",
        ignore_case = true
    )]
    pub jwt_algorithm: TokenAlgorithm,

    /// PEM file with the public key of another system's tokens (all but HS256), read again when it changes
    #[arg(long, env = "IDOBATA_JWT_PUBLIC_KEY", value_name = "FILE", conflicts_with = "jwt_jwks")]
    pub jwt_public_key: Option<PathBuf>,

    /// JWK set (RFC 7517) with the public keys of another system's tokens, read again when it changes
    #[arg(long, env = "IDOBATA_JWT_JWKS", value_name = "FILE")]
    pub jwt_jwks: Option<PathBuf>,

    /// `iss` that another system's tokens must have; without this setting any is accepted
    #[arg(long, env = "IDOBATA_JWT_ISSUER", value_name = "ISSUER", value_parser = non_empty)]
    pub jwt_issuer: Option<String>,

    /// `aud` that another system's tokens must contain; without this setting only tokens without `aud` are accepted
    #[arg(long, env = "IDOBATA_JWT_AUDIENCE", value_name = "AUDIENCE", value_parser = non_empty)]
    pub jwt_audience: Option<String>,

    /// URL at which another system signs users in; `{back}` in it becomes the address to come back to
    #[arg(long, env = "IDOBATA_JWT_SIGN_IN_URL", value_name = "URL")]
    pub jwt_sign_in_url: Option<SignInUrl>,
}

/// The signature algorithm of another system's tokens (RFC 7518, 3.1; RFC 8037, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenAlgorithm {
    /// HMAC with `JWT_SECRET`, which both systems know.
    #[value(name = "HS256")]
    Hs256,
    /// RSA, PKCS #1 v1.5.
    #[value(name = "RS256")]
    Rs256,
    /// ECDSA on P-256.
    #[value(name = "ES256")]
    Es256,
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
}
