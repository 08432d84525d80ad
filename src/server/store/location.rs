//! The location of a history, parsed from `--database-url`, and opening the store there. The settings and the move from
//! one store to another are the callers. A password in the address must never be displayed.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Announce, Sharing, Store, StoreError,
    directory::DocumentStore,
    postgres::{Address, PostgresStore},
    sqlite::SqliteStore,
};
use crate::server::config::{DatabaseUrl, FileSettings};

/// File name of the database in the data folder.
const DATABASE: &str = "idobata.db";

/// The kind of store, and its file or address.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    File(PathBuf),
    /// A database on a PostgreSQL server.
    Server(Address),
}

impl Location {
    /// Parses an address. `None`, or `sqlite:` without a path, is the file in the data folder. Fails with
    /// [`StoreError::Address`] for any other scheme.
    pub fn of(url: Option<&DatabaseUrl>, data: &Path) -> Result<Self, StoreError> {
        let Some(url) = url.map(DatabaseUrl::as_str).filter(|url| !url.is_empty()) else {
            return Ok(Self::of_file(data.join(DATABASE)));
        };
        match url.split_once(':') {
            Some(("sqlite", "")) => Ok(Self::of_file(data.join(DATABASE))),
            Some(("sqlite", path)) => Ok(Self::of_file(path.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Server(url.into())),
            _ => {
                let forms = "write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE";
                Err(StoreError::Address(forms.to_owned()))
            }
        }
    }

    /// Resolves a symbolic link: SQLite keeps its WAL beside the link's target, so everything else has to be there too.
    fn of_file(path: PathBuf) -> Self {
        let target = path.is_symlink().then(|| path.canonicalize().ok()).flatten();
        Self::File(target.unwrap_or(path))
    }

    /// Sets the file with the certificate authorities (PEM) of which one must have signed the server's certificate.
    /// Ignored for a file.
    pub fn signed_by(mut self, ca: Option<PathBuf>) -> Self {
        if let Self::Server(address) = &mut self {
            address.ca = ca;
        }
        self
    }

    /// Opens the store, which announces every appended entry to `announce`. `connections` is the most connections held
    /// to a PostgreSQL server; `file` applies only to an SQLite file. Fails with [`StoreError::NotShared`] if nodes are
    /// to share a file.
    pub async fn open(
        &self,
        connections: usize,
        sharing: Sharing,
        file: FileSettings,
        announce: Arc<dyn Announce>,
    ) -> Result<Opened, StoreError> {
        match self {
            Self::File(_) if sharing == Sharing::WithNodes => Err(StoreError::NotShared),
            Self::File(path) => {
                let store = Arc::new(SqliteStore::open_with(path, file, announce)?);
                Ok(Opened { store: store.clone(), directory: store })
            }
            Self::Server(address) => {
                let store = Arc::new(PostgresStore::open(address, connections, announce).await?);
                store.take_instance_lock(sharing).await?;
                Ok(Opened { store: store.clone(), directory: store })
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(address) => f.write_str(&without_password(&address.url)),
        }
    }
}

/// The address for display: without everything before the host and after the database.
fn without_password(url: &str) -> String {
    let rest = url.split_once("//").map_or(url, |(_, rest)| rest);
    // Cut the credentials off first: a password may contain any character, as in PostgreSQL's own clients.
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let place = place.split(['?', '#']).next().unwrap_or_default();
    format!("PostgreSQL at {place}")
}

/// An open store, as both of its interfaces.
pub struct Opened {
    /// The logs and rooms.
    pub store: Arc<dyn Store>,
    /// The documents.
    pub directory: Arc<dyn DocumentStore>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(url: &str) -> Result<Location, StoreError> {
        let Ok(url) = url.parse();
        Location::of(Some(&url), Path::new("data"))
    }

    #[test]
    fn an_address_says_which_store() {
        let file = |path: &str| Some(Location::File(path.into()));
        assert!(Location::of(None, Path::new("data")).ok() == file("data/idobata.db"));
        assert!(location("").ok() == file("data/idobata.db"));
        assert!(location("sqlite:").ok() == file("data/idobata.db"));
        assert!(location("sqlite:/var/old.db").ok() == file("/var/old.db"));
        let url = "postgres://u@h/d";
        assert!(location(url).ok() == Some(Location::Server(url.into())));
    }

    #[test]
    fn no_error_and_no_text_has_the_password() {
        for url in ["mysql://u:hunter2@h/d", "hunter2", "postgres:hunter2"] {
            let shown = location(url).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let shown = location("postgres://u:hunter2@h:5433/d?password=hunter2").map(|it| it.to_string());
        assert_eq!(shown.ok().as_deref(), Some("PostgreSQL at h:5433/d"));
        let shown = location("postgres://u:hunter2?more@h/d?options=a@b").map(|it| it.to_string());
        assert!(!shown.unwrap_or_default().contains("hunter2"));
        assert!(!format!("{:?}", "hunter2".parse::<DatabaseUrl>()).contains("hunter2"));
    }
}
