//! The settings of files that people upload, a part of [`super::Config`]: where they are, and how much of the disk they
//! may take. `server::files` goes by them.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;

use super::values::size;

/// Folder of what is on its way, in a folder of contents or in the data folder.
const INCOMING: &str = "incoming";

/// Files, and the disk that they may take.
#[derive(Clone, Debug, Args)]
pub struct UploadSettings {
    /// Place for the contents of uploaded files: a folder, created if missing, or `s3://BUCKET/PREFIX`; default: "files" in the data folder
    ///
    /// Nodes that share a database need one that all of them reach: a bucket, or a folder of a network file system. On their
    /// way into a bucket, files are in the folder "files" of the data folder.
    #[arg(long, env = "IDOBATA_FILES", value_name = "PLACE")]
    pub files: Option<FilesPlace>,

    /// The access to a bucket.
    #[command(flatten)]
    pub bucket: BucketSettings,

    // A photograph has 10 MB, a screen recording of some minutes a hundred. A proxy in front may allow less.
    /// Largest file that can be uploaded, such as 2GiB
    #[arg(long, env = "IDOBATA_MAX_FILE", default_value = "100MiB", value_name = "SIZE", value_parser = size)]
    pub max_file: u64,

    // Ten of the largest, or a whole day of screenshots.
    /// Files that a user can upload within 24 hours, together
    #[arg(long, env = "IDOBATA_MAX_FILES_PER_PERSON", default_value = "1GiB", value_name = "SIZE", value_parser = size)]
    pub max_files_per_person: u64,

    // A busy team's pictures of a year; one room does not take the disk of the others.
    /// All files of a room together; those of removed messages no longer count
    #[arg(long, env = "IDOBATA_MAX_FILES_PER_ROOM", default_value = "10GiB", value_name = "SIZE", value_parser = size)]
    pub max_files_per_room: u64,

    // The database is mostly on the same disk: without room to write, nobody can post.
    /// Free space that uploads leave on the disk
    #[arg(long, env = "IDOBATA_MIN_FREE_DISK", default_value = "1GiB", value_name = "SIZE", value_parser = size)]
    pub min_free_disk: u64,
}

impl UploadSettings {
    /// The location of the contents of a server with this data folder.
    pub fn location(&self, data: &Path) -> FilesLocation {
        FilesLocation::of(self.files.clone(), &self.bucket, data)
    }
}

/// The service of a bucket, and the access to it.
#[derive(Clone, Debug, Args)]
pub struct BucketSettings {
    /// URL of the service of the bucket, unless it is Amazon's, such as `https://minio.example`
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL")]
    pub files_endpoint: Option<String>,

    /// Region of the bucket; default: that of `AWS_DEFAULT_REGION`, or us-east-1
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub files_region: Option<String>,

    /// Access key for the bucket; without it what Amazon gives its machines and containers
    #[arg(
        long,
        env = "AWS_ACCESS_KEY_ID",
        hide_env_values = true,
        value_name = "KEY",
        requires = "files_secret_key"
    )]
    pub files_access_key: Option<String>,

    /// Secret of the access key
    ///
    /// Prefer the environment: other users of the machine can see a program's flags.
    #[arg(
        long,
        env = "AWS_SECRET_ACCESS_KEY",
        hide_env_values = true,
        value_name = "SECRET",
        requires = "files_access_key"
    )]
    pub files_secret_key: Option<FilesSecret>,
}

/// The contents of files of an installation: their place, and what is needed to reach it.
#[derive(Clone, Debug)]
pub struct FilesLocation {
    /// The place.
    pub place: FilesPlace,
    /// The folder of what is on its way into it.
    pub incoming: PathBuf,
    /// The access to a bucket.
    pub bucket: BucketSettings,
}

impl FilesLocation {
    /// The location that the settings of a data folder name; without a place it is the folder "files" in it.
    pub fn of(place: Option<FilesPlace>, bucket: &BucketSettings, data: &Path) -> Self {
        let folder = data.join("files");
        let place = place.unwrap_or_else(|| FilesPlace::Folder(folder.clone()));
        let incoming = match &place {
            FilesPlace::Folder(folder) => folder.join(INCOMING),
            FilesPlace::Bucket(_) => folder.join(INCOMING),
        };
        Self { place, incoming, bucket: bucket.clone() }
    }

    /// Returns true if nothing can be in it: a folder that is not there.
    pub fn is_missing(&self) -> bool {
        matches!(&self.place, FilesPlace::Folder(folder) if !folder.is_dir())
    }
}

/// The place of the contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesPlace {
    /// A folder.
    Folder(PathBuf),
    /// A bucket of an S3 service.
    Bucket(BucketPlace),
}

/// A bucket of an S3 service, and the prefix of all names in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPlace {
    /// The name of the bucket.
    pub bucket: String,
    /// The prefix, which may be empty.
    pub prefix: String,
}

impl FromStr for FilesPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.trim().strip_prefix("s3://") else { return Ok(Self::Folder(text.into())) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        match bucket.is_empty() {
            true => Err(format!("{text:?} names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX")),
            false => {
                let (bucket, prefix) = (bucket.to_owned(), prefix.trim_matches('/').to_owned());
                Ok(Self::Bucket(BucketPlace { bucket, prefix }))
            }
        }
    }
}

impl fmt::Display for FilesPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// The secret of an access key. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct FilesSecret(pub String);

impl FromStr for FilesSecret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for FilesSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FilesSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_files_is_a_folder_or_a_bucket() {
        let bucket = |bucket: &str, prefix: &str| {
            FilesPlace::Bucket(BucketPlace { bucket: bucket.into(), prefix: prefix.into() })
        };
        for (text, place) in [
            ("/srv/files", FilesPlace::Folder("/srv/files".into())),
            ("s3", FilesPlace::Folder("s3".into())),
            ("s3://team", bucket("team", "")),
            ("s3://team/", bucket("team", "")),
            ("s3://team/idobata/files/", bucket("team", "idobata/files")),
        ] {
            assert_eq!(text.parse(), Ok(place), "{text}");
        }
        assert!("s3:///files".parse::<FilesPlace>().is_err_and(|error| error.contains("no bucket")));
    }
}
