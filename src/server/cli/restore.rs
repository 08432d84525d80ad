//! `idobata restore`: replaces the database, the keys and the contents of files by a backup. `cli` runs it; it must delete
//! nothing that was there.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use clap::Args;
use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    contents::{Contents, Copied},
    folder::DataFolder,
    print_line,
    progress::Progress,
};
use crate::server::{
    clock::now_ms,
    store::{
        StoreError,
        private_file::{folder_of, unused},
        sqlite::{content_list::ContentList, restore::RestoreJob},
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

/// The contents of the folder of files.
struct Files {
    /// Those that were restored. `None`: the backup has none beside it.
    copied: Option<Copied>,
    /// Those that only the previous database needs.
    kept: Option<Kept>,
}

/// Contents that are kept a second time, because the server removes those that its database does not name.
struct Kept {
    folder: PathBuf,
    /// Its name in the folder of files.
    name: String,
}

impl RestoreCommand {
    pub(super) fn run(self, is_stopped: Arc<AtomicBool>) -> anyhow::Result<()> {
        let database = self.folder.database(FOR_POSTGRES)?;
        let (keys, from) = (self.folder.keys(), self.from.clone());
        let aside = unused(Self::folder_aside(&database));
        let (mut progress, mut files) = (Progress::of("restored"), None);
        let job = RestoreJob { from, database, keys, aside, is_stopped: is_stopped.clone() };
        let done = job.run(
            |copied| progress.show(copied),
            |list| {
                files = self.copy_contents(list, &is_stopped)?;
                Ok(())
            },
        );
        drop(progress);
        let kept = files.as_ref().and_then(|files| files.kept.as_ref());
        // Where some of the previous data is put away, what was kept of its files stays as well.
        if let Some(kept) = kept
            && done.is_err()
            && !job.aside.exists()
        {
            self.discard(kept, &is_stopped);
        }
        let done = done?;
        let made = done.made.map_or_else(
            || "a plain copy, so the keys stay as they are".to_owned(),
            |(made_ms, version)| format!("made {} by idobata {version}, {} keys", moment(made_ms), done.keys),
        );
        print_line(&format!("restored {} entries from {} ({made})", done.entries, self.from.display()));
        if let Some(aside) = &done.aside {
            print_line(&format!("the previous data is kept in {}", aside.display()));
        }
        if let Some(copied) = files.as_ref().and_then(|files| files.copied.as_ref()) {
            print_line(&format!("restored {}", copied.in_words()));
        }
        if let Some(kept) = kept {
            print_line(&format!("the files of the previous data are kept in {}", kept.folder.display()));
        }
        print_line(&format!(
            "readers get a reset; start with: idobata --data {}",
            self.folder.data.display()
        ));
        let copied = files.and_then(|files| files.copied);
        copied.map_or(Ok(()), |copied| copied.expect_all("the backup is restored"))
    }

    /// Copies the contents that the backup needs, and keeps those that only the previous data needs a second time. All that is
    /// in the folder of files stays where it is: a crash at any moment leaves both databases with all of their files. The
    /// next server removes what its database does not name.
    fn copy_contents(
        &self,
        list: &ContentList<'_>,
        is_stopped: &AtomicBool,
    ) -> Result<Option<Files>, StoreError> {
        let (from, to) = (self.folder.files_of_backup(&self.from), self.folder.files());
        let needs_some = !list.after("")?.is_empty();
        if !needs_some && to.is_missing() {
            return Ok(None);
        }
        let has_some = !from.is_missing();
        if needs_some && !has_some {
            print_line(&format!(
                "{} is not there: copy the contents of files that are missing in {} before the server starts",
                from.place, to.place
            ));
        }
        let contents = Contents::open(&from, &to, is_stopped)?;
        let copied = has_some.then(|| contents.copy(list, None, "restored files")).transpose()?;
        let unneeded = contents.unneeded(list)?;
        let kept = (!unneeded.is_empty()).then(|| Kept::below(&to.place.to_string()));
        if let Some(kept) = &kept
            && let Err(error) = contents.keep_aside(&unneeded, &kept.name)
        {
            self.discard(kept, is_stopped);
            return Err(error);
        }
        Ok(Some(Files { copied, kept }))
    }

    /// Removes what was kept, after a restore that changed nothing.
    fn discard(&self, kept: &Kept, is_stopped: &AtomicBool) {
        let (from, to) = (self.folder.files_of_backup(&self.from), self.folder.files());
        let contents = Contents::open(&from, &to, is_stopped);
        let done = contents.and_then(|contents| contents.wait(contents.carrier.discard_kept(&kept.name)));
        if let Err(error) = done {
            let folder = kept.folder.display();
            Progress::of("")
                .say(&format!("{folder} has second copies that nobody needs: remove it ({error})"));
        }
    }

    /// The folder for the replaced files. It is beside the database, which need not be in the data folder: a move to
    /// another file system would be a copy.
    fn folder_aside(database: &Path) -> PathBuf {
        folder_of(database).join(format!("replaced-{}", moment(now_ms()).replace(':', "-")))
    }
}

impl Kept {
    /// A folder in the place of files that is not there yet.
    fn below(place: &str) -> Self {
        let folder = unused(RestoreCommand::folder_aside(&Path::new(place).join("file")));
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { folder, name }
    }
}

/// The time in UTC, to the second (RFC 3339).
fn moment(ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000)).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_else(|| ms.to_string())
}
