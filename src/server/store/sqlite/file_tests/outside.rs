//! Tests of changes to the files while a server uses them.

use std::os::unix::fs::FileExt;

use super::*;

/// A part of the expected error, whether a post acknowledged after the change would be lost, and the change to a
/// folder.
type Disturbance = (&'static str, bool, fn(&Folder));

const DISTURBANCES: [Disturbance; 9] = [
    ("is gone", true, |folder| fs::rename(folder.database(), folder.path("away")).expect("moved")),
    ("is gone", true, |folder| fs::remove_file(folder.path("idobata.db-wal")).expect("removed")),
    ("is gone", false, |folder| fs::remove_file(folder.path("idobata.db-shm")).expect("removed")),
    ("is gone", false, |folder| fs::remove_file(folder.path("idobata.mark")).expect("removed")),
    ("is gone", true, |folder| fs::remove_dir_all(folder.0.path()).expect("removed")),
    ("is gone", false, |folder| {
        fs::rename(folder.0.path(), folder.0.path().with_extension("moved")).expect("moved");
    }),
    ("was replaced", true, |folder| {
        fs::copy(folder.database(), folder.path("backup.db")).expect("copied");
        fs::rename(folder.path("backup.db"), folder.database()).expect("moved");
    }),
    ("was overwritten", true, |folder| {
        // In place, so that the inode stays the same, as with `cp`.
        let mut bytes = fs::read(folder.database()).expect("read");
        bytes[68..72].copy_from_slice(b"idob");
        fs::write(folder.database(), bytes).expect("written");
    }),
    ("was overwritten", true, |folder| fs::write(folder.database(), "").expect("cut")),
];

#[tokio::test]
async fn a_file_that_is_moved_replaced_deleted_or_overwritten_takes_no_posts_and_no_reads() {
    for (number, (how, _, disturb)) in DISTURBANCES.into_iter().enumerate() {
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

#[tokio::test]
async fn posts_alone_notice_it_at_once_where_the_next_one_would_be_lost_and_soon_elsewhere() {
    for (number, (how, is_urgent, disturb)) in DISTURBANCES.into_iter().enumerate() {
        let folder = Folder::new();
        let store = folder.open().expect("opened");
        // The full check ran just now and is not due.
        append(&store, 1).await.expect("stored");
        append(&store, 1).await.expect("stored");
        disturb(&folder);
        let first = append(&store, 1).await.err();
        assert!(first.is_some() || !is_urgent, "{number}: taken");
        let until_refused = async {
            loop {
                if let Err(refused) = append(&store, 1).await {
                    return refused.to_string();
                }
                tokio::task::yield_now().await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(10), until_refused).await.expect("noticed");
        assert!(told.contains(how), "{number}: {told}");
        store.close().await;
        drop(fs::remove_dir_all(folder.0.path().with_extension("moved")));
    }
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

/// Covers changes from outside both past SQLite and through it.
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
            // A copy from the same run, into the same inode.
            folder.await_tick();
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
async fn a_checkpoint_that_is_under_way_or_was_given_up_is_not_taken_for_damage() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    let opened =
        |name| fs::OpenOptions::new().read(true).write(true).open(folder.path(name)).expect("opened");
    let (index, database) = (opened("idobata.db-shm"), opened("idobata.db"));
    // A checkpoint records its goal, writes into the database, and only then records its progress.
    index.write_all_at(&9_u32.to_ne_bytes(), 128).expect("written");
    database.write_all_at(b"S", 0).expect("what is there already");
    append(&store, 1).await.expect("stored");
    store.check().await.expect("ready");
    // The files stay open until here: closing one drops SQLite's locks.
    store.close().await;
    assert_eq!(bounds(&folder.open().expect("whole")).await.head, 4);
}

#[tokio::test]
async fn an_overwriting_after_a_checkpoint_that_was_slow_to_say_how_far_it_came_is_noticed() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    fs::copy(folder.database(), folder.path("copy")).expect("copied");
    let other = Connection::open(folder.database()).expect("opened");
    let index = fs::OpenOptions::new().read(true).write(true).open(folder.path("idobata.db-shm"));
    let index = index.expect("opened");
    let mut frames = [0; 4];
    index.read_exact_at(&mut frames, 16).expect("read");
    other.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").expect("moved");
    // The state while the other program waits for the disk: the database is written, and the index does not show it
    // yet.
    index.write_all_at(&[0; 4], 96).expect("written");
    append(&store, 1).await.expect("stored");
    index.write_all_at(&frames, 96).expect("written");
    append(&store, 1).await.expect("stored");
    folder.await_tick();
    fs::copy(folder.path("copy"), folder.database()).expect("copied");
    let told = append(&store, 1).await.expect_err("nothing is stored").to_string();
    assert!(told.contains("was overwritten"), "{told}");
    store.close().await;
}

#[tokio::test]
async fn a_closer_look_that_fails_is_made_again_before_the_next_post() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    append(&store, 3).await.expect("stored");
    let other = Connection::open(folder.database()).expect("opened");
    let no_count = "DELETE FROM entries; UPDATE topics SET head = 0; DELETE FROM changes";
    other.execute_batch(no_count).expect("as a .restore of something broken does");
    for _ in 0..2 {
        append(&store, 1).await.expect_err("nobody knows what is lacking");
    }
    other.execute_batch("INSERT INTO changes VALUES (0)").expect("mended");
    let told = append(&store, 1).await.expect_err("now it is known").to_string();
    assert!(told.contains("was put back"), "{told}");
    store.close().await;
}

#[tokio::test]
async fn a_repeated_post_writes_nothing() {
    let folder = Folder::new();
    let store = folder.open().expect("opened");
    let post = || vec![NewEntry { client_id: Some("once".into()), ..draft("1") }];
    store.append(&TopicName::Feed, post()).await.expect("stored");
    let log_bytes = || fs::metadata(folder.path("idobata.db-wal")).expect("there").len();
    let before = log_bytes();
    let again = store.append(&TopicName::Feed, post()).await.expect("known");
    assert!(!again[0].first);
    assert_eq!(log_bytes(), before);
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
