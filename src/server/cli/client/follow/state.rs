//! The file of `follow --state`: the cursor of the last event that is done, replaced as a whole. It is not synchronized
//! to the disk: after a power cut it may be older, so events come again and none is missed.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::PathBuf,
};

use crate::{
    protocol::cursor::Cursor,
    server::{config::BadSetting, store::private_file::temporary_beside},
};

/// The file.
pub(super) struct StateFile {
    path: PathBuf,
    cursor: Option<String>,
}

impl StateFile {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or has something else in it.
    pub(super) fn open(path: PathBuf) -> anyhow::Result<Self> {
        let fault = |fault: String| BadSetting(format!("--state {}: {fault}", path.display()));
        let cursor = match fs::read_to_string(&path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(fault(error.to_string()).into()),
        };
        if let Some(cursor) = &cursor {
            let form = "it has no cursor in it: remove it to begin anew, or name another file";
            cursor.parse::<Cursor>().map_err(|_| fault(form.to_owned()))?;
        }
        Ok(Self { path, cursor })
    }

    /// The cursor that was in it.
    pub(super) fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }

    /// Puts a cursor into it.
    pub(super) fn write(&self, cursor: &str) -> io::Result<()> {
        let mut file = temporary_beside(&self.path)?;
        writeln!(file, "{cursor}")?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_found_again_and_another_file_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        assert_eq!(StateFile::open(path.clone()).expect("none yet").cursor(), None);
        StateFile::open(path.clone()).expect("none yet").write("k3J9:42").expect("written");
        assert_eq!(StateFile::open(path.clone()).expect("there").cursor().as_deref(), Some("k3J9:42"));
        for text in ["", "shopping list"] {
            fs::write(&path, text).expect("written");
            assert!(StateFile::open(path.clone()).is_err(), "{text}");
        }
    }
}
