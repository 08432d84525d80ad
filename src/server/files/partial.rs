//! The folder of uploads that are continued after a cut. `resuming` calls it.
//!
//! Two files of each: `KEY.json` describes it, and `KEY.bytes` has what has come, from its first byte until a room has the
//! file. At the end the first is renamed to `KEY.done`, so that a client whose last answer was lost learns of it. All of it is
//! on the disk, so a restart, a kill or another node that reaches the folder goes on from there. KEY begins with a digest
//! of the owner: nobody finds the upload of somebody else.
//!
//! The description is locked (`flock`) by whoever writes or ends the upload. The kernel gives the lock back when a process dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    FileError,
    contents::{remove_if_there, sync_folder},
    disk::check_room,
    incoming::{Received, digits_of},
};
use crate::{protocol::name::RoomId, server::config::FilesLocation};

const FOLDER: &str = "partial";
/// Digits of the owner's digest in a name: enough that nobody finds a second owner with the same.
const OWNER_DIGITS: usize = 32;
/// Digits of an id.
const ID_DIGITS: usize = 32;

/// The description of an upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Description {
    pub(super) id: String,
    /// The id of the file that it becomes. It is told to nobody before the content is there.
    pub(super) file: String,
    pub(super) room: RoomId,
    pub(super) name: String,
    pub(super) length: u64,
    /// `Upload-Metadata` as it was sent.
    pub(super) metadata: String,
    pub(super) expires_ms: i64,
}

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Partials {
    folder: PathBuf,
    /// Descriptions are written here, and moved when they are complete.
    incoming: PathBuf,
}

/// An upload that nobody else writes as long as this is held.
pub(super) struct Held {
    pub(super) description: Description,
    folder: PathBuf,
    key: PathBuf,
    _lock: File,
}

/// The outcome of a search for an upload.
pub(super) enum Taken {
    Held(Held),
    /// It has become a file.
    Done(Description),
    /// Somebody else writes it now.
    Busy,
    Unknown,
}

impl Partials {
    /// Opens the folder, which is beside that of what is on its way. There descriptions are written.
    pub(super) fn open(location: &FilesLocation) -> io::Result<Self> {
        let incoming = location.incoming.clone();
        let folder = incoming.with_file_name(FOLDER);
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, incoming })
    }

    fn key(&self, owner: &str, id: &str) -> PathBuf {
        self.folder.join(format!("{}{id}", digest_of(owner)))
    }

    /// Adds an upload without a byte.
    pub(super) fn add(&self, owner: &str, description: &Description) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.incoming)?;
        file.write_all(&serde_json::to_vec(description)?)?;
        file.as_file().sync_all()?;
        file.persist(self.key(owner, &description.id).with_extension("json"))?;
        sync_folder(&self.folder)
    }

    /// Looks for an upload and locks it.
    pub(super) fn take(&self, owner: &str, id: &str) -> io::Result<Taken> {
        if !is_id(id) {
            return Ok(Taken::Unknown);
        }
        let key = self.key(owner, id);
        let path = key.with_extension("json");
        // NFS locks only what is open for writing.
        let lock = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(read(&key.with_extension("done"))?.map_or(Taken::Unknown, Taken::Done));
            }
            other => other?,
        };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(Taken::Busy),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        // It may have ended between the two: then this is the lock of a file that has another name now, or none.
        let is_current =
            fs::metadata(&path).is_ok_and(|now| lock.metadata().is_ok_and(|own| now.ino() == own.ino()));
        match read(&path)? {
            Some(description) if is_current => {
                Ok(Taken::Held(Held { description, folder: self.folder.clone(), key, _lock: lock }))
            }
            _ => Ok(Taken::Busy),
        }
    }

    /// The room of an upload.
    pub(super) fn room_of(&self, owner: &str, id: &str) -> io::Result<Option<RoomId>> {
        if !is_id(id) {
            return Ok(None);
        }
        let key = self.key(owner, id);
        let found = match read(&key.with_extension("json"))? {
            None => read(&key.with_extension("done"))?,
            found => found,
        };
        Ok(found.map(|description| description.room))
    }

    /// Fails if the disk has not this much room beside what must stay free.
    pub(super) fn check_room(&self, min_free: u64, bytes: u64) -> Result<(), FileError> {
        check_room(&self.folder, min_free, bytes)
    }

    /// The uploads of a person that are not complete.
    pub(super) fn of(&self, owner: &str) -> io::Result<Vec<Description>> {
        let owner = digest_of(owner);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_theirs =
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(owner.as_bytes()));
            if is_theirs && has_extension(&path, "json") {
                found.extend(read(&path)?);
            }
        }
        Ok(found)
    }

    /// Removes what has expired, and bytes without a description. Returns how many uploads.
    pub(super) fn remove_expired(&self, now_ms: i64) -> io::Result<usize> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if has_extension(&path, "bytes") {
                // A description is there before the first byte, and goes before the last.
                if !path.with_extension("json").exists() {
                    remove_if_there(&path)?;
                }
            } else if read(&path)?.is_none_or(|description| description.expires_ms <= now_ms)
                && let Some(_lock) = lock_of_free(&path)?
            {
                remove_if_there(&path)?;
                remove_if_there(&path.with_extension("bytes"))?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Held {
    /// The number of bytes that are on the disk. Waits until they are. Journaling file systems make a file longer after its
    /// bytes are written, so this holds after a loss of power as well.
    pub(super) fn durable(&self) -> io::Result<u64> {
        match File::open(self.bytes()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            file => {
                let file = file?;
                file.sync_all()?;
                Ok(file.metadata()?.len())
            }
        }
    }

    /// The path of the bytes. They may not be there.
    pub(super) fn bytes(&self) -> PathBuf {
        self.key.with_extension("bytes")
    }

    /// Opens the bytes to add some.
    pub(super) fn open(&self) -> io::Result<File> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(self.bytes())?;
        sync_folder(&self.folder)?;
        Ok(file)
    }

    /// Returns the bytes that have come, as a complete content. It stays where it is until it is kept.
    pub(super) fn received(&self) -> io::Result<Received> {
        drop(self.open()?); // a file without a byte
        Received::at(self.bytes())
    }

    /// Ends the upload: a room has the file.
    pub(super) fn end(self) -> io::Result<()> {
        // A picture was stored without what it told; this is the one with it.
        remove_if_there(&self.bytes())?;
        fs::rename(self.key.with_extension("json"), self.key.with_extension("done"))?;
        sync_folder(&self.folder)
    }

    /// Removes the upload.
    pub(super) fn remove(self) -> io::Result<()> {
        remove_if_there(&self.key.with_extension("json"))?;
        sync_folder(&self.folder)?;
        remove_if_there(&self.bytes())
    }
}

/// Returns true for what an id looks like. Nothing else may become part of a path.
fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn digest_of(owner: &str) -> String {
    let mut digits = digits_of(Sha256::new_with_prefix(owner));
    digits.truncate(OWNER_DIGITS);
    digits
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|own| own == extension)
}

/// Reads a description; `None` if it is not there, or is none.
fn read(path: &Path) -> io::Result<Option<Description>> {
    match fs::read(path) {
        Ok(json) => Ok(serde_json::from_slice(&json).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Locks the upload with this description; `None` if somebody holds it, or it is not there any more.
fn lock_of_free(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => Ok(file.try_lock().is_ok().then_some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
