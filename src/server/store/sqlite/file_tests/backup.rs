//! Tests of backups and restores: complete, of one instant, and all or nothing.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::*;
use crate::server::store::sqlite::backup::expect_intact;

#[tokio::test]
async fn a_backup_of_the_same_run_that_is_copied_over_a_killed_database_is_not_mixed_with_its_log() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    folder.backup(&folder.path("backup")).expect("made");
    append(&store, 50).await.expect("stored");
    let killed = folder.as_after_a_kill();
    fs::copy(folder.path("backup"), killed.database()).expect("put in place");
    let told = killed.backup(&killed.path("another")).expect_err("not before a start").to_string();
    assert!(told.contains("start idobata once"), "{told}");
    let kept = fs::metadata(killed.path("idobata.db-wal")).expect("a backup changes nothing").len();
    assert!(kept > 0);
    assert!(killed.refused().contains("has 3 of the 53 writes that were acknowledged"));
    assert_eq!(bounds(&killed.open_with(ACCEPT_LOSS).expect("opened")).await.head, 3);
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
            BackupJob { database, keys, to, force: true, now_ms: 0, is_stopped: Arc::default() }
                .run(|_| (), |_, _| Ok(Vec::new()));
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
    let is_stopped = Arc::new(AtomicBool::default());
    let stop = |_| is_stopped.store(true, Relaxed);
    let (database_path, given) = (folder.database(), is_stopped.clone());
    let job =
        BackupJob { database: database_path, keys: vec![], to, force: false, now_ms: 0, is_stopped: given };
    assert!(matches!(job.run(stop, |_, _| Ok(Vec::new())), Err(StoreError::Interrupted)));
    is_stopped.store(false, Relaxed);
    let (database_path, aside) = (folder.database(), folder.path("replaced"));
    let job =
        RestoreJob { from, database: database_path, keys: vec![], aside, is_stopped: is_stopped.clone() };
    assert!(matches!(job.run(stop, |_| Ok(())), Err(StoreError::Interrupted)));
    let mut checked = Connection::open(folder.path("good")).expect("opened");
    let outcome = expect_intact(&mut checked, &folder.path("good"), &is_stopped);
    assert!(matches!(outcome, Err(StoreError::Interrupted)), "the long look at every page, too");
    drop(checked);
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
    for key in ["jwt-secret", "operator-key"] {
        fs::write(folder.path(key), "a key of the backup, which is long enough").expect("written");
    }
    folder.backup(&folder.path("backup")).expect("made");
    append(&store, 2).await.expect("stored");
    store.close().await;
    fs::write(folder.path("jwt-secret"), "the key of later on").expect("written");
    fs::remove_file(folder.path("operator-key")).expect("removed");
    let (from, database, aside) = (folder.path("backup"), folder.database(), folder.path("replaced"));
    let keys = ["jwt-secret", "operator-key", "no-folder/jwt-secret"].map(|key| folder.path(key)).to_vec();
    let job = RestoreJob { from, database, keys, aside, is_stopped: Arc::default() };
    job.run(|_| (), |_| Ok(())).expect_err("the key has no place");
    assert!(!folder.path("replaced").exists() && !folder.path("operator-key").exists());
    assert_eq!(fs::read_to_string(folder.path("jwt-secret")).expect("there"), "the key of later on");
    let store = folder.open().expect("as it was");
    assert_eq!(bounds(&store).await.head, 5);
    store.close().await;
    // If a key cannot be kept, it and the others stay where they are.
    fs::create_dir(folder.path("operator-key")).expect("no file");
    let keys = vec![folder.path("operator-key"), folder.path("jwt-secret")];
    let exchange = crate::server::store::sqlite::exchange::Exchange {
        database: &folder.database(),
        keys: &keys.into_iter().map(|path| (path, "new".to_owned())).collect::<Vec<_>>(),
        aside: &folder.path("replaced"),
    };
    exchange.run(tempfile::NamedTempFile::new_in(folder.0.path()).expect("made")).expect_err("not kept");
    assert_eq!(fs::read_to_string(folder.path("jwt-secret")).expect("there"), "the key of later on");
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

#[tokio::test]
async fn a_restore_knows_which_contents_were_removed_while_the_backup_was_made() {
    let folder = Folder::new();
    folder.open().expect("opened").close().await;
    let (database, to) = (folder.database(), folder.path("backup"));
    let (keys, is_stopped) = (vec![], Arc::default());
    let job = BackupJob { database, keys, to, force: false, now_ms: 0, is_stopped };
    job.run(|_| (), |_, _| Ok(vec!["ab".to_owned()])).expect("made");
    let (from, database, aside) = (folder.path("backup"), folder.database(), folder.path("replaced"));
    let job = RestoreJob { from, database, keys: vec![], aside, is_stopped: Arc::default() };
    let mut seen = None;
    let restored = job.run(
        |_| (),
        |list| {
            seen = Some((list.is_gone("ab"), list.is_gone("cd")));
            Ok(())
        },
    );
    restored.expect("restored");
    assert_eq!(seen, Some((true, false)));
}
