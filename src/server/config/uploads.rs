//! The settings of files that people upload, a part of [`super::Config`]: where they are, and how much of the disk they
//! may take. `server::files` goes by them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::values::size;

/// Files, and the disk that they may take.
#[derive(Clone, Debug, Args)]
pub struct UploadSettings {
    /// Folder for the contents of uploaded files, created if missing; default: "files" in the data folder
    ///
    /// Nodes that share a database need one that all of them reach, such as a network file system.
    #[arg(long, env = "IDOBATA_FILES", value_name = "FOLDER")]
    pub files: Option<PathBuf>,

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
    /// The folder of the contents.
    pub fn folder(&self, data: &Path) -> PathBuf {
        self.files.clone().unwrap_or_else(|| data.join("files"))
    }
}
