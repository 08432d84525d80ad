//! Tests of failures that only a store in files can have: they are moved, lost, truncated, damaged or another
//! program's.

mod backup;
mod erasure;
mod loss;
mod outside;
mod search;

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use super::{
    backup::{BackedUp, BackupJob},
    restore::{RestoreJob, Restored},
    *,
};
use crate::{
    protocol::cursor::Epoch,
    server::{
        config::DEFAULT_MAX_WAL_BYTES,
        store::{NewEntry, StoreError, directory::Precondition},
    },
};

struct Nobody;

impl Announce for Nobody {
    fn announce(&self, _: &Epoch, _: &[Appended]) {}
}

/// A temporary data folder for a database named `idobata.db`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn database(&self) -> PathBuf {
        self.path("idobata.db")
    }

    fn open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.database(), Arc::new(Nobody))
    }

    fn open_with(&self, settings: FileSettings) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with(&self.database(), settings, Arc::new(Nobody))
    }

    fn refused(&self) -> String {
        self.open().err().expect("refused").to_string()
    }

    /// A copy of a running server's files, as a killed server leaves them.
    fn as_after_a_kill(&self) -> Self {
        let copy = Self::new();
        for name in ["idobata.db", "idobata.db-wal", "idobata.mark"] {
            fs::copy(self.path(name), copy.path(name)).expect("copied");
        }
        copy.own_mark();
        copy
    }

    /// Waits until a write gets another time than the last one to the database: a file system's clock ticks every few
    /// milliseconds, and a file that is overwritten within a tick looks untouched.
    fn await_tick(&self) {
        let probe = self.path("probe");
        let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).expect("told");
        let last = modified(&self.database());
        while !probe.exists() || modified(&probe) <= last {
            fs::write(&probe, "written").expect("written");
        }
    }

    /// Rewrites the inode number in the mark, so that the mark does not count as a copy.
    fn own_mark(&self) {
        let mark = self.path("idobata.mark");
        let text = fs::read_to_string(&mark).expect("read");
        let lines: Vec<_> = text.lines().take(2).collect();
        let inode = fs::metadata(&mark).expect("there").ino();
        fs::write(mark, format!("{}\n{}\n{inode:020}\n", lines[0], lines[1])).expect("written");
    }

    fn backup(&self, to: &Path) -> Result<BackedUp, StoreError> {
        let keys = vec![self.path("jwt-secret"), self.path("operator-key")];
        let (database, to) = (self.database(), to.to_owned());
        BackupJob { database, keys, to, force: false, now_ms: 1_795_348_799_000, is_stopped: Arc::default() }
            .run(|_| (), |_, _| Ok(Vec::new()))
    }

    fn restore(&self, from: &Path) -> Result<Restored, StoreError> {
        let keys = vec![self.path("jwt-secret"), self.path("operator-key")];
        let (from, database, aside) = (from.to_owned(), self.database(), self.path("replaced"));
        RestoreJob { from, database, keys, aside, is_stopped: Arc::default() }.run(|_| (), |_| Ok(()))
    }
}

fn draft(text: &str) -> NewEntry {
    let body = serde_json::json!({ "text": text }).to_string();
    NewEntry {
        author: "a".into(),
        client_id: None,
        channel: Some("c".into()),
        lasting: true,
        body,
        change: None,
        reference: None,
        state: None,
        files: Vec::new(),
    }
}

async fn append(store: &SqliteStore, count: usize) -> Result<(), StoreError> {
    let drafts = (0..count).map(|n| draft(&n.to_string())).collect();
    store.append(&TopicName::Feed, drafts).await.map(drop)
}

async fn bounds(store: &SqliteStore) -> Bounds {
    store.bounds(&TopicName::Feed).await.expect("read")
}

const ACCEPT_LOSS: FileSettings = FileSettings { max_wal_bytes: DEFAULT_MAX_WAL_BYTES, accept_loss: true };

fn room(id: &str) -> Room {
    Room::new(crate::protocol::name::RoomId::parse(id).expect("an id"), id.to_owned())
}
