//! The database, the keys and the place of files that the commands `backup` and `restore` work on, and the text of a
//! size. It opens nothing.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::bail;
use clap::Args;

use crate::server::{
    auth::KEY_FILES,
    config::{BucketSettings, DatabaseUrl, FilesLocation, FilesPlace},
    store::location::Location,
};

/// The settings of the data folder, the same as the server's.
#[derive(Clone, Debug, Args)]
pub(super) struct DataFolder {
    /// Folder with the database and the keys
    #[arg(long, env = "IDOBATA_DATA", default_value = "data", value_name = "FOLDER")]
    pub(super) data: PathBuf,

    /// Database, `sqlite:PATH`, if it is not in the data folder
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<DatabaseUrl>,

    /// Place of the contents of uploaded files, a folder or `s3://BUCKET/PREFIX`; default: "files" in the data folder
    #[arg(long, env = "IDOBATA_FILES", value_name = "PLACE")]
    files: Option<FilesPlace>,

    #[command(flatten)]
    bucket: BucketSettings,
}

impl DataFolder {
    /// The database's file. For a history that is in PostgreSQL the error is `for_postgres`.
    pub(super) fn database(&self, for_postgres: &str) -> anyhow::Result<PathBuf> {
        match Location::of(self.database_url.as_ref(), &self.data)? {
            Location::File(path) => Ok(path),
            Location::Server(_) => bail!("{for_postgres}"),
        }
    }

    /// The location of the contents of files, whether it exists or not.
    pub(super) fn files(&self) -> FilesLocation {
        FilesLocation::of(self.files.clone(), &self.bucket, &self.data)
    }

    /// The location of the contents beside the file of a backup.
    pub(super) fn files_of_backup(&self, file: &Path) -> FilesLocation {
        FilesLocation::of(Some(FilesPlace::Folder(folder_of_files(file))), &self.bucket, &self.data)
    }

    /// The paths of the keys, whether they exist or not.
    pub(super) fn keys(&self) -> Vec<PathBuf> {
        KEY_FILES.iter().map(|name| self.data.join(name)).collect()
    }
}

/// The folder of the contents beside the file of a backup.
pub(super) fn folder_of_files(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".files");
    name.into()
}

/// A number of bytes that is shown in the unit that suits it.
pub(super) struct Size(pub(super) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = self;
        match bytes {
            0..1_000 => write!(f, "{bytes} B"),
            1_000..1_000_000 => write!(f, "{:.1} kB", *bytes as f64 / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", *bytes as f64 / 1e6),
            _ => write!(f, "{:.2} GB", *bytes as f64 / 1e9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_read_them() {
        let texts = [0, 999, 1_000, 1_234_567, 12_300_000_000].map(|bytes| Size(bytes).to_string());
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "1.2 MB", "12.30 GB"]);
    }
}
