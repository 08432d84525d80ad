//! A file with the keys of another system, read again when it changes: that system rotates its keys while this server
//! runs. The issuer asks for the keys at every token. A bad file must never replace good keys.
//!
//! Blocking: at most once in an interval, one caller asks the file system for the file's state, and reads at most
//! [`FILE_MAX_BYTES`] if that has changed; all other callers go on with the present keys. That takes microseconds on a
//! local disk; a disk that hangs would block that one caller.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use jsonwebtoken::Algorithm;
use parking_lot::Mutex;

use super::keys::{KeyError, KeySet};

/// Largest key file: a hundred keys with their certificates.
const FILE_MAX_BYTES: u64 = 256 * 1024;

/// The format of a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One public key.
    Pem,
    /// A JWK set.
    Jwks,
}

/// The error of a key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file is missing or cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file has no usable keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file is too large for a key file.
    #[error("the file is larger than {FILE_MAX_BYTES} bytes")]
    TooLarge,
}

/// Modification time, length and inode: one of them changes with the file. A file that replaces it has another inode.
type Stamp = (Option<SystemTime>, u64, u64);

/// A key file and the keys that were read from it last.
pub(super) struct KeyFile {
    path: PathBuf,
    format: Format,
    algorithm: Algorithm,
    check_every: Duration,
    state: Mutex<State>,
}

struct State {
    checked_at: Instant,
    /// The stamp of the file that was read last, good or bad; `None`: there was no file.
    stamp: Option<Stamp>,
    keys: Arc<KeySet>,
}

impl KeyFile {
    /// Reads the keys. Only here is a bad file an error.
    pub(super) fn open(
        path: &Path,
        format: Format,
        algorithm: Algorithm,
        check_every: Duration,
    ) -> Result<Self, KeyFileError> {
        let stamp = Some(stamp(path)?);
        let keys = Arc::new(read(path, format, algorithm)?);
        let state = Mutex::new(State { checked_at: Instant::now(), stamp, keys });
        Ok(Self { path: path.to_owned(), format, algorithm, check_every, state })
    }

    /// The keys in the file, at most `check_every` old. If the file has become bad, the keys from before.
    pub(super) fn current(&self) -> Arc<KeySet> {
        let (known, keys) = {
            let mut state = self.state.lock();
            if state.checked_at.elapsed() < self.check_every {
                return state.keys.clone();
            }
            state.checked_at = Instant::now();
            (state.stamp, state.keys.clone())
        };
        let now = stamp(&self.path);
        if now.as_ref().ok() == known.as_ref() { keys } else { self.reload(now, keys) }
    }

    fn reload(&self, stamp: io::Result<Stamp>, old: Arc<KeySet>) -> Arc<KeySet> {
        let (stamp, read) = match stamp {
            Ok(stamp) => (Some(stamp), read(&self.path, self.format, self.algorithm)),
            Err(error) => (None, Err(error.into())),
        };
        let path = self.path.display();
        let keys = match read {
            Ok(keys) => {
                tracing::info!(%path, "reloaded the token keys");
                Arc::new(keys)
            }
            Err(error) => {
                tracing::error!(%path, "cannot reload the token keys, the previous ones stay in use: {error}");
                old
            }
        };
        let mut state = self.state.lock();
        state.stamp = stamp;
        state.keys = keys.clone();
        keys
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.modified().ok(), metadata.len(), metadata.ino()))
}

fn read(path: &Path, format: Format, algorithm: Algorithm) -> Result<KeySet, KeyFileError> {
    let mut bytes = Vec::new();
    let count = File::open(path)?.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if count as u64 > FILE_MAX_BYTES {
        return Err(KeyFileError::TooLarge);
    }
    Ok(match format {
        Format::Pem => KeySet::from_pem(algorithm, &bytes)?,
        Format::Jwks => KeySet::from_jwks(algorithm, &bytes)?,
    })
}
