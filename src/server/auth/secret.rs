//! Secrets: the key that signs sessions, which is a setting or is created once and stored beside the database; and the
//! tokens of links and publishers, of which only the hash is stored. The start of the server, `Auth` and the accounts
//! call it. No secret may get into a log or an error.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jsonwebtoken::{Algorithm, EncodingKey};
use sha2::{Digest, Sha256};

use crate::server::store::private_file;

/// HS256 requires a key at least as long as its hash (RFC 7518, 3.2).
const MIN_BYTES: usize = 32;
/// Hexadecimal digits of a key's name: enough to tell the few installations on one host apart.
const NAME_DIGITS: usize = 8;

/// The file of the key that signs sessions, in the data folder, unless the key is a setting.
pub const SESSION_KEY_FILE: &str = "jwt-secret";
/// The file of the operator's key, in the data folder.
pub const OPERATOR_KEY_FILE: &str = "operator-key";
/// All key files in the data folder.
pub const KEY_FILES: [&str; 2] = [SESSION_KEY_FILE, OPERATOR_KEY_FILE];

/// A signing key. `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The error of a key that is missing or unusable.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The setting is too short.
    #[error("JWT_SECRET has {0} bytes; it needs at least {MIN_BYTES}. Try: openssl rand -hex 32")]
    TooShort(usize),
    /// The file exists and is not a key.
    #[error(
        "{} is not a complete key: restore it from a backup, or remove it; then a new one is made, and \
         everything that the old one signed or opened must be issued again",
        .0.display()
    )]
    Damaged(PathBuf),
    /// The file cannot be read or written.
    #[error("the key {} cannot be read or created: {error} ({})", path.display(), private_file::advice(path, error))]
    Io {
        /// The key file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

impl Secret {
    /// The key in the setting `JWT_SECRET`.
    pub fn from_setting(text: &str) -> Result<Self, SecretError> {
        let bytes = text.as_bytes();
        if bytes.len() < MIN_BYTES {
            return Err(SecretError::TooShort(bytes.len()));
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Reads the key in the data folder, or creates one there with mode 0600. An empty file, which a full disk leaves
    /// behind, is no key and is replaced.
    pub fn load_or_create(data: &Path, file_name: &str) -> Result<Self, SecretError> {
        let path = data.join(file_name);
        let failed = |error| SecretError::Io { path: path.clone(), error };
        if let Some(secret) = Self::load(&path)? {
            warn_if_open(&path);
            return Ok(secret);
        }
        // Two first starts at the same time get one key. Where a folder cannot be locked, creating a file is safe all
        // the same; only two starts that replace an empty file at the same time are not.
        let folder = File::open(data).map_err(failed)?;
        let _ = folder.lock();
        if let Some(secret) = Self::load(&path)? {
            return Ok(secret);
        }
        Self::make(&path)
    }

    /// The key in the file. `None`: there is no file, or an empty one.
    fn load(path: &Path) -> Result<Option<Self>, SecretError> {
        match fs::read(path) {
            Ok(bytes) if bytes.is_empty() => Ok(None),
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) if text.trim().len() >= MIN_BYTES => Ok(Some(Self(text.trim().into()))),
                _ => Err(SecretError::Damaged(path.to_owned())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SecretError::Io { path: path.to_owned(), error }),
        }
    }

    fn make(path: &Path) -> Result<Self, SecretError> {
        let failed = |error| SecretError::Io { path: path.to_owned(), error };
        let secret = Self::random().map_err(failed)?;
        let is_empty = fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0);
        if is_empty {
            tracing::warn!(path = %path.display(), "the key file was empty: created a new key");
            private_file::replace(path, &secret.0).map_err(failed)?;
        } else if !private_file::create(path, &secret.0).map_err(failed)? {
            return Self::load(path)?.ok_or_else(|| SecretError::Damaged(path.to_owned()));
        } else {
            tracing::info!(path = %path.display(), "made a key");
        }
        Ok(secret)
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0; MIN_BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(hex(&bytes).into_bytes()))
    }

    /// The key as text, to be copied by its user.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// Derives a secret for one purpose, always the same: 64 hexadecimal digits, which tell nothing of the key
    /// (HMAC-SHA-256, RFC 2104).
    pub fn derive(&self, purpose: &str) -> String {
        let key = EncodingKey::from_secret(&self.0);
        let signed = jsonwebtoken::crypto::sign(purpose.as_bytes(), &key, Algorithm::HS256);
        hash(&signed.expect("any secret is an HMAC key"))
    }

    /// A name that differs between keys, and so between installations. It is not secret.
    pub fn name(&self) -> String {
        self.derive("name")[..NAME_DIGITS].to_owned()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Warns only and leaves the mode as it is: the operator may have a reason.
fn warn_if_open(path: &Path) {
    if private_file::is_open_to_others(path).unwrap_or(false) {
        let path = path.display();
        tracing::warn!("other users of this machine can read the key {path}: chmod 600 {path}");
    }
}

/// 128 random bits as 32 hexadecimal digits: too many to guess.
pub(crate) fn random_token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    hex(&bytes)
}

/// The SHA-256 of a token to store, in 64 hexadecimal digits. A plain hash is enough for a random token.
pub(crate) fn hash(token: &str) -> String {
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
    fn an_empty_key_file_is_made_anew_and_a_cut_one_is_told() {
        let data = tempfile::tempdir().expect("a folder");
        let path = data.path().join(FILE_NAME);
        fs::write(&path, "").expect("written");
        let made = Secret::load_or_create(data.path(), FILE_NAME).expect("made anew");
        assert_eq!(made.0, Secret::load_or_create(data.path(), FILE_NAME).expect("kept").0);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        for bad in [&made.0[..MIN_BYTES - 1], b"\n", &[0xff; 64]] {
            fs::write(&path, bad).expect("written");
            let told = Secret::load_or_create(data.path(), FILE_NAME).expect_err("no key").to_string();
            assert!(told.contains("remove it") && told.matches("/key").count() == 1, "{told}");
        }
    }

    #[test]
    fn first_starts_at_once_have_one_key_also_when_an_empty_one_is_there() {
        for is_empty in [false, true] {
            let data = tempfile::tempdir().expect("a folder");
            if is_empty {
                fs::write(data.path().join(FILE_NAME), "").expect("written");
            }
            let keys: Vec<_> = std::thread::scope(|scope| {
                let start = || Secret::load_or_create(data.path(), FILE_NAME).expect("a key").0;
                let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
                starts.into_iter().map(|start| start.join().expect("no panic")).collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0]), "two keys");
        }
    }

    #[test]
    fn a_key_that_cannot_be_written_leaves_nothing_behind() {
        let data = tempfile::tempdir().expect("a folder");
        let nowhere = data.path().join("nowhere");
        let told = Secret::load_or_create(&nowhere, FILE_NAME).expect_err("no folder").to_string();
        assert!(told.contains("nowhere/key"), "{told}");
        fs::create_dir(data.path().join(FILE_NAME)).expect("made");
        let told = Secret::load_or_create(data.path(), FILE_NAME).expect_err("a folder").to_string();
        assert!(told.contains("directory"), "{told}");
    }
}
