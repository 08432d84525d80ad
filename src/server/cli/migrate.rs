//! `idobata migrate`: copies a history from SQLite to PostgreSQL, and the contents of files if it is told where to. `cli`
//! runs it; the file must stay as it is.

use std::{
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use anyhow::Context;
use clap::Args;

use super::{
    contents::{Contents, Copied},
    print_line,
};
use crate::server::{
    config::{BadSetting, BucketSettings, Config, DatabaseUrl, FilesLocation, FilesPlace},
    store::{StoreError, location::Location, private_file::folder_of, sqlite::Export, transfer},
};

/// The arguments of `migrate`.
#[derive(Clone, Debug, Args)]
pub(super) struct Migrate {
    /// The file, such as `sqlite:data/idobata.db`
    #[arg(long, value_name = "URL")]
    from: DatabaseUrl,

    /// The database, `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    to: DatabaseUrl,

    /// File with the certificates (PEM) of the authorities that sign PostgreSQL's, instead of the system's
    #[arg(long, env = "IDOBATA_DATABASE_CA", value_name = "FILE")]
    database_ca: Option<PathBuf>,

    /// Place of the contents of uploaded files; default: "files" beside the database's file
    #[arg(long, value_name = "PLACE")]
    from_files: Option<FilesPlace>,

    /// Place to copy them to, a folder or `s3://BUCKET/PREFIX`; without it they stay where they are
    #[arg(long, value_name = "PLACE")]
    files: Option<FilesPlace>,

    #[command(flatten)]
    bucket: BucketSettings,
}

impl Migrate {
    pub(super) async fn run(&self, config: &Config) -> anyhow::Result<()> {
        let from = Location::of(Some(&self.from), &config.data)?;
        let to = Location::of(Some(&self.to), &config.data)?.signed_by(self.database_ca.clone());
        let (Location::File(file), Location::Server(address)) = (&from, &to) else {
            let form = "a history is moved --from sqlite:PATH --to postgres://USER:PASSWORD@HOST/DATABASE";
            return Err(BadSetting(form.to_owned()).into());
        };
        let files = self.copy_files(file).await?;
        let copied = transfer::copy(file, address).await;
        let copied = copied.with_context(|| format!("cannot copy {from} to {to}; nothing was changed"))?;
        let transfer::Copied { topics, entries, rooms, .. } = copied;
        print_line(&format!("copied {from} to {to}: {entries} entries of {topics} topics, {rooms} rooms"));
        let Some(files) = files else { return Ok(()) };
        print_line(&format!("copied {}", files.in_words()));
        files.expect_all("the history is copied")
    }

    /// Copies the contents of files, if the target has a folder of its own. They come first: contents without a database do
    /// no harm.
    async fn copy_files(&self, database: &Path) -> anyhow::Result<Option<Copied>> {
        if self.files.is_none() {
            return Ok(None);
        }
        let folder = folder_of(database);
        let to = FilesLocation::of(self.files.clone(), &self.bucket, &folder);
        let from = FilesLocation::of(self.from_files.clone(), &self.bucket, &folder);
        let database = database.to_owned();
        let copying = move || -> Result<Copied, StoreError> {
            let export = Export::open(&database)?;
            let is_stopped = AtomicBool::new(false);
            Contents::open(&from, &to, &is_stopped)?.copy(&export.contents()?, None, "copied files")
        };
        Ok(Some(tokio::task::spawn_blocking(copying).await??))
    }
}
