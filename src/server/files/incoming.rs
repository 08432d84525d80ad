//! A content while it arrives: it goes to the disk as it comes, and its hash and its type are made on the way. `contents`
//! begins one. Dropping it before the end removes what has arrived.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::{fs::File, io::AsyncWriteExt};

use super::{
    FileError,
    disk::{check_room, run},
    media_type::{BYTES, Sniffer},
    picture::{self, Examined},
};

/// Bytes between two looks at how much room the disk has.
pub(super) const CHECK_EVERY: u64 = 8 * 1024 * 1024;

/// Bytes of a content that are in memory while it is read.
const READ_BYTES: usize = 256 * 1024;

/// A content that is not complete.
pub(super) struct Incoming {
    folder: PathBuf,
    file: File,
    path: TempPath,
    hash: Sha256,
    sniffer: Sniffer,
    size: u64,
    checked: u64,
}

/// A content that is complete and on the disk, not yet under its hash.
pub(super) struct Received {
    pub(super) hash: String,
    pub(super) media_type: String,
    pub(super) size: u64,
    /// The width and the height of a picture.
    pub(super) pixels: Option<(u32, u32)>,
    path: TempPath,
}

impl Incoming {
    /// Creates the file of a content in this folder. Blocks on the disk.
    pub(super) fn create(folder: PathBuf) -> io::Result<Self> {
        let (file, path) = NamedTempFile::new_in(&folder)?.into_parts();
        Ok(Self {
            folder,
            file: File::from_std(file),
            path,
            hash: Sha256::new(),
            sniffer: Sniffer::default(),
            size: 0,
            checked: 0,
        })
    }

    /// The bytes that have arrived.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes.
    pub(super) async fn write(&mut self, bytes: &[u8], min_free: u64) -> Result<(), FileError> {
        self.size += bytes.len() as u64;
        if self.size - self.checked > CHECK_EVERY {
            self.checked = self.size;
            let folder = self.folder.clone();
            run(move || check_room(&folder, min_free, 0)).await?;
        }
        self.hash.update(bytes);
        self.sniffer.take(bytes);
        Ok(self.file.write_all(bytes).await?)
    }

    /// Waits until all of it is on the disk.
    pub(super) async fn finish(mut self) -> Result<Received, FileError> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let (hash, media_type) = (digits_of(self.hash), self.sniffer.media_type().to_owned());
        Ok(Received { hash, media_type, size: self.size, pixels: None, path: self.path })
    }
}

/// A hash as it names a content.
pub(super) fn digits_of(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Received {
    /// Reads a content that is complete and on the disk. Dropping it leaves its file there. Blocks on the disk.
    pub(super) fn at(path: PathBuf) -> io::Result<Self> {
        let mut file = std::fs::File::open(&path)?;
        let (mut hash, mut sniffer, mut size) = (Sha256::new(), Sniffer::default(), 0);
        let mut piece = vec![0; READ_BYTES];
        loop {
            let length = file.read(&mut piece)?;
            if length == 0 {
                break;
            }
            hash.update(&piece[..length]);
            sniffer.take(&piece[..length]);
            size += length as u64;
        }
        let mut path = TempPath::try_from_path(path)?;
        path.disable_cleanup(true);
        let (hash, media_type) = (digits_of(hash), sniffer.media_type().to_owned());
        Ok(Self { hash, media_type, size, pixels: None, path })
    }

    /// Looks at a picture, and puts one that tells nothing in the place of one that tells something. Blocks on the disk.
    pub(super) fn examine(mut self, folder: &Path) -> Result<Self, FileError> {
        if !picture::is_picture(&self.media_type) {
            return Ok(self);
        }
        let Examined { size, clean, is_whole } = picture::examine(&self.path, self.size, &self.media_type)?;
        if !is_whole {
            self.media_type = BYTES.to_owned();
        }
        self.pixels = size;
        let Some(clean) = clean else { return Ok(self) };
        let (mut file, path) = NamedTempFile::new_in(folder)?.into_parts();
        let (mut hash, mut size) = (Sha256::new(), 0);
        for piece in clean.encoder() {
            hash.update(&piece);
            size += piece.len() as u64;
            file.write_all(&piece)?;
        }
        file.sync_all()?;
        Ok(Self { hash: digits_of(hash), size, path, ..self })
    }

    /// Its hash, and the file that holds it.
    pub(super) fn into_parts(self) -> (String, TempPath) {
        (self.hash, self.path)
    }
}
