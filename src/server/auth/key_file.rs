//! A file with the keys of another system, read again when it changes: that system's keys rotate while this one runs.
//! The issuer asks for the keys at every token.
//!
//! How it blocks: at most once in an interval, one caller asks the file system for the file's state, and reads at most
//! [`FILE_MAX_BYTES`] if that has changed; everybody else goes on with the keys there are. That is microseconds on a
//! local disk; a file on a disk that hangs would hold that one caller.

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

/// What a file has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One public key.
    Pem,
    /// A JWK set.
    Jwks,
}

/// Why a file's keys are not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file is not there, or may not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not what it should be.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No key file is so large.
    #[error("it has more than {FILE_MAX_BYTES} bytes")]
    TooLarge,
}

/// What changes when a file does; a file that is put in its place is another inode.
type Stamp = (Option<SystemTime>, u64, u64);

/// See the module.
pub(super) struct KeyFile {
    path: PathBuf,
    format: Format,
    algorithm: Algorithm,
    check_every: Duration,
    state: Mutex<State>,
}

struct State {
    checked_at: Instant,
    /// Of what was read last, be it good or bad; `None` when there was no file.
    stamp: Option<Stamp>,
    keys: Arc<KeySet>,
}

impl KeyFile {
    /// Reads the keys. Here, and only here, a bad file is an error.
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

    /// The keys as they are now, or were a moment ago. When the file has become bad: those from before.
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
                tracing::info!(%path, "took the new keys for tokens");
                Arc::new(keys)
            }
            Err(error) => {
                tracing::error!(%path, "the new keys for tokens are not taken, those from before stay: {error}");
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
