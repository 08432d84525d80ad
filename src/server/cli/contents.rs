//! The contents of files on their way with a database: `backup`, `restore` and `migrate` use it. It says by name what is
//! missing or damaged, and must never stop at one: the others are worth having.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use tokio::runtime::Handle;

use super::{folder::Size, progress::Progress};
use crate::server::{
    config::{FilesLocation, FilesPlace},
    files::{Carried, Carrier, FileError},
    store::{
        StoreError,
        sqlite::{
            backup::CopyProgress,
            content_list::{ContentList, StoredContent},
        },
    },
};

/// Looks for a content that is not there, before it counts as missing: a removal that finds that it is needed after all
/// puts it back within milliseconds.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Contents to copy from one place to another.
pub(super) struct Contents<'a> {
    place: FilesPlace,
    pub(super) carrier: Carrier,
    pub(super) is_stopped: &'a AtomicBool,
}

/// What became of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Copied {
    /// Contents in the target.
    files: u64,
    bytes: u64,
    /// The hashes of those that were removed while the backup was made.
    pub(super) gone: Vec<String>,
    /// Those that are missing or damaged.
    pub(super) lacking: u64,
}

impl<'a> Contents<'a> {
    /// The contents of `from`, and the place to copy them to, a folder if need be made. Blocks.
    pub(super) fn open(
        from: &FilesLocation,
        to: &FilesLocation,
        is_stopped: &'a AtomicBool,
    ) -> Result<Self, StoreError> {
        let carrier = Handle::current().block_on(Carrier::open(from, to));
        let carrier = carrier.map_err(|error| unusable(&to.place, &error))?;
        Ok(Self { place: to.place.clone(), carrier, is_stopped })
    }

    /// Copies all of a list. Those that `live` does not name any more may be missing. Blocks.
    pub(super) fn copy(
        &self,
        list: &ContentList<'_>,
        live: Option<&ContentList<'_>>,
        what: &'static str,
    ) -> Result<Copied, StoreError> {
        let (mut copied, mut progress, total) = (Copied::default(), Progress::of(what), list.bytes()?);
        let mut last = String::new();
        loop {
            let page = list.after(&last)?;
            let Some(end) = page.last() else { return Ok(copied) };
            last.clone_from(&end.hash);
            for content in &page {
                if self.is_stopped.load(Relaxed) {
                    return Err(StoreError::Interrupted);
                }
                self.copy_one(content, (list, live), (&mut copied, &mut progress))?;
                progress.show(CopyProgress { done: copied.bytes, total });
            }
        }
    }

    fn copy_one(
        &self,
        content: &StoredContent,
        (list, live): (&ContentList<'_>, Option<&ContentList<'_>>),
        (copied, progress): (&mut Copied, &mut Progress),
    ) -> Result<(), StoreError> {
        let StoredContent { hash, name, size, is_named } = content;
        let mut looks = 0;
        let why = loop {
            match self.wait(self.carrier.carry(hash))? {
                Carried::Copied | Carried::Kept => {
                    copied.files += 1;
                    copied.bytes += size;
                    return Ok(());
                }
                // Its upload has not been answered, so nobody knows of it.
                Carried::Missing if !is_named => return Ok(()),
                Carried::Missing if live.is_some_and(|live| live.has(hash).is_ok_and(|has| !has)) => {
                    copied.gone.push(hash.clone());
                    return Ok(());
                }
                Carried::Missing if list.is_gone(hash) => {
                    copied.gone.push(hash.clone());
                    return Ok(());
                }
                Carried::Missing if live.is_some() && looks < LOOKS => {
                    looks += 1;
                    thread::sleep(BETWEEN_LOOKS);
                }
                Carried::Missing => break "is missing",
                Carried::Damaged => break "is damaged",
            }
        };
        copied.lacking += 1;
        // As text in quotes: a name is somebody's, and this may be a terminal.
        progress.say(&format!("{name:?} {why} (SHA-256 {hash})"));
        Ok(())
    }

    /// The contents in the target that are not in a list. Blocks.
    pub(super) fn unneeded(&self, list: &ContentList<'_>) -> Result<Vec<String>, StoreError> {
        let found = self.carrier.unneeded(|hash| list.has(hash).map_err(Fault::Store));
        Handle::current().block_on(found).map_err(|fault| match fault {
            Fault::Store(error) => error,
            Fault::Files(error) => unusable(&self.place, &error),
        })
    }

    /// Keeps contents of the target a second time below this name. Blocks.
    pub(super) fn keep_aside(&self, hashes: &[String], name: &str) -> Result<(), StoreError> {
        let mut progress = Progress::of("kept previous files");
        for (index, hash) in hashes.iter().enumerate() {
            if self.is_stopped.load(Relaxed) {
                return Err(StoreError::Interrupted);
            }
            self.wait(self.carrier.keep_aside(hash, name))?;
            progress.show_of(index + 1, hashes.len());
        }
        self.wait(self.carrier.sync_kept(name))
    }

    /// Waits for work of the carrier. Blocks.
    pub(super) fn wait<T>(&self, work: impl Future<Output = Result<T, FileError>>) -> Result<T, StoreError> {
        Handle::current().block_on(work).map_err(|error| unusable(&self.place, &error))
    }
}

fn unusable(place: &FilesPlace, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::File { path: place.to_string().into(), fault: format!("cannot be used: {error}") }
}

enum Fault {
    Store(StoreError),
    Files(FileError),
}

impl From<FileError> for Fault {
    fn from(error: FileError) -> Self {
        Self::Files(error)
    }
}

impl Copied {
    /// The outcome in words, such as `3 files (1.2 MB)`.
    pub(super) fn in_words(&self) -> String {
        let gone = match self.gone.len() {
            0 => String::new(),
            gone => format!("; {gone} that were removed while the backup was made are not in it"),
        };
        format!("{} files ({}){gone}", self.files, Size(self.bytes))
    }

    /// Fails if something is missing or damaged.
    pub(super) fn expect_all(&self, done: &str) -> anyhow::Result<()> {
        match self.lacking {
            0 => Ok(()),
            lacking => anyhow::bail!(
                "{done}, but {lacking} contents of files are missing or damaged; their names stand above. Take them from \
                 an earlier backup, or delete the messages that name them"
            ),
        }
    }
}
