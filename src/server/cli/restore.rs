//! `idobata restore`: replaces the database and the keys by a backup. `cli` runs it; it must delete nothing that was
//! there.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use clap::Args;
use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{folder::DataFolder, print_line, progress::Progress};
use crate::server::{
    clock::now_ms,
    store::{
        private_file::{folder_of, unused},
        sqlite::restore::RestoreJob,
    },
};

/// The error for a history that is kept elsewhere.
const FOR_POSTGRES: &str = "the history is in PostgreSQL: stop the servers and put its own backup back (pg_restore, or \
    a recovery); the next start notices it and tells readers";

/// The arguments of `restore`.
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
        print_line(&format!("restored {} entries from {} ({made})", done.entries, self.from.display()));
        if let Some(aside) = done.aside {
            print_line(&format!("the previous data is kept in {}", aside.display()));
        }
        print_line(&format!(
            "readers get a reset; start with: idobata --data {}",
            self.folder.data.display()
        ));
        Ok(())
    }

    /// The folder for the replaced files. It is beside the database, which need not be in the data folder: a move to
    /// another file system would be a copy.
    fn folder_aside(database: &Path) -> PathBuf {
        folder_of(database).join(format!("replaced-{}", moment(now_ms()).replace(':', "-")))
    }
}

/// The time in UTC, to the second (RFC 3339).
fn moment(ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000)).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_else(|| ms.to_string())
}
