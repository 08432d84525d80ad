//! What only a store in a file can suffer: its files are moved, lost, cut, damaged or another program's.

use std::{
    fs,
    ops::ControlFlow,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use super::{
    backup::{BackedUp, BackupJob},
    restore::{RestoreJob, Restored},
    *,
};
use crate::{
    protocol::cursor::Epoch,
    server::store::{Draft, StoreError, directory::Expect},
};

struct Nobody;

impl Announce for Nobody {
    fn announce(&self, _: &Epoch, _: &[Record]) {}
}

/// A data folder, with a database of this name in it.
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

    /// What a killed server leaves: a copy of the files of one that runs.
    fn as_after_a_kill(&self) -> Self {
        let copy = Self::new();
        for name in ["idobata.db", "idobata.db-wal", "idobata.mark"] {
            fs::copy(self.path(name), copy.path(name)).expect("copied");
        }
        copy.own_mark();
        copy
    }

    /// Has the mark say that it was never copied.
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
        BackupJob { database, keys, to, force: false, now_ms: 1_795_348_799_000 }
            .run(|_| ControlFlow::Continue(()))
    }

    fn restore(&self, from: &Path) -> Result<Restored, StoreError> {
        let keys = vec![self.path("jwt-secret"), self.path("operator-key")];
        let (from, database, aside) = (from.to_owned(), self.database(), self.path("replaced"));
        RestoreJob { from, database, keys, aside }.run(|_| ControlFlow::Continue(()))
    }
}

fn draft(text: &str) -> Draft {
    let body = serde_json::json!({ "text": text }).to_string();
    Draft { author: "a".into(), client_id: None, channel: Some("c".into()), lasting: true, body }
}

async fn append(store: &SqliteStore, count: usize) -> Result<(), StoreError> {
    let drafts = (0..count).map(|n| draft(&n.to_string())).collect();
    store.append(&TopicName::Feed, drafts).await.map(drop)
}

async fn bounds(store: &SqliteStore) -> Bounds {
    store.bounds(&TopicName::Feed).await.expect("read")
}

const ACCEPT_LOSS: FileSettings = FileSettings { max_wal_bytes: DEFAULT_MAX_WAL_BYTES, accept_loss: true };

#[tokio::test]
async fn a_file_that_is_moved_replaced_deleted_or_overwritten_takes_no_posts_and_no_reads() {
    type Disturb = fn(&Folder);
    let disturbances: [(&str, Disturb); 9] = [
        ("is gone", |folder| fs::rename(folder.database(), folder.path("away")).expect("moved")),
        ("is gone", |folder| fs::remove_file(folder.path("idobata.db-wal")).expect("removed")),
        ("is gone", |folder| fs::remove_file(folder.path("idobata.db-shm")).expect("removed")),
        ("is gone", |folder| fs::remove_file(folder.path("idobata.mark")).expect("removed")),
        ("is gone", |folder| fs::remove_dir_all(folder.0.path()).expect("removed")),
        ("is gone", |folder| {
            fs::rename(folder.0.path(), folder.0.path().with_extension("moved")).expect("moved");
        }),
        ("was replaced", |folder| {
            fs::copy(folder.database(), folder.path("backup.db")).expect("copied");
            fs::rename(folder.path("backup.db"), folder.database()).expect("moved");
        }),
        ("was overwritten", |folder| {
            // The same inode, as `cp` writes it.
            let mut bytes = fs::read(folder.database()).expect("read");
            bytes[68..72].copy_from_slice(b"idob");
            fs::write(folder.database(), bytes).expect("written");
        }),
        ("was overwritten", |folder| fs::write(folder.database(), "").expect("cut")),
    ];
    for (number, (how, disturb)) in disturbances.into_iter().enumerate() {
        let folder = Folder::new();
        let store = folder.open().expect("opened");
        append(&store, 1).await.expect("stored");
        store.check().await.expect("ready");
        disturb(&folder);
        let told = store.check().await.expect_err("not ready").to_string();
        assert!(told.contains(how) && told.contains("idobata restore"), "{number}: {told}");
        append(&store, 1).await.expect_err("nothing is stored");
        store.topics().await.expect_err("nothing is read");
        store.create_room(room("r"), 10).await.expect_err("no room is made");
        store.close().await;
        let moved = folder.0.path().with_extension("moved");
        drop(fs::remove_dir_all(moved));
    }
}

fn room(id: &str) -> Room {
    Room { id: crate::protocol::name::RoomId::parse(id).expect("an id"), name: id.to_owned() }
}

#[tokio::test]
async fn a_file_that_comes_back_is_used_again_after_a_restart() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    let before = bounds(&store).await;
    fs::rename(folder.database(), folder.path("away")).expect("moved");
    store.check().await.expect_err("gone");
    fs::rename(folder.path("away"), folder.database()).expect("moved back");
    append(&store, 1).await.expect_err("a restart is wanted");
    store.close().await;
    let store = folder.open().expect("opened");
    assert_eq!(bounds(&store).await, before, "all of it, and the same epoch");
    append(&store, 1).await.expect("stored");
}

#[tokio::test]
async fn a_log_that_is_removed_while_the_server_runs_loses_nothing_when_it_is_stopped() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 50).await.expect("stored");
    let before = bounds(&store).await;
    fs::remove_file(folder.path("idobata.db-wal")).expect("removed");
    append(&store, 1).await.expect_err("noticed");
    store.close().await;
    assert_eq!(bounds(&folder.open().expect("whole")).await, before);
}

#[tokio::test]
async fn what_is_put_in_the_place_of_the_files_is_not_touched_by_the_stop() {
    let (folder, other) = (Folder::new(), Folder::new());
    let (store, rest) = (folder.open().expect("opened"), other.open().expect("opened"));
    append(&store, 50).await.expect("stored");
    append(&rest, 7).await.expect("stored");
    let killed = other.as_after_a_kill();
    for name in ["idobata.db", "idobata.db-wal", "idobata.mark"] {
        fs::rename(killed.path(name), folder.path(name)).expect("put in place");
    }
    store.check().await.expect_err("noticed");
    store.close().await;
    assert_eq!(bounds(&folder.open().expect("as put there")).await, bounds(&rest).await);
}

#[tokio::test]
async fn a_log_of_another_database_is_not_played_back() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    store.close().await;
    fs::copy(folder.database(), folder.path("backup.db")).expect("copied");
    let store = folder.open().expect("opened");
    append(&store, 50).await.expect("stored");
    let killed = folder.as_after_a_kill();
    fs::copy(folder.path("backup.db"), killed.database()).expect("put in place");
    assert!(killed.refused().contains("has 3 of the 53 writes that were acknowledged"));
    let store = killed.open_with(ACCEPT_LOSS).expect("opened");
    assert_eq!(bounds(&store).await.head, 3);
    append(&store, 1).await.expect("stored");
}

/// Whatever is done to the files from outside, past SQLite and through it.
#[tokio::test]
async fn what_others_write_into_the_files_of_a_server_is_noticed_before_a_post_is_taken() {
    type Disturb = fn(&Folder);
    let disturbances: [(&str, Disturb); 4] = [
        ("was made shorter", |folder| fs::write(folder.path("idobata.db-wal"), "").expect("cut")),
        ("was made shorter", |folder| {
            let log = fs::OpenOptions::new().write(true).open(folder.path("idobata.db-wal")).expect("opened");
            log.set_len(5_000).expect("cut");
        }),
        ("was overwritten", |folder| {
            // A copy of the same run, into the same inode.
            fs::copy(folder.path("copy"), folder.database()).expect("copied");
        }),
        ("was put back", |folder| {
            let other = Connection::open(folder.database()).expect("opened");
            other
                .execute_batch("DELETE FROM entries; UPDATE topics SET head = 0")
                .expect("as a .restore does");
        }),
    ];
    for (number, (how, disturb)) in disturbances.into_iter().enumerate() {
        let folder = Folder::new();
        let store = folder.open().expect("opened");
        append(&store, 3).await.expect("stored");
        fs::copy(folder.database(), folder.path("copy")).expect("copied");
        append(&store, 3).await.expect("stored");
        disturb(&folder);
        let told = append(&store, 1).await.expect_err("nothing is stored").to_string();
        assert!(told.contains(how) && told.contains("idobata restore"), "{number}: {told}");
        store.check().await.expect_err("not ready");
        store.close().await;
        let told = folder.refused();
        assert!(told.contains("of the 6 writes that were acknowledged"), "{number}: {told}");
    }
}

#[tokio::test]
async fn what_others_may_do_to_a_database_is_not_taken_for_damage() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    let other = Connection::open(folder.database()).expect("opened");
    for (number, harmless) in [
        "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "CREATE TABLE notes (text); INSERT INTO notes VALUES ('of the operator')",
        "PRAGMA wal_checkpoint(RESTART)",
        "DELETE FROM notes; PRAGMA wal_checkpoint(TRUNCATE)",
    ]
    .into_iter()
    .enumerate()
    {
        other.execute_batch(harmless).expect(harmless);
        append(&store, 1).await.expect(harmless);
        folder.backup(&folder.path(&number.to_string())).expect(harmless);
        append(&store, 1).await.expect(harmless);
    }
    assert_eq!(bounds(&store).await.head, 13);
    store.close().await;
    drop(other);
    assert_eq!(bounds(&folder.open().expect("whole")).await.head, 13);
}

#[tokio::test]
async fn an_older_copy_of_the_whole_folder_has_new_epochs_and_one_that_was_moved_keeps_them() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    let before = bounds(&store).await;
    store.close().await;
    let (copy, moved) = (Folder::new(), Folder::new());
    for name in ["idobata.db", "idobata.mark"] {
        fs::copy(folder.path(name), copy.path(name)).expect("copied");
        fs::rename(folder.path(name), moved.path(name)).expect("moved");
    }
    let after = bounds(&copy.open().expect("opened")).await;
    assert!(after.head == 3 && after.epoch != before.epoch, "{after:?}");
    for _ in 0..2 {
        let store = moved.open().expect("opened");
        assert_eq!(bounds(&store).await, before);
        store.close().await;
    }
}

#[tokio::test]
async fn a_refused_start_leaves_the_log_where_it_is() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    let killed = folder.as_after_a_kill();
    let database = fs::read(killed.database()).expect("read");
    fs::write(killed.database(), "").expect("emptied");
    assert!(killed.refused().contains("has 0 of the 3 writes that were acknowledged"));
    fs::write(killed.database(), database).expect("put back");
    assert_eq!(bounds(&killed.open().expect("with its log")).await.head, 3);
}

#[tokio::test]
async fn a_backup_of_the_same_run_that_is_copied_over_a_killed_database_is_not_mixed_with_its_log() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    folder.backup(&folder.path("backup")).expect("made");
    append(&store, 50).await.expect("stored");
    let killed = folder.as_after_a_kill();
    fs::copy(folder.path("backup"), killed.database()).expect("put in place");
    assert!(killed.refused().contains("has 3 of the 53 writes that were acknowledged"));
    assert_eq!(bounds(&killed.open_with(ACCEPT_LOSS).expect("opened")).await.head, 3);
}

#[tokio::test]
async fn rooms_and_documents_that_are_lost_are_noticed_as_entries_are() {
    for is_room in [true, false] {
        let folder = Folder::new();
        let store = folder.open().expect("opened");
        if is_room {
            assert_eq!(store.create_room(room("r"), 10).await.expect("made"), RoomCreation::Created);
            assert_eq!(store.create_room(room("r"), 10).await.expect("not again"), RoomCreation::Exists);
        } else {
            let step = || Step::put(Kind::Account, "a", Expect::Absent, &"somebody");
            assert!(store.change(vec![step()]).await.expect("changed").is_taken());
            assert!(!store.change(vec![step()]).await.expect("not again").is_taken());
        }
        drop(folder.as_after_a_kill().open().expect("whole"));
        let killed = folder.as_after_a_kill();
        fs::remove_file(killed.path("idobata.db-wal")).expect("removed");
        assert!(killed.refused().contains("has 0 of the 1 writes that were acknowledged"));
        assert!(!killed.path("idobata.db-wal").exists());
    }
}

#[tokio::test]
async fn a_database_that_lost_its_end_is_refused_every_time_until_the_loss_is_accepted() {
    type Disturb = fn(&Folder);
    let disturbances: [(u64, Disturb); 4] = [
        (0, |folder| fs::remove_file(folder.path("idobata.db-wal")).expect("removed")),
        (0, |folder| fs::write(folder.path("idobata.db-wal"), "").expect("cut")),
        (0, |folder| {
            fs::remove_file(folder.database()).expect("removed");
            fs::remove_file(folder.path("idobata.db-wal")).expect("removed");
        }),
        (0, |folder| {
            fs::write(folder.database(), "").expect("cut");
            fs::remove_file(folder.path("idobata.db-wal")).expect("removed");
        }),
    ];
    for (number, (left, disturb)) in disturbances.into_iter().enumerate() {
        let folder = Folder::new();
        let store = folder.open().expect("opened");
        append(&store, 20).await.expect("stored");
        let epoch = bounds(&store).await.epoch;
        let killed = folder.as_after_a_kill();
        disturb(&killed);
        for _ in 0..3 {
            let told = killed.refused();
            let counts = format!("{left} of the 20 writes that were acknowledged");
            assert!(told.contains(&counts) && told.contains("--accept-loss"), "{number}: {told}");
            assert_eq!(told.matches("idobata.db").count(), 1, "{told}");
        }
        let store = killed.open_with(ACCEPT_LOSS).expect("opened");
        append(&store, 1).await.expect("stored");
        let after = bounds(&store).await;
        assert!(after.epoch != epoch && after.head == left + 1, "{after:?}");
        store.close().await;
        drop(killed.open().expect("the loss was accepted once"));
    }
}

#[tokio::test]
async fn after_a_kill_nothing_is_lost_and_a_database_without_a_mark_has_new_epochs() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 20).await.expect("stored");
    let before = bounds(&store).await;
    let killed = folder.as_after_a_kill();
    assert_eq!(bounds(&killed.open().expect("whole")).await, before);
    for mark in [None, Some(""), Some("0000000000")] {
        let copied = folder.as_after_a_kill();
        fs::remove_file(copied.path("idobata.mark")).expect("removed");
        if let Some(mark) = mark {
            fs::write(copied.path("idobata.mark"), mark).expect("written");
        }
        let after = bounds(&copied.open().expect("opened")).await;
        assert!(after.head == before.head && after.epoch != before.epoch, "{after:?}");
    }
}

#[tokio::test]
async fn files_that_are_no_database_of_ours_are_told_once_with_the_fix_and_stay_as_they_are() {
    type Spoil = fn(&Path);
    let spoils: [(&str, Spoil); 4] = [
        ("is not a database of idobata", |path| {
            fs::write(path, "a letter to somebody, longer than a header").expect("written")
        }),
        ("is not a database of idobata", |path| {
            let other = Connection::open(path).expect("opened");
            other.execute_batch("CREATE TABLE photos (n); PRAGMA user_version = 3").expect("made");
        }),
        ("is a folder", |path| fs::create_dir(path).expect("made")),
        ("is damaged", |path| {
            drop(SqliteStore::open(path, Arc::new(Nobody)).expect("opened"));
            // The writer's thread ends by itself.
            while path.with_extension("db-wal").exists() {
                std::thread::yield_now();
            }
            let mut bytes = fs::read(path).expect("read");
            bytes[100..].fill(0xA5);
            fs::write(path, bytes).expect("written");
            fs::remove_file(path.with_extension("mark")).expect("removed");
        }),
    ];
    for (what, spoil) in spoils {
        let folder = Folder::new();
        spoil(&folder.database());
        let before = fs::read(folder.database()).ok();
        let told = folder.refused();
        assert!(told.contains(what), "{told}");
        assert_eq!(told.matches("idobata.db").count(), 1, "{told}");
        assert_eq!(fs::read(folder.database()).ok(), before);
        let left: Vec<_> = fs::read_dir(folder.0.path())
            .expect("listed")
            .map(|file| file.expect("there").file_name())
            .collect();
        assert_eq!(left, ["idobata.db"], "nothing is left beside it");
    }
    let nowhere =
        SqliteStore::open(Path::new("/nowhere/at/all.db"), Arc::new(Nobody)).err().expect("refused");
    assert!(nowhere.to_string().contains("there is no folder /nowhere/at"), "{nowhere}");
}

#[tokio::test]
async fn only_their_owner_reads_the_files() {
    let folder = Folder::new();
    let mode = |name: &str| fs::metadata(folder.path(name)).expect("there").permissions().mode() & 0o777;
    let files = ["idobata.db", "idobata.db-wal", "idobata.db-shm", "idobata.mark"];
    let store = folder.open().expect("opened");
    append(&store, 1).await.expect("stored");
    assert_eq!(files.map(mode), [0o600; 4]);
    store.close().await;
    // As the first versions left them.
    for name in ["idobata.db", "idobata.mark"] {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o644)).expect("set");
    }
    let store = folder.open().expect("opened");
    append(&store, 1).await.expect("stored");
    assert_eq!(files.map(mode), [0o600; 4]);
}

#[tokio::test]
async fn the_log_is_bounded_while_another_program_reads_and_all_goes_on_when_it_ends() {
    let folder = Folder::new();
    let bound = 256 * 1024;
    let store = folder.open_with(FileSettings { max_wal_bytes: bound, accept_loss: false }).expect("opened");
    append(&store, 1).await.expect("stored");
    let reader = Connection::open(folder.database()).expect("opened");
    reader.execute_batch("BEGIN; SELECT * FROM topics").expect("reading");
    let mut stored = 1;
    let refused = loop {
        match append(&store, 60).await {
            Ok(()) => stored += 60,
            Err(refused) => break refused.to_string(),
        }
        assert!(stored < 100_000, "it is never bounded");
    };
    assert!(refused.contains("--max-wal") && refused.contains("fuser -v"), "{refused}");
    store.check().await.expect_err("not ready");
    let log = fs::metadata(folder.path("idobata.db-wal")).expect("there").len();
    assert!(log < bound + 200_000, "{log}");
    assert_eq!(bounds(&store).await.head, stored, "reads go on");
    reader.execute_batch("COMMIT").expect("ended");
    let again = async {
        while append(&store, 1).await.is_err() {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("by itself");
    store.check().await.expect("ready");
    assert!(fs::metadata(folder.path("idobata.db-wal")).expect("there").len() < bound);
    assert_eq!(bounds(&store).await.head, stored + 1, "nothing that was refused is there");
}

#[tokio::test]
async fn a_backup_has_everything_of_its_moment_and_is_its_owners_alone() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 20).await.expect("stored");
    fs::write(folder.path("jwt-secret"), "a key that is long enough to be one").expect("written");
    let file = folder.path("backup.idobata");
    let done = folder.backup(&file).expect("made while the store is open");
    assert_eq!((done.entries, done.keys), (20, 1));
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let told = folder.backup(&file).expect_err("it is there").to_string();
    assert!(told.contains("--force"), "{told}");
    for name in ["idobata.db", "idobata.db-wal", "idobata.mark", "jwt-secret"] {
        let (database, keys, to) = (folder.database(), vec![folder.path("jwt-secret")], folder.path(name));
        let onto_itself =
            BackupJob { database, keys, to, force: true, now_ms: 0 }.run(|_| ControlFlow::Continue(()));
        assert!(onto_itself.expect_err("refused").to_string().contains("to be backed up"), "{name}");
    }
    store.check().await.expect("nothing was replaced");
    store.close().await;
    fs::remove_file(&file).expect("removed");
    assert_eq!(folder.backup(&file).expect("made while it is closed"), done);
    let names: Vec<_> =
        fs::read_dir(folder.0.path()).expect("listed").map(|file| file.expect("there").file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".idobata-")), "{names:?}");
}

#[tokio::test]
async fn a_backup_and_a_restore_that_are_interrupted_leave_everything_as_it_was() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    folder.backup(&folder.path("good")).expect("made");
    store.close().await;
    let names = || {
        let files = fs::read_dir(folder.0.path()).expect("listed");
        files.map(|file| file.expect("there").file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    let (before, database) = (names(), fs::read(folder.database()).expect("read"));
    let (from, to) = (folder.path("good"), folder.path("new"));
    let job = BackupJob { database: folder.database(), keys: vec![], to, force: false, now_ms: 0 };
    assert!(matches!(job.run(|_| ControlFlow::Break(())), Err(StoreError::Interrupted)));
    let (database_path, aside) = (folder.database(), folder.path("replaced"));
    let job = RestoreJob { from, database: database_path, keys: vec![], aside };
    assert!(matches!(job.run(|_| ControlFlow::Break(())), Err(StoreError::Interrupted)));
    assert_eq!((names(), fs::read(folder.database()).expect("read")), (before, database));
}

#[tokio::test]
async fn a_restore_puts_database_and_keys_in_place_and_keeps_what_was_there() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 20).await.expect("stored");
    let epoch = bounds(&store).await.epoch;
    fs::write(folder.path("jwt-secret"), "the key of the backup, which is long enough").expect("written");
    let file = folder.path("backup.idobata");
    folder.backup(&file).expect("made");
    append(&store, 5).await.expect("stored");
    fs::write(folder.path("jwt-secret"), "the key of later on").expect("written");
    assert!(matches!(folder.restore(&file), Err(StoreError::InUse)), "a server has the folder");
    store.close().await;
    let done = folder.restore(&file).expect("restored");
    assert_eq!((done.entries, done.keys), (20, 1));
    assert!(done.made.is_some_and(|(made_ms, version)| made_ms > 0 && !version.is_empty()));
    let aside = done.aside.expect("something was there");
    assert!(fs::read_to_string(folder.path("jwt-secret")).expect("there").contains("of the backup"));
    assert_eq!(fs::read_to_string(aside.join("jwt-secret")).expect("kept"), "the key of later on");
    for name in ["idobata.db", "idobata.mark", "jwt-secret"] {
        assert_eq!(fs::metadata(folder.path(name)).expect("there").permissions().mode() & 0o777, 0o600);
    }
    let bytes = fs::read(folder.database()).expect("read");
    assert!(!bytes.windows(17).any(|bytes| bytes == b"key of the backup"), "no key is left in the database");
    let store = folder.open().expect("it starts");
    let after = bounds(&store).await;
    assert!(after.head == 20 && after.epoch != epoch, "{after:?}");
    append(&store, 1).await.expect("stored");
    assert_eq!(
        bounds(&SqliteStore::open(&aside.join("idobata.db"), Arc::new(Nobody)).expect("kept")).await.head,
        25
    );
}

#[tokio::test]
async fn a_restore_that_fails_half_way_brings_back_what_was_there() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    fs::write(folder.path("jwt-secret"), "the key of the backup, which is long enough").expect("written");
    folder.backup(&folder.path("backup")).expect("made");
    append(&store, 2).await.expect("stored");
    store.close().await;
    let (from, database, aside) = (folder.path("backup"), folder.database(), folder.path("replaced"));
    let keys = vec![folder.path("no-folder/jwt-secret")];
    let job = RestoreJob { from, database, keys, aside };
    job.run(|_| ControlFlow::Continue(())).expect_err("the key has no place");
    assert!(!folder.path("replaced").exists());
    assert_eq!(bounds(&folder.open().expect("as it was")).await.head, 5);
}

#[tokio::test]
async fn a_restore_into_nothing_and_one_of_a_plain_copy_work() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    store.close().await;
    let empty = Folder::new();
    let done = empty.restore(&folder.database()).expect("restored");
    assert_eq!((done.entries, done.keys, done.made, done.aside), (3, 0, None, None));
    assert_eq!(bounds(&empty.open().expect("it starts")).await.head, 3);
}

#[tokio::test]
async fn what_is_no_whole_backup_is_refused_and_changes_nothing() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 200).await.expect("stored");
    let good = folder.path("good");
    folder.backup(&good).expect("made");
    store.close().await;
    let bad = folder.path("bad");
    let mut bytes = fs::read(&good).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5A);
    let before = fs::read(folder.database()).expect("read");
    let cut = &fs::read(&good).expect("read")[..middle];
    for (content, part) in [
        (&bytes[..], "bad"),
        (cut, "bad"),
        (b"no database at all, but a letter", "bad"),
        (b"", "not a backup"),
    ] {
        fs::write(&bad, content).expect("written");
        let told = folder.restore(&bad).expect_err("refused").to_string();
        assert!(told.contains(part), "{told}");
        assert!(fs::read(folder.database()).expect("read") == before && !folder.path("replaced").exists());
    }
    let told = folder.restore(&folder.path("none")).expect_err("refused").to_string();
    assert!(told.contains("is not there"), "{told}");
    let told = folder.restore(&folder.database()).expect_err("refused").to_string();
    assert!(told.contains("is the database itself"), "{told}");
}
