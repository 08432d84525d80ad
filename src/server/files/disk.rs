//! The disk of the contents: how much room it has, and work that waits for it. `contents` and `incoming` call it.

use std::{io, path::Path};

use super::FileError;

/// The refusal of an upload for which the disk has no room.
pub(super) const NO_ROOM: &str = "The disk of this server is full: nothing was stored. Who runs it can free some space, or lower --min-free-disk.";

/// Fails if the disk has not this much room beside what must stay free.
pub(super) fn check_room(folder: &Path, min_free: u64, bytes: u64) -> Result<(), FileError> {
    let disk = rustix::fs::statvfs(folder).map_err(io::Error::from)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    match free < min_free.saturating_add(bytes) {
        true => Err(FileError::Full(NO_ROOM.to_owned())),
        false => Ok(()),
    }
}

/// Runs `work` on a thread that may block on the disk.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error).into()))
}
