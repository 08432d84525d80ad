//! Conformance of the records of files.

use super::{Bench, changes::change, draft, keep};
use crate::{
    protocol::{chat::Room, cursor::Offset, name::RoomId},
    server::store::{FileAddition, FileQuota, FileRecord, NewEntry, Record, StoreError, TopicName},
};

/// A quota that nothing exceeds.
const ANYTHING: FileQuota = FileQuota { per_person: u64::MAX, since_ms: 0, per_room: u64::MAX };

fn topic() -> TopicName {
    TopicName::Room(RoomId::parse("a").expect("fine"))
}

fn file(id: &str, hash: &str) -> FileRecord {
    FileRecord {
        id: id.into(),
        hash: hash.into(),
        topic: topic(),
        offset: None,
        owner: "alice".into(),
        name: "花.png".into(),
        media_type: "image/png".into(),
        size: 10,
        width: Some(3),
        height: Some(4),
        created: 1_000,
    }
}

/// A message of alice with these files.
fn message(files: &[&str]) -> NewEntry {
    NewEntry {
        author: "alice".into(),
        channel: None,
        lasting: true,
        body: "hello".into(),
        files: files.iter().map(|id| (*id).to_owned()).collect(),
        ..draft("c")
    }
}

impl Bench {
    async fn with_room(self) -> Self {
        let room = Room::new(RoomId::parse("a").expect("fine"), "A".to_owned());
        self.store.create_room(room, 9).await.expect("made");
        self
    }

    async fn add_file(&self, file: FileRecord) {
        assert_eq!(self.store.add_file(&file, ANYTHING).await.expect("answered"), FileAddition::Added);
    }

    async fn stored_file(&self, id: &str) -> Option<FileRecord> {
        self.store.files(&[id.to_owned()]).await.expect("read").pop()
    }

    async fn append_to_room(&self, entry: NewEntry) -> Result<Record, StoreError> {
        let mut appended = self.store.append(&topic(), vec![entry]).await?;
        Ok(appended.pop().expect("one").record)
    }

    async fn removed_hashes(&self) -> Vec<String> {
        let mut hashes = self.store.removed_contents(100).await.expect("read");
        hashes.sort();
        hashes
    }
}

pub(super) async fn a_file_is_read_back_as_it_was_added(bench: Bench) {
    let bench = bench.with_room().await;
    let plain = FileRecord { width: None, height: None, ..file("f2", "h2") };
    bench.add_file(file("f1", "h1")).await;
    bench.add_file(plain.clone()).await;
    let bench = bench.reopened().await;
    assert_eq!(bench.stored_file("f1").await, Some(file("f1", "h1")));
    assert_eq!(bench.stored_file("f2").await, Some(plain));
    assert_eq!(bench.stored_file("f3").await, None);
    assert_eq!(bench.stored_file("f\0").await, None);
    let nowhere = FileRecord { topic: TopicName::of_user("nobody").expect("fine"), ..file("f3", "h3") };
    assert_eq!(bench.store.add_file(&nowhere, ANYTHING).await.expect("answered"), FileAddition::NoTopic);
    let known = ["h1", "h3", "h2"].map(str::to_owned);
    let mut known = bench.store.known_contents(&known).await.expect("read");
    known.sort();
    assert_eq!(known, ["h1", "h2"]);
}

pub(super) async fn a_file_that_exceeds_a_quota_is_not_added(bench: Bench) {
    let bench = bench.with_room().await;
    bench.add_file(file("f1", "h1")).await;
    let within = async |file: &FileRecord, per_person, per_room, since_ms| {
        let quota = FileQuota { per_person, since_ms, per_room };
        bench.store.add_file(file, quota).await.expect("answered")
    };
    assert_eq!(within(&file("f2", "h2"), 19, 100, 1_000).await, FileAddition::PersonFull);
    assert_eq!(within(&file("f2", "h2"), 100, 19, 1_000).await, FileAddition::RoomFull);
    assert_eq!(bench.stored_file("f2").await, None);
    assert_eq!(within(&file("f2", "h2"), 20, 20, 1_000).await, FileAddition::Added);
    assert_eq!(within(&file("f3", "h3"), 10, 100, 1_001).await, FileAddition::Added, "those are older");
    let other = FileRecord { owner: "bob".into(), ..file("f4", "h4") };
    assert_eq!(within(&other, 10, 40, 1_000).await, FileAddition::Added, "they are another person's");
}

pub(super) async fn a_hash_that_lost_a_record_is_noted_until_somebody_looked_after_it(bench: Bench) {
    let bench = bench.with_room().await;
    for (id, hash) in [("f1", "h1"), ("f2", "h2"), ("f3", "h2"), ("f4", "h4")] {
        bench.add_file(file(id, hash)).await;
    }
    bench.add_file(FileRecord { created: 2_000, ..file("f5", "h5") }).await;
    bench.append_to_room(message(&["f4"])).await.expect("posted");
    assert_eq!(bench.store.expire_files(2_000).await.expect("removed"), 3);
    let bench = bench.reopened().await;
    assert_eq!(bench.removed_hashes().await, ["h1", "h2"]);
    bench.store.forget_removed_content("h1").await.expect("forgotten");
    assert_eq!(bench.removed_hashes().await, ["h2"]);
    assert!(bench.stored_file("f4").await.is_some() && bench.stored_file("f5").await.is_some());
    let room = RoomId::parse("a").expect("fine");
    bench.store.remove_room(&room).await.expect("removed");
    assert_eq!(bench.removed_hashes().await, ["h2", "h4", "h5"], "also what no entry names");
    assert!(bench.stored_file("f4").await.is_none() && bench.stored_file("f5").await.is_none());
}

pub(super) async fn a_file_becomes_part_of_one_entry_of_its_owner(bench: Bench) {
    let bench = bench.with_room().await;
    for id in ["f1", "f2", "f3"] {
        bench.add_file(file(id, "h")).await;
    }
    bench.add_file(FileRecord { owner: "bob".into(), ..file("f4", "h") }).await;
    let first = bench.append_to_room(message(&["f1", "f2"])).await.expect("posted").offset;
    assert_eq!(bench.stored_file("f1").await.and_then(|file| file.offset), Some(first));
    assert_eq!(bench.stored_file("f2").await.and_then(|file| file.offset), Some(first));
    for files in [&["f3", "f1"][..], &["f4"], &["f5"], &["f3", "f3"], &["f\0"]] {
        let refused = bench.append_to_room(message(files)).await.expect_err("not theirs");
        assert!(matches!(refused, StoreError::Rejected(_)), "{files:?}: {refused}");
        assert_eq!(bench.stored_file("f3").await.and_then(|file| file.offset), None, "all of them or none");
    }
    // Of two entries that want it at the same time one gets it, and the other takes nothing with it.
    let (one, two, other) = tokio::join!(
        bench.append_to_room(message(&["f3"])),
        bench.append_to_room(message(&["f3"])),
        bench.append_to_room(message(&[]))
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
    other.expect("posted");
}

pub(super) async fn the_files_of_an_entry_go_with_it(bench: Bench) {
    let bench = bench.with_room().await;
    for (id, hash) in [("f1", "h1"), ("f2", "h2"), ("f3", "h3")] {
        bench.add_file(file(id, hash)).await;
    }
    let mut offsets: Vec<Offset> = Vec::new();
    for id in ["f1", "f2", "f3"] {
        offsets.push(bench.append_to_room(message(&[id])).await.expect("posted").offset);
    }
    bench.append_to_room(change(offsets[1], "delete")).await.expect("deleted");
    assert_eq!(bench.stored_file("f2").await, None);
    assert_eq!(bench.removed_hashes().await, ["h2"]);

    bench.store.trim(&topic(), keep(1), 0).await.expect("trimmed");
    assert_eq!(bench.stored_file("f1").await, None);
    assert!(bench.stored_file("f3").await.is_some());
    assert_eq!(bench.removed_hashes().await, ["h1", "h2"]);
}
