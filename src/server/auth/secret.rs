//! Secrets: the key that signs sessions, a setting or made once and kept beside the database; and the tokens of links
//! and publishers, of which only a hash is kept.

use std::{
    fmt, fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use jsonwebtoken::{Algorithm, EncodingKey};
use sha2::{Digest, Sha256};

/// HS256 wants a key at least as long as its hash (RFC 7518, 3.2).
const MIN_BYTES: usize = 32;
/// Hexadecimal digits of a key's name: of the few installations on one host no two have the same.
const NAME_DIGITS: usize = 8;

/// A signing key. Never shown, not even by `Debug`.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The setting is too short.
    #[error("JWT_SECRET has {0} bytes; it needs at least {MIN_BYTES}. Try: openssl rand -hex 32")]
    TooShort(usize),
    /// The file is there and is not a key.
    #[error("{0} is too short to be a key; remove it and a new one is made")]
    Damaged(PathBuf),
    /// The file cannot be read or written.
    #[error("the key {path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

impl Secret {
    /// Takes `JWT_SECRET`.
    pub fn from_setting(text: &str) -> Result<Self, SecretError> {
        let bytes = text.as_bytes();
        if bytes.len() < MIN_BYTES {
            return Err(SecretError::TooShort(bytes.len()));
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Reads the key kept in the data folder, or makes one there with mode 0600.
    pub fn load_or_create(data: &Path, file_name: &str) -> Result<Self, SecretError> {
        let path = data.join(file_name);
        let failed = |error| SecretError::Io { path: path.clone(), error };
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= MIN_BYTES => Ok(Self(text.trim().as_bytes().to_vec())),
            Ok(_) => Err(SecretError::Damaged(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = Self::random().map_err(failed)?;
                let mut file = fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .map_err(failed)?;
                file.write_all(&secret.0).and_then(|()| file.sync_all()).map_err(failed)?;
                tracing::info!(path = %path.display(), "made a key");
                Ok(secret)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0; MIN_BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(hex(&bytes).into_bytes()))
    }

    /// The key as who needs it copies it.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// A secret of its own for one purpose, always the same: 64 hexadecimal digits, which tell nothing of the key
    /// (HMAC-SHA-256, RFC 2104).
    pub fn derive(&self, purpose: &str) -> String {
        let key = EncodingKey::from_secret(&self.0);
        let signed = jsonwebtoken::crypto::sign(purpose.as_bytes(), &key, Algorithm::HS256);
        hash(&signed.expect("any secret is an HMAC key"))
    }

    /// A word that tells who has another key, such as another installation. It is no secret.
    pub fn name(&self) -> String {
        self.derive("name")[..NAME_DIGITS].to_owned()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// 128 random bits as hexadecimal digits: nobody guesses it.
pub(in crate::server) fn random_token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    hex(&bytes)
}

/// What is kept of a token, in hexadecimal digits. A plain hash is enough for what is random.
pub(in crate::server) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const FILE_NAME: &str = "key";

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let data = tempfile::tempdir().expect("a folder");
        let made = Secret::load_or_create(data.path(), FILE_NAME).expect("made");
        let kept = Secret::load_or_create(data.path(), FILE_NAME).expect("kept");
        assert_eq!(made.0, kept.0);
        let mode = fs::metadata(data.path().join(FILE_NAME)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_short_setting_is_refused_with_the_fix() {
        let refused = Secret::from_setting("short").expect_err("too short").to_string();
        assert!(refused.contains("at least 32"), "{refused}");
    }

    #[test]
    fn what_is_derived_is_of_the_key_and_the_purpose() {
        let key = |text: &str| Secret::from_setting(text).expect("long enough");
        let (one, other) = (key(&"1".repeat(32)), key(&"2".repeat(32)));
        assert_eq!(one.derive("a"), one.derive("a"));
        assert_ne!(one.derive("a"), one.derive("b"));
        assert_ne!(one.derive("a"), other.derive("a"));
        assert_ne!(one.name(), other.name());
        assert_eq!(one.name().len(), NAME_DIGITS);
    }

    #[test]
    fn an_emptied_key_file_is_not_taken_for_a_key() {
        let data = tempfile::tempdir().expect("a folder");
        fs::write(data.path().join(FILE_NAME), "").expect("written");
        assert!(matches!(Secret::load_or_create(data.path(), FILE_NAME), Err(SecretError::Damaged(_))));
    }
}
