//! `idobata backup`: copies a database and its keys into one file. `cli` runs it, beside a running server or without
//! one; it must never change the database.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use clap::Args;

use super::{
    folder::{DataFolder, Size},
    print_line,
    progress::Progress,
};
use crate::server::{clock::now_ms, store::sqlite::backup::BackupJob};

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
        let mut progress = Progress::of("backed up");
        let done = job.run(|copied| progress.show(copied))?;
        drop(progress);
        let (file, size) = (self.to.display(), Size(done.bytes));
        print_line(&format!("{file}: {size}, {} entries, {} keys", done.entries, done.keys));
        Ok(())
    }
}
