//! `idobata restore`: puts a backup back.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use clap::Args;
use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{folder::DataFolder, progress::Progress, say};
use crate::server::{
    clock::now_ms,
    store::{
        private_file::{folder_of, unused},
        sqlite::restore::RestoreJob,
    },
};

/// The words for who keeps the history elsewhere.
const FOR_POSTGRES: &str = "the history is in PostgreSQL: stop the servers and put its own backup back (pg_restore, or \
    a recovery); the next start notices it and tells readers";

/// What is put back, and where.
#[derive(Clone, Debug, Args)]
pub(super) struct RestoreCommand {
    /// The file that `idobata backup` made, or a plain copy of an `idobata.db`
    #[arg(value_name = "FILE")]
    from: PathBuf,

    #[command(flatten)]
    folder: DataFolder,
}

impl RestoreCommand {
    pub(super) fn run(self, is_stopped: Arc<AtomicBool>) -> anyhow::Result<()> {
        let database = self.folder.database(FOR_POSTGRES)?;
        let (keys, from) = (self.folder.keys(), self.from.clone());
        let aside = unused(Self::folder_aside(&database));
        let mut progress = Progress::of("restored");
        let done =
            RestoreJob { from, database, keys, aside, is_stopped }.run(|copied| progress.show(copied))?;
        drop(progress);
        let made = done.made.map_or_else(
            || "a plain copy, so the keys stay as they are".to_owned(),
            |(made_ms, version)| format!("made {} by idobata {version}, {} keys", moment(made_ms), done.keys),
        );
        say(&format!("restored {} entries from {} ({made})", done.entries, self.from.display()));
        if let Some(aside) = done.aside {
            say(&format!("what was there is kept in {}", aside.display()));
        }
        say(&format!(
            "readers are told that history went back; start with: idobata --data {}",
            self.folder.data.display()
        ));
        Ok(())
    }

    /// Beside the database, which need not be in the data folder: a move to another file system is a copy.
    fn folder_aside(database: &Path) -> PathBuf {
        folder_of(database).join(format!("replaced-{}", moment(now_ms()).replace(':', "-")))
    }
}

/// In UTC, to the second.
fn moment(ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000)).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_else(|| ms.to_string())
}
