//! Tests of a start with files that were lost, truncated, copied, damaged, or belong to another program.

use super::*;

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
async fn rooms_and_documents_that_are_lost_are_noticed_as_entries_are() {
    for is_room in [true, false] {
        let folder = Folder::new();
        let store = folder.open().expect("opened");
        if is_room {
            assert_eq!(store.create_room(room("r"), 10).await.expect("made"), RoomCreation::Created);
            assert_eq!(store.create_room(room("r"), 10).await.expect("not again"), RoomCreation::Exists);
        } else {
            let step = || Mutation::put(Kind::Account, "a", Precondition::Absent, &"somebody");
            assert!(store.grant(vec![step()]).await.expect("changed").is_committed());
            assert!(!store.grant(vec![step()]).await.expect("not again").is_committed());
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
        killed.backup(&killed.path("backup")).expect_err("it would be taken for a whole one");
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
            // The writer thread ends by itself, and the WAL goes with it.
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
    // The permissions that the first versions set.
    for name in ["idobata.db", "idobata.mark"] {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o644)).expect("set");
    }
    let store = folder.open().expect("opened");
    append(&store, 1).await.expect("stored");
    assert_eq!(files.map(mode), [0o600; 4]);
}
