//! `idobata backup`: copies a database and its keys into one file, and the contents of files into a folder beside it.
//! `cli` runs it, beside a running server or without one; it must never change the database.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use clap::Args;

use super::{
    contents::{Contents, Copied},
    folder::{DataFolder, Size, folder_of_files},
    print_line,
    progress::Progress,
};
use crate::server::{
    clock::now_ms,
    store::{
        StoreError,
        sqlite::{backup::BackupJob, content_list::ContentList},
    },
};

/// The error for a history that is kept elsewhere.
const FOR_POSTGRES: &str = "the history is in PostgreSQL, which has its own backups: pg_dump, or base backups and \
    archived WAL. Keep a copy of JWT_SECRET beside them, or of the keys in the data folder";

/// The arguments of `backup`.
#[derive(Clone, Debug, Args)]
pub(super) struct BackupCommand {
    /// The file to make; only its owner can read it, because the keys are in it
    #[arg(value_name = "FILE")]
    to: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    folder: DataFolder,
}

impl BackupCommand {
    pub(super) fn run(self, is_stopped: Arc<AtomicBool>) -> anyhow::Result<()> {
        let database = self.folder.database(FOR_POSTGRES)?;
        let (keys, to) = (self.folder.keys(), self.to.clone());
        let job = BackupJob { database, keys, to, force: self.force, now_ms: now_ms(), is_stopped };
        let folder = folder_of_files(&self.to);
        let is_new = fs::symlink_metadata(&folder).is_err();
        let mut progress = Progress::of("backed up");
        let (mut files, mut unneeded) = (Copied::default(), Vec::new());
        let done = job.run(
            |copied| progress.show(copied),
            |list, live| {
                (files, unneeded) = self.copy_contents(&folder, list, live, &job.is_stopped)?;
                Ok(files.gone.clone())
            },
        );
        drop(progress);
        if done.is_err() && is_new {
            // Nothing is left of a backup that failed. The reason is in the answer already.
            let _ = fs::remove_dir_all(&folder);
        }
        let done = done?;
        if !unneeded.is_empty() {
            let contents = self.contents(&job.is_stopped)?;
            contents.wait(contents.carrier.remove(&unneeded))?;
        }
        let (file, size) = (self.to.display(), Size(done.bytes));
        let (entries, keys) = (done.entries, done.keys);
        print_line(&format!("{file}: {size}, {entries} entries, {keys} keys, {}", files.in_words()));
        files.expect_all("the backup is made")
    }

    fn contents<'a>(&self, is_stopped: &'a AtomicBool) -> Result<Contents<'a>, StoreError> {
        Contents::open(&self.folder.files(), &self.folder.files_of_backup(&self.to), is_stopped)
    }

    /// Copies the contents of files into the folder of the backup. Returns with them those that only an earlier backup in
    /// its place needed.
    fn copy_contents(
        &self,
        folder: &Path,
        list: &ContentList<'_>,
        live: &ContentList<'_>,
        is_stopped: &AtomicBool,
    ) -> Result<(Copied, Vec<String>), StoreError> {
        let is_there = fs::symlink_metadata(folder).is_ok();
        if is_there && !self.force {
            let fault = "is there already: choose another name, or replace it with --force".to_owned();
            return Err(StoreError::File { path: folder.to_owned(), fault });
        }
        if !is_there && list.after("")?.is_empty() {
            return Ok((Copied::default(), Vec::new()));
        }
        let contents = self.contents(is_stopped)?;
        Ok((contents.copy(list, Some(live), "copied files")?, contents.unneeded(list)?))
    }
}
