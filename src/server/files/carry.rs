//! Contents on their way from one place to another: `idobata backup`, `restore` and `migrate` call it. A content counts as
//! carried only if what the target has of it has its hash. It must never change the place that it copies from.

use std::io;

use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::{
    FileError,
    contents::{Contents, Object, Reading},
    incoming::digits_of,
};
use crate::server::config::FilesLocation;

/// Digits of a hash.
const HASH_DIGITS: usize = 64;

/// Two places of contents.
pub struct Carrier {
    from: Contents,
    to: Contents,
}

/// The outcome for a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It is in the target now.
    Copied,
    /// It was in the target already.
    Kept,
    /// It is in neither place.
    Missing,
    /// It cannot be read, or has another hash.
    Damaged,
}

impl Carrier {
    /// Opens the place to copy to, a folder if need be made. The other one is only read.
    pub async fn open(from: &FilesLocation, to: &FilesLocation) -> io::Result<Self> {
        Ok(Self { from: Contents::to_read(from, false).await?, to: Contents::open(to, false).await? })
    }

    /// Copies a content unless the target has it.
    pub async fn carry(&self, hash: &str) -> Result<Carried, FileError> {
        // The hash is part of a path, and a backup may come from anywhere.
        if !is_hash(hash) {
            return Ok(Carried::Damaged);
        }
        if let Some(there) = self.to.read(Object::Content(hash), None).await?
            && has_hash(there, hash).await
        {
            return Ok(Carried::Kept);
        }
        match self.from.read(Object::Content(hash), None).await {
            Ok(None) => Ok(Carried::Missing),
            Ok(Some(reader)) => match self.to.import(hash, reader).await? {
                true => Ok(Carried::Copied),
                false => Ok(Carried::Damaged),
            },
            Err(_) => Ok(Carried::Damaged),
        }
    }

    /// The hashes in the target that `is_needed` does not want.
    pub async fn unneeded<E: From<FileError>>(
        &self,
        is_needed: impl Fn(&str) -> Result<bool, E>,
    ) -> Result<Vec<String>, E> {
        let mut unneeded = Vec::new();
        for first in 0..=u8::MAX {
            for hash in self.to.hashes_in(first).await? {
                if !is_needed(&hash)? {
                    unneeded.push(hash);
                }
            }
        }
        Ok(unneeded)
    }

    /// Removes contents from the target.
    pub async fn remove(&self, hashes: &[String]) -> Result<(), FileError> {
        for hash in hashes {
            if let Some(aside) = self.to.set_aside(hash).await? {
                self.to.settle(&aside, false).await?;
            }
        }
        Ok(())
    }

    /// Keeps a content of the target a second time, below this name in it, which the server leaves alone. It is on the disk
    /// after [`Self::sync_kept`].
    pub async fn keep_aside(&self, hash: &str, name: &str) -> Result<(), FileError> {
        self.to.keep_aside(hash, name).await
    }

    /// Waits until what was kept below this name is on the disk.
    pub async fn sync_kept(&self, name: &str) -> Result<(), FileError> {
        self.to.sync_kept(name).await
    }

    /// Removes what [`Self::keep_aside`] kept below this name. The contents themselves stay.
    pub async fn discard_kept(&self, name: &str) -> Result<(), FileError> {
        self.to.discard_kept(name).await
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns true if a content can be read to its end and has this hash.
async fn has_hash(mut reading: Reading, hash: &str) -> bool {
    let mut found = Sha256::new();
    while let Some(bytes) = reading.bytes.next().await {
        let Ok(bytes) = bytes else { return false };
        found.update(&bytes);
    }
    digits_of(found) == hash
}
